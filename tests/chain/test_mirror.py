"""A mirror that is down, lies, stalls, or is somebody else's."""
import http.server
import subprocess
import threading
import time

from harness import BIN, ChainTest, eventually, main
from mirror import Mirror, make_ca


class BadMirror(ChainTest):
    def setUp(self):
        super().setUp()
        self.ca, self.certificate, self.key = make_ca(self.folder / "tls")
        self.mirror = Mirror(self.authority.repo, self.certificate, self.key)
        self.addCleanup(self.mirror.close)
        self.box = self.control(self.mirror.url, self.ca)
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.authority.add("new.example", order="PSB-2")
        self.authority.release()

    def behave(self, part, action):
        self.mirror.behaviours = {part: action}

    def recover(self):
        self.mirror.behaviours = {}
        reply = self.box.pull()
        self.assertEqual((reply["outcome"], reply["generation"]), ("published", 2))
        self.assertEqual(self.box.status()["alarms"], [])

    def test_missing(self):
        for part in ("timestamp.json", "snapshot.json", "list-police.json", "full.cpl"):
            self.behave(part, lambda request: request.reply(404, b"gone"))
            self.assert_refused(self.box, "the mirror has no such file")
        self.recover()

    def test_server_error(self):
        self.behave("timestamp.json", lambda request: request.reply(503, b"busy"))
        self.assert_refused(self.box, "status 503")
        self.recover()

    def test_captive_portal(self):
        self.behave("/", lambda request: request.reply(200, b"<html>please log in</html>"))
        self.assert_refused(self.box, "is not JSON")
        self.recover()

    def test_what_a_terminal_would_obey(self):
        key = rb'"a\u001b]0;x\u0007\n\u009b31minfo audit: rollback"'
        self.behave("timestamp.json", lambda request: request.reply(200, b"{%b:1,%b:2}" % (key, key)))
        self.assert_refused(self.box, "is there twice")
        told = subprocess.run([BIN / "sluicectl", "--config", self.box.config, "status"], capture_output=True).stdout
        self.assertIn("is there twice", told.decode())
        for output in (told, self.box.log.read_bytes()):
            self.assertFalse(set(output) & {0x1b, 0x07} or b"\xc2\x9b" in output, output)
            self.assertNotIn(b"\ninfo audit", output)
        self.recover()

    def test_endless_body(self):
        def endless(request):
            request.send_response(200)
            request.end_headers()
            while True:
                request.wfile.write(b" " * 65536)

        for part in ("timestamp.json", "snapshot.json", "full.cpl"):
            self.behave(part, endless)
            told = self.assert_refused(self.box, "is longer than")
            self.assertIn("octets", told)
        self.recover()

    def test_cut_off_transfer(self):
        def cut(request):
            request.reply(200, b"{", length=5000)
            request.close_connection = True

        for part in ("timestamp.json", "full.cpl"):
            self.behave(part, cut)
            self.assert_refused(self.box, "https://localhost")
        self.recover()

    def test_flipped_bits(self):
        def flipped(request):
            body = bytearray((self.mirror.repo / request.path.lstrip("/")).read_bytes())
            body[len(body) // 2] ^= 1
            request.reply(200, bytes(body))

        # Orders are fetched before the list, and what came whole is not fetched again.
        for part in ("timestamp.json", "snapshot.json", "list-police.json", "orders", "full.cpl"):
            self.behave(part, flipped)
            self.assert_refused(self.box, "")
        self.recover()

    def test_stalled_transfer_keeps_the_socket_alive(self):
        def stall(request):
            request.send_response(200)
            request.send_header("Content-Length", "4000")
            request.end_headers()
            request.wfile.write(b"{")
            request.wfile.flush()
            time.sleep(60)

        self.behave("timestamp.json", stall)
        begin = time.monotonic()
        reply = self.box.ask("pull", wait_seconds=0)
        self.assertEqual(reply["outcome"], "running")
        while True:
            asked = time.monotonic()
            status = self.box.status()
            self.assertLess(time.monotonic() - asked, 2)
            if not status["pull"]["running"]:
                break
            self.assertLess(time.monotonic() - begin, 40, "the stall was not noticed")
            time.sleep(0.5)
        self.assertIn("stalls", self.box.alarms()["pull-failed"])
        self.assertEqual(self.box.status()["generation"], 1)
        self.recover()

    def test_stop_during_a_stalled_transfer(self):
        self.behave("timestamp.json", lambda request: time.sleep(60))
        self.box.ask("pull", wait_seconds=0)
        time.sleep(0.5)
        begin = time.monotonic()
        self.assertEqual(self.box.stop(), 0)
        self.assertLess(time.monotonic() - begin, 5)

    def test_certificate_of_another_ca(self):
        other_ca, _, _ = make_ca(self.folder / "other")
        box = self.control(self.mirror.url, other_ca)
        done = box.once()
        self.assertEqual(done.returncode, 1)
        self.assertIn("certificate", done.stderr)
        self.assertIsNone(box.current())

    def test_certificate_for_another_name(self):
        ca, certificate, key = make_ca(self.folder / "named", name="other.example")
        mirror = Mirror(self.authority.repo, certificate, key)
        self.addCleanup(mirror.close)
        done = self.control(mirror.url, ca).once()
        self.assertEqual(done.returncode, 1)
        self.assertIn("certificate", done.stderr)

    def test_mirror_down(self):
        self.mirror.close()
        self.addCleanup(setattr, self, "mirror", None)
        self.mirror.close = lambda: None
        self.assert_refused(self.box, "localhost")

    def test_redirect_to_plain_http(self):
        plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                http.server.SimpleHTTPRequestHandler)
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        self.addCleanup(plain.server_close)
        self.addCleanup(plain.shutdown)
        port = plain.server_address[1]
        for target in (f"http://127.0.0.1:{port}/", "file:///etc/hostname"):
            def redirect(request, target=target):
                request.send_response(302)
                request.send_header("Location", target)
                request.send_header("Content-Length", "0")
                request.end_headers()

            self.behave("timestamp.json", redirect)
            self.assert_refused(self.box, "timestamp.json")
        self.recover()

    def test_older_repository(self):
        """A mirror that serves yesterday's files: all of them signed, all of them old."""
        timestamp = self.mirror.repo / "metadata/timestamp.json"
        yesterday = timestamp.read_bytes()
        self.authority.add("newer.example")
        self.authority.release()
        self.assertEqual(self.box.pull()["generation"], 2)
        self.behave("timestamp.json", lambda request: request.reply(200, yesterday))
        self.assert_refused(self.box, "older than the 4 seen before")
        self.box.stop()
        self.box.start()
        self.assert_refused(self.box, "older than the 4 seen before")

    def test_edited_version(self):
        timestamp = self.mirror.repo / "metadata/timestamp.json"
        edited = timestamp.read_bytes().replace(b'"version": 3', b'"version": 9', 1)
        self.assertNotEqual(edited, timestamp.read_bytes())
        self.behave("timestamp.json", lambda request: request.reply(200, edited))
        self.assert_refused(self.box, "has 0 of 1 signatures that it needs, 1 wrong")
        self.recover()


if __name__ == "__main__":
    main()
