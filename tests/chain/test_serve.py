"""sluice-authority serve: the repository over HTTPS, to appliances, to curl and to nobody's harm."""
import http.client
import os
import resource
import signal
import socket
import ssl
import subprocess
import urllib.parse
import warnings

from harness import BIN, ChainTest, eventually, main
from mirror import make_ca


class Serve(ChainTest):
    def setUp(self):
        super().setUp()
        self.ca, self.certificate, self.key = make_ca(self.folder / "tls")

    def command(self, *arguments):
        return [str(BIN / "sluice-authority"), "--dir", str(self.authority.folder), "serve",
                *[str(a) for a in arguments]]

    def serve(self, *arguments):
        """Starts it on a free port; returns the URL that it tells."""
        process = subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.process = process
        self.url = urllib.parse.urlsplit(process.stdout.readline().split()[-1])
        self.assertTrue(self.url.port)
        return self.url.geturl()

    def serve_https(self):
        self.serve("--listen", "127.0.0.1:0", "--certificate", self.certificate, "--key", self.key)
        return f"https://localhost:{self.url.port}/"

    def refused(self, *arguments):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=20)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def ask(self, target, method="GET", **fields):
        """One request; its status, fields and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.url.port, timeout=10)
        self.addCleanup(connection.close)
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in fields.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()

    def test_an_appliance_follows_it(self):
        box = self.control(self.serve_https(), self.ca)
        box.start()
        eventually(lambda: box.status()["generation"] == 1)
        self.authority.add("new.example", order="PSB-2")
        self.authority.release()
        reply = box.pull()
        self.assertEqual((reply["outcome"], reply["generation"]), ("published", 2))
        self.assertEqual(box.pull()["outcome"], "unchanged")
        self.assertEqual(box.status()["alarms"], [])
        self.process.kill()
        self.process.wait()
        self.assert_refused(box, "localhost")

    def test_parts_and_conditions(self):
        self.serve("--listen", "127.0.0.1:0")
        path = "/metadata/timestamp.json"
        whole = (self.authority.repo / path[1:]).read_bytes()
        status, fields, body = self.ask(path)
        self.assertEqual((status, body), (200, whole))
        self.assertEqual(fields["Content-Type"], "application/json")
        self.assertEqual(fields["Cache-Control"], "no-cache")
        tag = fields["ETag"]
        status, fields, body = self.ask(path, "HEAD")
        self.assertEqual((status, body, fields["Content-Length"]), (200, b"", str(len(whole))))
        self.assertEqual(self.ask(path, If_None_Match=tag)[::2], (304, b""))
        self.assertEqual(self.ask(path, If_None_Match='"other", ' + tag)[::2], (304, b""))
        self.assertEqual(self.ask(path, If_None_Match='"other"')[::2], (200, whole))
        for field, part in (("bytes=0-4", whole[:5]), ("bytes=7-", whole[7:]),
                            ("bytes=-3", whole[-3:]), ("bytes=5-999999", whole[5:]),
                            ("bytes=-999999", whole)):
            status, fields, body = self.ask(path, Range=field)
            self.assertEqual((status, body), (206, part), field)
            start = whole.find(part)
            self.assertEqual(fields["Content-Range"],
                             f"bytes {start}-{start + len(part) - 1}/{len(whole)}")
        status, fields, body = self.ask(path, Range=f"bytes={len(whole)}-")
        self.assertEqual((status, fields["Content-Range"]), (416, f"bytes */{len(whole)}"))
        for field in ("bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=", "bytes=x-", "bytes=1"):
            self.assertEqual(self.ask(path, Range=field)[::2], (200, whole), field)
        self.assertEqual(self.ask(path, Range="bytes=1-2", If_Range=tag)[0], 206)
        # Another version since: what is asked for is no part of it.
        self.assertEqual(self.ask(path, Range="bytes=1-2", If_Range='"old"')[::2], (200, whole))
        self.authority.run("publish")
        self.assertEqual(self.ask(path, If_None_Match=tag)[0], 200)

    def test_what_lasts_may_be_kept(self):
        self.serve("--listen", "127.0.0.1:0")
        for path in sorted((self.authority.repo / "metadata").iterdir()):
            kept = "immutable" in self.ask(f"/metadata/{path.name}")[1]["Cache-Control"]
            self.assertEqual(kept, path.name[0].isdigit(), path.name)

    def test_nothing_else_is_served(self):
        self.serve("--listen", "127.0.0.1:0")
        repo = self.authority.repo
        (repo / ".half").write_text("secret")
        (repo / "out").symlink_to("../authority.json")
        (repo / "folder-out").symlink_to("/etc")
        os.mkfifo(repo / "pipe")
        self.addCleanup(os.unlink, repo / "pipe")
        for target in ("/", "/metadata", "/metadata/", "/nothing", "/.half", "/out", "/pipe",
                       "/folder-out/passwd", "/../authority.json", "/metadata/../../authority.json",
                       "/%2e%2e/authority.json", "/..%2fauthority.json", "//etc/passwd",
                       "/metadata/%00", "/" + "a" * 5000):
            status, _, body = self.ask(target)
            self.assertIn(status, (404, 414), target)
            self.assertNotIn(b"expiry", body)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
            status, fields, _ = self.ask("/metadata/timestamp.json", method)
            self.assertEqual((status, fields["Allow"]), (405, "GET, HEAD"), method)

    def test_noise_and_silence_delay_nobody(self):
        self.serve("--listen", "127.0.0.1:0")
        for noise in (b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                      b"GET /metadata/timestamp.json HTTP/1.1\r\n" + b"A: b\r\n" * 5000):
            peer = socket.create_connection(("127.0.0.1", self.url.port), 10)
            self.addCleanup(peer.close)
            peer.sendall(noise)
        # Connections of one address are counted; those of others are not.
        held = []
        for _ in range(120):
            peer = socket.create_connection(("127.0.0.1", self.url.port), 10,
                                            source_address=("127.0.0.9", 0))
            self.addCleanup(peer.close)
            held.append(peer)
        self.assertEqual(self.ask("/metadata/timestamp.json")[0], 200)

    def test_it_ends_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.serve_https()
            peer = socket.create_connection(("127.0.0.1", self.url.port), 10)
            self.addCleanup(peer.close)
            self.process.send_signal(number)
            self.assertEqual(self.process.wait(10), 0)

    def test_no_tls_that_is_retired(self):
        self.serve_https()
        for version, taken in ((ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
                               (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
            context = ssl.create_default_context(cafile=self.ca)
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
            with socket.create_connection(("127.0.0.1", self.url.port), 10) as peer:
                try:
                    context.wrap_socket(peer, server_hostname="localhost").close()
                    self.assertTrue(taken, version)
                except ssl.SSLError:
                    self.assertFalse(taken, version)

    def test_what_it_cannot_open_now_is_not_told_to_be_missing(self):
        self.serve("--listen", "127.0.0.1:0")
        path = "/metadata/timestamp.json"
        self.assertEqual(self.ask(path)[0], 200)
        held = []
        for _ in range(4):
            peer = http.client.HTTPConnection("127.0.0.1", self.url.port, timeout=10)
            self.addCleanup(peer.close)
            peer.request("GET", path)
            self.assertEqual(peer.getresponse().read()[:1], b"{")
            held.append(peer)
        limit = len(os.listdir(f"/proc/{self.process.pid}/fd"))
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        held[0].request("GET", path)
        reply = held[0].getresponse()
        # A client takes 404 for "there is no newer root".
        self.assertEqual((reply.status, reply.headers["Retry-After"]), (503, "10"))

    def test_a_client_of_the_certificate(self):
        self.serve_https()
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection("localhost", self.url.port, context=context,
                                                 timeout=10)
        self.addCleanup(connection.close)
        connection.request("GET", "/metadata/timestamp.json")
        self.assertEqual(connection.getresponse().status, 200)

    def test_wrong_use_is_told(self):
        self.assertIn("HTTPS only", self.refused("--listen", "0.0.0.0:0"))
        self.assertIn("HTTPS only", self.refused("--listen", "[::]:0"))
        self.assertIn("ADDRESS:PORT", self.refused("--listen", "localhost:80"))
        self.assertIn("ADDRESS:PORT", self.refused("--listen", "127.0.0.1"))
        self.assertIn("ADDRESS:PORT", self.refused("--listen", "127.0.0.1:70000"))
        self.assertIn("go together", self.refused("--certificate", self.certificate))
        self.assertIn("no-such", self.refused("--certificate", "no-such", "--key", self.key))
        self.assertIn("certificate and key", self.refused(
            "--listen", "127.0.0.1:0", "--certificate", self.key, "--key", self.certificate))
        self.serve("--listen", "127.0.0.1:0")
        self.assertIn("in use", self.refused("--listen", f"127.0.0.1:{self.url.port}"))
        empty = self.folder / "empty"
        self.authority.run("init", empty)
        (empty / "repo" / "metadata" / "timestamp.json").unlink(missing_ok=True)
        done = subprocess.run([str(BIN / "sluice-authority"), "--dir", str(empty), "serve"],
                              capture_output=True, text=True, timeout=20)
        self.assertIn("nothing is published", done.stderr)


if __name__ == "__main__":
    main()
