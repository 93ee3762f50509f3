"""Chromium through the gateway: by TLS over TCP, by HTTP/3, by DNS."""
import unittest

from .browser import H3_SERVER, TIMES, BrowserCase
from .chromium import Chromium
from .frames import Tap
from .hello import initial_datagrams
from .lab import SERVER


class ChromiumCase(BrowserCase):
    ADDRESSES = {}
    SWITCHES = []

    @classmethod
    def start_browser(cls):
        return Chromium(cls.lab, "chromium", cls.ADDRESSES, *cls.SWITCHES)


class AddressKnown(ChromiumCase):
    """As by DNS over HTTPS: the names are read in the ClientHello and in the request."""

    ADDRESSES = {"*.example": SERVER[0]}

    def test_permitted(self):
        before = self.appliance.counters()
        with Tap(self.lab.gateway, "inside") as tap:
            self.assert_page_and_file("https://a.library.example/")
            self.assert_hello_in_segments(tap)
        self.assertNotIn("tls_blocked", self.counted(before))

    def test_blocked(self):
        before = self.appliance.counters()
        with Tap(self.lab.gateway, "inside") as tap:
            self.assert_refused("w{}.casino.example", "ERR_CONNECTION_RESET")
            self.assert_hello_in_segments(tap)
        self.assertGreaterEqual(self.counted(before)["tls_blocked"], TIMES)
        self.assertNotIn("casino", (self.lab.folder / "nginx-access.log").read_text())

    def test_page_of_a_blocked_http_request(self):
        self.assert_page_of_a_blocked_request("http://www.casino.example/")


class Alert(ChromiumCase):
    ADDRESSES = {"*.example": SERVER[0]}
    ANSWER = {"tls": "alert"}

    def test_blocked(self):
        before = self.appliance.counters()
        self.assert_refused("w{}.casino.example", "ERR_SSL_PROTOCOL_ERROR")
        self.assertGreaterEqual(self.counted(before)["tls_blocked"], TIMES)


class Resolver(ChromiumCase):
    """Names are asked of the lab's own name server, by the browser's own resolver."""

    def test_permitted(self):
        self.assert_page_and_file("https://www.library.example/")
        self.assert_only_names_of_the_lab()

    def test_blocked(self):
        before = self.appliance.counters()
        self.assert_refused("w{}.casino.example", "ERR_NAME_NOT_RESOLVED")
        counted = self.counted(before)
        self.assertGreaterEqual(counted["dns_blocked"], TIMES)
        self.assertNotIn("tls_blocked", counted)


class Http3(ChromiumCase):
    """Forced to HTTP/3, so that nothing but QUIC's own refusal can tell the browser."""

    ADDRESSES = {"*.example": H3_SERVER}
    SWITCHES = ["--enable-quic", "--quic-version=h3", "--origin-to-force-quic-on=" + ",".join(
        f"{name}:443" for name in ["a.library.example"]
        + [f"{way}{i}.casino.example" for way in ("fast", "slow") for i in range(TIMES)])]

    def test_permitted(self):
        before = self.appliance.counters()
        with Tap(self.lab.gateway, "inside") as tap:
            self.assert_page_and_file("https://a.library.example/")
            self.assert_hello_in_datagrams(tap, self.counted(before))
        self.assertIn(("HTTP/3.0", "a.library.example"), self.served_by_http3())
        self.assertNotIn(("HTTP/2.0", "a.library.example"), self.served_by_http3())

    def test_blocked(self):
        self.assert_blocked("fast{}.casino.example")

    def test_blocked_after_the_server_answered(self):
        """A slow line: the server acknowledges the first datagram of the ClientHello before the
        second one leaves, and the client knows its connection ID by then (RFC 9000 7.2)."""
        def line(command, *shape):
            self.lab.client.run("tc", "qdisc", command, "dev", "eth0", "root", *shape)
        line("add", "tbf", "rate", "256kbit", "burst", "1600", "latency", "1s")
        self.addCleanup(line, "del")
        self.assert_blocked("slow{}.casino.example")

    def assert_blocked(self, name):
        before = self.appliance.counters()
        with Tap(self.lab.gateway, "inside") as tap:
            self.assert_refused(name, "ERR_QUIC_PROTOCOL_ERROR")
            self.assert_hello_in_datagrams(tap, self.counted(before))
        counted = self.counted(before)
        self.assertGreaterEqual(counted["quic_blocked"], TIMES)
        self.assertNotIn("tls_blocked", counted)
        self.assertNotIn("casino", str(self.served_by_http3()))

    def assert_hello_in_datagrams(self, tap, counted):
        self.assertGreaterEqual(min(initial_datagrams(tap).values()), 2)
        self.assertGreaterEqual(counted["quic_initials"], 2 * counted["quic_client_hellos"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
