"""TLS through the gateway, by curl and openssl to nginx."""
import hashlib
import os
import re
import unittest

from .case import LabCase
from .lab import SERVER

CURL_RESET = (35, 56)  # "SSL connect error", "failure in receiving"


def address(server):
    return f"[{server}]" if ":" in server else server


class Tls(LabCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.page = os.urandom(3_000_000)
        (cls.lab.folder / "www" / "random").write_bytes(cls.page)

    def get(self, name, server=SERVER[0], path="/", *arguments):
        """The page of a name whose address is already known: DNS is not asked."""
        return self.lab.curl(f"https://{name}{path}", "--resolve", f"{name}:443:{address(server)}",
                             *arguments)

    def test_permitted_pages_arrive_byte_for_byte(self):
        for server in SERVER:
            for version in ([], ["--http1.1"], ["--tls-max", "1.2"], ["--tlsv1.3"]):
                with self.subTest(server=server, version=version):
                    file = self.lab.folder / "received"
                    file.unlink(missing_ok=True)
                    got = self.get("www.library.example", server, "/random", "-o", file, *version)
                    self.assertEqual((got.returncode, got.stderr), (0, ""))
                    self.assertEqual(hashlib.sha256(file.read_bytes()).hexdigest(),
                                     hashlib.sha256(self.page).hexdigest())

    def test_blocked_names_are_refused_at_once(self):
        before = self.appliance.counters()
        for server in SERVER:
            for version in (["--tls-max", "1.2"], ["--tlsv1.3"]):
                with self.subTest(server=server, version=version):
                    got = self.get("www.casino.example", server, "/", *version)
                    self.assertIn(got.returncode, CURL_RESET)
                    self.assertIn("reset", got.stderr)
        self.assert_counted("tls_blocked", 4, before)

    def test_the_server_is_told_too(self):
        self.get("www.casino.example")
        peers = self.lab.server.run("ss", "-Htn", "state", "established", "sport", "=", ":443").stdout
        self.assertEqual(peers.strip(), "")
        log = (self.lab.folder / "nginx-access.log").read_text()
        self.assertNotIn("casino", log)

    def test_openssl(self):
        def connect(*arguments):
            return self.lab.client.run(
                "openssl", "s_client", "-connect", f"{SERVER[0]}:443", "-CAfile",
                self.lab.certs.certificate, "-verify_return_error", *arguments, check=False,
                stdin=-3, timeout=20)
        self.assertIn("Verify return code: 0", connect("-servername", "www.library.example").stdout)
        self.assertNotIn("BEGIN CERTIFICATE", connect("-servername", "www.casino.example").stdout)
        self.assertNotIn("BEGIN CERTIFICATE", connect("-servername", "WWW.Casino.EXAMPLE").stdout)
        self.assertIn("BEGIN CERTIFICATE", connect("-noservername").stdout)

    def test_plain_http_passes(self):
        got = self.lab.curl(f"http://{SERVER[0]}/random", "-o", self.lab.folder / "plain")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual((self.lab.folder / "plain").read_bytes(), self.page)

    def test_upload_passes(self):
        source = self.lab.folder / "www" / "random"
        got = self.get("www.library.example", SERVER[0], "/", "--http1.1", "--data-binary",
                       f"@{source}", "-w", "%{size_upload} %{http_code}", "-o", "/dev/null")
        self.assertTrue(re.match(r"\d+ 4(05|13)", got.stdout), got.stdout + got.stderr)

    def test_many_connections(self):
        urls = [word for i in range(40) for word in
                ("-o", "/dev/null", f"https://a{i}.library.example/")]
        resolve = [word for i in range(40) for word in
                   ("--resolve", f"a{i}.library.example:443:{SERVER[0]}")]
        got = self.lab.curl("https://library.example/", *resolve, "--resolve",
                            f"library.example:443:{SERVER[0]}", *urls, "--parallel", "-o", "/dev/null")
        self.assertEqual(got.returncode, 0, got.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
