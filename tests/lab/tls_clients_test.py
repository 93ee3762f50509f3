"""How TLS programs of several makes take a refusal, and ClientHellos of many segments."""
import os
import time
import unittest

from .case import LabCase
from .frames import Tap
from .hello import hello_segments
from .lab import CLIENT, SERVER
from .slow import https, https_backwards

# 2,200 octets of protocols that nobody speaks, after one that the server does.
MANY_PROTOCOLS = ",".join(["http/1.1", *(str(i) * 240 for i in range(1, 10))])
SMALL_MTU = 576
PERMITTED, BLOCKED = "www.library.example", "www.casino.example"


class Refusals:
    """What each program says; each refusal has its own class."""

    CURL = OPENSSL = GNUTLS = None

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.file = os.urandom(1_000_000)
        (cls.lab.folder / "www" / "random").write_bytes(cls.file)

    def tearDown(self):
        self.assert_nothing_lost()

    def timed(self, *argv, **options):
        start = time.monotonic()
        done = self.lab.client.run(*argv, check=False, timeout=20, **options)
        return done, time.monotonic() - start

    def curl(self, name, server, *arguments):
        at = f"[{server}]" if ":" in server else server
        return self.timed("curl", "-sS", "--max-time", "10", "--cacert", self.lab.certs.certificate,
                          "--resolve", f"{name}:443:{at}", *arguments, f"https://{name}/random")

    def openssl(self, name, server, *arguments):
        return self.timed("openssl", "s_client", "-connect", f"[{server}]:443", "-servername", name,
                          "-CAfile", self.lab.certs.certificate, "-verify_return_error", *arguments,
                          stdin=-3)

    def gnutls(self, name, server, *arguments):
        return self.timed("gnutls-cli", "--x509cafile", self.lab.certs.certificate, "--port", "443",
                          "--sni-hostname", name, "--verify-hostname", name, *arguments, server,
                          stdin=-3)

    def assert_refused(self, done, expected):
        code, words = expected
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stdout + done.stderr, words)

    def test_blocked(self):
        before = self.appliance.counters()
        for server in SERVER:
            for program in ("CURL", "OPENSSL", "GNUTLS"):
                with self.subTest(server=server, program=program):
                    refused = getattr(self, program.lower())(BLOCKED, server)
                    self.assert_refused(refused[0], getattr(self, program))
        self.assertEqual(self.counted(before)["tls_blocked"], 6)
        self.assertNotIn("casino", (self.lab.folder / "nginx-access.log").read_text())

    def test_permitted(self):
        before = self.appliance.counters()
        for server in SERVER:
            file = self.lab.folder / "received"
            got, _ = self.curl(PERMITTED, server, "-o", file)
            self.assertEqual(got.returncode, 0, got.stderr)
            self.assertTrue(file.read_bytes() == self.file)
            self.assertIn("Verify return code: 0", self.openssl(PERMITTED, server)[0].stdout)
            self.assertIn("Handshake was completed", self.gnutls(PERMITTED, server)[0].stdout)
        self.assertNotIn("tls_blocked", self.counted(before))


class Reset(Refusals, LabCase):
    CURL = (35, "reset")
    OPENSSL = (1, "errno=104")  # ECONNRESET
    GNUTLS = (1, "Error in the pull function")

    def assert_judged(self, least_segments, servers, *arguments):
        """openssl's ClientHello is seen to come in segments, and to be judged."""
        for server in servers:
            for name in (PERMITTED, BLOCKED):
                with self.subTest(server=server, name=name):
                    tap = Tap(self.lab.gateway, "inside")
                    self.addCleanup(tap.close)
                    done, _ = self.openssl(name, server, *arguments)
                    self.assertGreaterEqual(len(hello_segments(tap)[0]), least_segments)
                    if name == BLOCKED:
                        self.assert_refused(done, self.OPENSSL)
                    else:
                        self.assertIn("Verify return code: 0", done.stdout)

    def test_hello_longer_than_a_segment(self):
        before = self.appliance.counters()
        self.assert_judged(2, SERVER, "-alpn", MANY_PROTOCOLS)
        self.assertEqual(self.counted(before)["tls_blocked"], 2)

    def test_small_segments(self):
        def path_mtu(octets):
            self.lab.client.run("ip", "route", "change", "192.0.2.0/24", "dev", "eth0", "src",
                                CLIENT[0], "mtu", octets)
        path_mtu(SMALL_MTU)
        self.addCleanup(path_mtu, self.MTU)
        before = self.appliance.counters()
        self.assert_judged(5, SERVER[:1], "-alpn", MANY_PROTOCOLS)
        file = self.lab.folder / "small"
        got, _ = self.curl(PERMITTED, SERVER[0], "-o", file)
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertTrue(file.read_bytes() == self.file)
        self.assertEqual(self.counted(before)["tls_blocked"], 1)

    def test_octet_by_octet(self):
        context = self.lab.certs.context()
        before = self.appliance.counters()
        for server in SERVER:
            answer = https(self.lab.client, server, PERMITTED, "/random", context)
            self.assertTrue(answer.endswith(b"\r\n\r\n" + self.file))
            with self.assertRaises(ConnectionResetError):
                https(self.lab.client, server, BLOCKED, "/random", context)
        self.assertEqual(self.counted(before)["tls_blocked"], 2)

    def test_last_segment_first(self):
        before = self.appliance.counters()
        context = self.lab.certs.context()
        self.assertRegex(https_backwards(self.lab, PERMITTED, context), rb"\A\x16\x03\x03")
        self.assertEqual(https_backwards(self.lab, BLOCKED, context), "reset")
        self.assertEqual(self.counted(before)["tls_blocked"], 1)


class Alert(Refusals, LabCase):
    ANSWER = {"tls": "alert"}
    CURL = (35, "alert access denied")
    OPENSSL = (1, "tlsv1 alert access denied")
    GNUTLS = (1, r"Access was denied")


class Drop(Refusals, LabCase):
    ANSWER = {"tls": "drop"}

    def test_blocked(self):
        before = self.appliance.counters()
        done, seconds = self.curl(BLOCKED, SERVER[0], "--connect-timeout", "2")
        self.assertEqual(done.returncode, 28, done.stderr)  # "operation timeout"
        self.assertGreater(seconds, 1.9)
        counted = self.counted(before)
        self.assertEqual(counted["tls_blocked"], 1)
        self.assertNotIn("resets_sent", counted)


if __name__ == "__main__":
    unittest.main(verbosity=2)
