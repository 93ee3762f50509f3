"""How lists get here: several mirrors, conditional requests, downloads that go on, a proxy, IPv6."""
import base64
import hashlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from harness import BIN, Authority, ChainTest, eventually, main
from mirror import Mirror, make_ca


class TransportTest(ChainTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="sluice-chain-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.ca, cls.certificate, cls.key = make_ca(cls.shared / "tls")
        office = Authority(cls.shared / "office")
        office.add("casino.example", "bet.test")
        office.release()
        cls.office = office.folder

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.shared))
        shutil.copytree(self.office, self.folder / "authority")
        self.authority = Authority.__new__(Authority)
        self.authority.folder = self.folder / "authority"

    def mirror(self, repo=None, **options):
        mirror = Mirror(repo or self.authority.repo, self.certificate, self.key, **options)
        self.addCleanup(mirror.close)
        return mirror

    def start(self, first, *others, more=""):
        box = self.control(first, self.ca)
        if others:
            listed = ", ".join(f"'{url}'" for url in others)
            text = box.config.read_text()
            box.config.write_text(text.replace("  poll_seconds",
                                               f"  mirrors: [{listed}]\n  poll_seconds"))
        box.config.write_text(box.config.read_text() + more)
        box.start()
        eventually(lambda: not box.status()["pull"]["running"])
        return box

    def publish(self, name):
        self.authority.add(name)
        self.authority.release()


class Mirrors(TransportTest):
    def test_one_down_one_old_one_lying(self):
        shutil.copytree(self.authority.repo, self.folder / "old")
        good, old, lying = self.mirror(), self.mirror(self.folder / "old"), self.mirror()
        lying.behaviours["lists/"] = lambda request: request.reply(200, b"x" * 200)
        with socket.create_server(("127.0.0.1", 0)) as unused:
            down = f"https://localhost:{unused.getsockname()[1]}/"
        box = self.start(good.url, down, lying.url)
        self.assertEqual(box.status()["generation"], 1, box.log.read_text())
        box.stop()
        self.publish("new.example")
        box = self.start(good.url, down, lying.url, old.url)
        # One that is behind may be believed once that nothing is new, and no longer than that.
        eventually(lambda: box.pull() and box.status()["entries"] == 3)
        for _ in range(4):
            self.assertIn(box.pull()["outcome"], ("unchanged",), box.log.read_text())
        self.assertEqual(box.alarms(), {})

    def test_the_order_is_random(self):
        mirrors = [self.mirror() for _ in range(3)]
        box = self.start(*[mirror.url for mirror in mirrors])
        # That one of three is not asked first in sixty pulls is one in 10,000,000,000.
        for _ in range(60):
            if all("/metadata/timestamp.json" in mirror.requests for mirror in mirrors):
                return
            box.pull()
        self.fail("one mirror is never asked first")

    def test_all_down(self):
        mirrors = [self.mirror(), self.mirror()]
        box = self.start(*[mirror.url for mirror in mirrors])
        self.publish("new.example")
        for mirror in mirrors:
            mirror.behaviours[""] = lambda request: request.reply(503, b"busy")
        self.assert_refused(box, "status 503")
        mirrors[1].behaviours.clear()
        self.assertEqual(box.pull()["generation"], 2)


class Conditions(TransportTest):
    def setUp(self):
        super().setUp()
        self.server = self.mirror()
        self.asked = []

        def with_etag(request):
            body = (self.authority.repo / "metadata/timestamp.json").read_bytes()
            etag = f'"{hash(body)}"'
            self.asked.append(request.headers.get("If-None-Match"))
            if self.asked[-1] == etag:
                return request.reply(304, b"", headers={"ETag": etag})
            return request.reply(200, body, headers={"ETag": etag})
        self.server.behaviours["timestamp.json"] = with_etag

    def test_unchanged_is_not_sent_again(self):
        box = self.start(self.server.url)
        self.assertEqual(box.pull()["outcome"], "unchanged")
        self.assertIsNone(self.asked[0])
        self.assertIsNotNone(self.asked[1])
        self.publish("new.example")
        self.assertEqual(box.pull()["generation"], 2)
        self.assertEqual(box.pull()["outcome"], "unchanged")
        box.stop()
        box.start()
        box.pull()
        self.assertEqual(box.status()["entries"], 3)

    def timestamp(self, seconds):
        """Signs the published timestamp anew, so that it ends soon."""
        path = self.authority.repo / "metadata/timestamp.json"
        body = json.loads(path.read_text())["signed"]
        body["version"] += 1
        body["expires"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        (self.folder / "body").write_bytes(text)
        key = next((self.authority.folder / "keys").glob("timestamp*.pem"))
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in",
                                    self.folder / "body"], check=True, capture_output=True).stdout
        envelope = json.loads(path.read_text())
        envelope["signed"] = body
        envelope["signatures"][0]["sig"] = signature.hex()
        path.write_text(json.dumps(envelope))

    def test_an_etag_that_lies(self):
        self.timestamp(6)
        box = self.start(self.server.url)
        self.assertEqual(box.status()["generation"], 1, box.log.read_text())
        self.publish("new.example")
        self.server.behaviours["timestamp.json"] = lambda request: request.reply(304, b"")
        self.assertEqual(box.pull()["outcome"], "unchanged")
        # What was signed to end ends, whatever the mirror says.
        eventually(lambda: "expired" in json.dumps(box.pull()), what="the end of the timestamp")
        self.assertIn("lists-stale", box.alarms())
        self.assertEqual(box.status()["entries"], 2)
        # One that says so of what was never asked for is no answer either.
        box.stop()
        box.start()
        self.assertIn("status 304", json.dumps(box.pull()))
        self.server.behaviours.clear()
        self.assertEqual(box.pull()["generation"], 2)


