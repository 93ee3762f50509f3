"""HTTP through the gateway, by curl to nginx."""
import contextlib
import http.client
import os
import re
import unittest

from .case import LabCase
from .frames import inside
from .lab import SERVER

INCIDENT = r"this number: <b>(\w+)</b>"


class Page(LabCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.file = os.urandom(1_000_000)
        (cls.lab.folder / "www" / "random").write_bytes(cls.file)

    def tearDown(self):
        self.assert_nothing_lost()

    def get(self, name, *arguments, server=SERVER[0], path="/"):
        """curl, to which the name's address is known; it gives up by itself where nothing comes."""
        at = f"[{server}]" if ":" in server else server
        got = self.lab.curl(f"http://{name}{path}", "--resolve", f"{name}:80:{at}", *arguments)
        self.assertNotEqual(got.returncode, 28, "it waited in vain")
        return got

    def test_permitted_files_arrive_byte_for_byte(self):
        for server in SERVER:
            with self.subTest(server=server):
                file = self.lab.folder / "received"
                got = self.get("www.library.example", "-o", file, server=server, path="/random")
                self.assertEqual((got.returncode, got.stderr), (0, ""))
                self.assertTrue(file.read_bytes() == self.file)

    def test_keep_alive(self):
        """Three files of one connection."""
        before = self.appliance.counters()
        files = [self.lab.folder / f"kept-{i}" for i in range(3)]
        url = "http://www.library.example/random"
        got = self.get("www.library.example", "-w", "%{num_connects}\n", "-o", files[0],
                       "-o", files[1], url, "-o", files[2], url, path="/random")
        self.assertEqual(got.stdout.split(), ["1", "0", "0"], got.stderr)
        for file in files:
            self.assertTrue(file.read_bytes() == self.file, file)
        self.assertEqual(self.counted(before).get("http_blocked"), None)

    def test_blocked_names_get_a_page(self):
        before = self.appliance.counters()
        for server in SERVER:
            with self.subTest(server=server):
                got = self.get("www.casino.example", "-i", server=server)
                self.assertEqual(got.returncode, 0, got.stderr)
                self.assertRegex(got.stdout, r"\AHTTP/1\.1 403 Forbidden\r?\n")
                self.assertIn("<b>casino.example</b> is listed as <b>gambling</b>", got.stdout)
        self.assertEqual(self.counted(before)["http_blocked"], 2)
        self.assertNotIn("casino", (self.lab.folder / "nginx-access.log").read_text())

    def test_fail_option_of_curl(self):
        got = self.get("www.casino.example", "--fail")
        self.assertEqual(got.returncode, 22, got.stderr)
        self.assertIn("403", got.stderr)

    def test_head(self):
        got = self.get("www.casino.example", "--head")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertIn("403 Forbidden", got.stdout)
        self.assertNotIn("<html", got.stdout)

    def test_upload(self):
        got = self.get("www.casino.example", "--data-binary",
                       f"@{self.lab.folder / 'www' / 'random'}", "-H", "Expect:")
        self.assertNotIn("This is the server", got.stdout)

    def test_incident_of_the_page_is_known(self):
        got = self.get("www.casino.example")
        incident = re.search(INCIDENT, got.stdout).group(1)
        told = self.appliance.ctl("incident", incident).stdout
        for fact in ("casino.example", "gambling", "http"):
            self.assertIn(fact, told)

    def test_second_request_of_a_connection(self):
        """As a proxy's clients ask: the name is judged at every request."""
        with inside(self.lab.client):
            connection = http.client.HTTPConnection(SERVER[0], timeout=10)
            connection.connect()
        with contextlib.closing(connection):
            for name in ("www.library.example", "news.test"):
                connection.request("GET", "/random", headers={"Host": name})
                self.assertTrue(connection.getresponse().read() == self.file, name)
            connection.auto_open = False
            connection.request("GET", "/random", headers={"Host": "www.casino.example"})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 403)
            self.assertRegex(answer.read().decode(), INCIDENT)

    def test_clear_text_http2(self):
        got = self.get("www.casino.example", "--http2-prior-knowledge")
        self.assertNotEqual(got.returncode, 0)
        self.assertNotIn("This is the server", got.stdout)


class Reset(LabCase):
    ANSWER = {"http": "reset"}

    def test_blocked_names_are_reset(self):
        before = self.appliance.counters()
        got = self.lab.curl("http://www.casino.example/", "--resolve",
                            f"www.casino.example:80:{SERVER[0]}")
        self.assertEqual(got.returncode, 56, got.stderr)  # "failure in receiving"
        self.assertIn("reset", got.stderr)
        self.assertEqual(self.counted(before)["http_blocked"], 1)
        self.assert_nothing_lost()


if __name__ == "__main__":
    unittest.main(verbosity=2)