class Broken(TransportTest):
    def setUp(self):
        super().setUp()
        names = [hashlib.sha256(str(i).encode()).hexdigest()[:16] for i in range(3000)]
        self.authority.add(*[f"{name}.example" for name in names])
        self.authority.release()
        self.server = self.mirror()
        self.ranges = []
        self.body = None

    def cut(self, request, octets):
        """Sends so much, and hangs up."""
        body = (self.authority.repo / request.path.lstrip("/")).read_bytes()
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        start = int(wanted[6:-1]) if wanted else 0
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(body) - start))
        if wanted:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.end_headers()
        request.wfile.write(body[start:start + octets])
        request.close_connection = True

    def test_goes_on_where_it_was_cut(self):
        self.server.behaviours["full.cpl"] = lambda request: self.cut(request, 6000)
        box = self.start(self.server.url)
        self.assertEqual(box.status()["entries"], 3002, box.log.read_text())
        self.assertGreater(len(self.ranges), 2)
        self.assertEqual(self.ranges[:3], [None, "bytes=6000-", "bytes=12000-"])

    def test_goes_on_at_the_next_pull_and_at_another_mirror(self):
        self.server.behaviours["full.cpl"] = lambda request: self.cut(request, 6000 * (
            len(self.ranges) == 0))
        other = self.mirror()
        other.behaviours[""] = lambda request: request.reply(503, b"busy")
        box = self.start(self.server.url, other.url)
        self.assertEqual(box.status()["generation"], 0)
        part = list((box.state / "lists").glob(".*.part"))
        self.assertEqual([p.stat().st_size for p in part], [6000])
        self.server.behaviours["full.cpl"] = lambda request: self.cut(request, 10 ** 9)
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(self.ranges[-1], "bytes=6000-")

    def test_206_that_lies(self):
        def lie(request, body=None, place=None, status=206):
            whole = (self.authority.repo / request.path.lstrip("/")).read_bytes()
            if not request.headers.get("Range"):
                return self.cut(request, 6000)
            start, end = place or (6000, len(whole) - 1)
            rest = whole[6000:] if body is None else body
            return request.reply(status, rest, headers={
                "Content-Range": f"bytes {start}-{end}/{len(whole)}"})

        whole = next((self.authority.repo / "targets/lists/police").glob("*.full.cpl.zst"))
        length = whole.stat().st_size
        for behaviour in (dict(body=b"x" * (length - 6000)), dict(place=(6001, length - 1)),
                          dict(body=b"y" * 10 ** 6), dict(status=200)):
            self.server.behaviours["full.cpl"] = lambda request, b=behaviour: lie(request, **b)
            box = self.start(self.server.url)
            self.assertEqual(box.status()["generation"], 0, behaviour)
            self.assertIn("pull-failed", box.alarms())
            self.server.behaviours.clear()
            eventually(lambda: box.pull() and box.status()["entries"] == 3002, what=str(behaviour))
            box.stop()


class Proxy:
    """Takes CONNECT to loopback from whoever knows the password."""

    def __init__(self, login):
        self.wanted = "Basic " + base64.b64encode(login.encode()).decode()
        self.targets = []
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.getsockname()[1]}"

    def accept(self):
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer:
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = peer.recv(4096)
                    if not piece:
                        return
                    head += piece
                lines = head.decode().split("\r\n")
                if f"Proxy-Authorization: {self.wanted}" in lines:
                    break
                peer.sendall(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\n"
                             b"Content-Length: 0\r\n\r\n")
            self.targets.append(lines[0].split()[1])
            port = int(self.targets[-1].rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port)) as there:
                peer.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
                back = threading.Thread(target=self.pump, args=(there, peer), daemon=True)
                back.start()
                self.pump(peer, there)
                back.join()

    @staticmethod
    def pump(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Ways(TransportTest):
    def test_proxy(self):
        proxy = Proxy("li:geheim")
        self.addCleanup(proxy.server.close)
        server = self.mirror()
        login = self.folder / "login"
        login.write_text("li:geheim\n")
        login.chmod(0o600)
        box = self.start(server.url, more=f"proxy: {{url: '{proxy.url}', login_file: {login}}}\n")
        self.assertEqual(box.status()["generation"], 1, box.log.read_text())
        self.assertIn(f"localhost:{server.server.server_address[1]}", proxy.targets)
        self.publish("new.example")
        for text, reason in (("li:falsch\n", "407"), ("nobody\n", "USER:PASSWORD")):
            login.write_text(text)
            self.assert_refused(box, reason)
        log = box.log.read_text() + json.dumps(box.status())
        for secret in ("geheim", "falsch"):
            self.assertNotIn(secret, log)
        login.write_text("li:geheim\n")
        self.assertEqual(box.pull()["generation"], 2)

    def test_no_proxy_of_the_environment(self):
        server = self.mirror()
        box = self.control(server.url, self.ca)
        done = subprocess.run(box.command("--once"), capture_output=True, text=True, timeout=60,
                              env={"https_proxy": "http://127.0.0.1:1",
                                   "ALL_PROXY": "http://127.0.0.1:1"})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_ipv6(self):
        server = self.mirror(ipv6=True)
        self.assertIn("[::1]", server.url)
        self.assertEqual(self.start(server.url).status()["generation"], 1)


if __name__ == "__main__":
    assert (BIN / "sluice-control").exists()
    main()
