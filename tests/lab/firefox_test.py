"""Firefox through the gateway: by TLS over TCP, by HTTP/3, by DNS."""
import unittest

from .browser import H3_SERVER, TIMES, BrowserCase
from .firefox import Firefox
from .frames import Tap
from .lab import SERVER


class FirefoxCase(BrowserCase):
    HTTP3 = None  # the name that the browser asks for by HTTP/3

    @classmethod
    def start_browser(cls):
        cls.lab.client.know({
            SERVER[0]: ["a.library.example", *(f"w{i}.casino.example" for i in range(TIMES))],
            H3_SERVER: ["quic.library.example", "quic.casino.example"]})
        return Firefox(cls.lab, "firefox", {
            "network.http.http3.alt-svc-mapping-for-testing": f"{cls.HTTP3};h3=:443",
            "network.http.http3.disable_when_third_party_roots_found": False})


class Reset(FirefoxCase):
    HTTP3 = "quic.library.example"

    def test_permitted(self):
        before = self.appliance.counters()
        with Tap(self.lab.gateway, "inside") as tap:
            self.assert_page_and_file("https://a.library.example/")
            self.assert_hello_in_segments(tap)
        self.assertNotIn("tls_blocked", self.counted(before))
        self.assert_only_names_of_the_lab()

    def test_permitted_by_http3(self):
        before = self.appliance.counters()
        self.assert_page_and_file("https://quic.library.example/")
        self.assertIn(("HTTP/3.0", "quic.library.example"), self.served_by_http3())
        self.assertNotIn(("HTTP/2.0", "quic.library.example"), self.served_by_http3())
        self.assertGreaterEqual(self.counted(before)["quic_client_hellos"], 1)

    def test_blocked(self):
        before = self.appliance.counters()
        self.assert_refused("w{}.casino.example", "PR_CONNECT_RESET_ERROR")
        self.assertGreaterEqual(self.counted(before)["tls_blocked"], TIMES)

    def test_blocked_by_dns(self):
        before = self.appliance.counters()
        self.assert_refused("unknown{}.casino.example", "dnsNotFound")
        self.assertGreaterEqual(self.counted(before)["dns_blocked"], TIMES)

    def test_page_of_a_blocked_http_request(self):
        self.assert_page_of_a_blocked_request("http://w0.casino.example/")


class Alert(FirefoxCase):
    ANSWER = {"tls": "alert"}
    HTTP3 = "quic.casino.example"

    def test_blocked(self):
        before = self.appliance.counters()
        self.assert_refused("w{}.casino.example", "SSL_ERROR_ACCESS_DENIED_ALERT")
        self.assertGreaterEqual(self.counted(before)["tls_blocked"], TIMES)

    def test_blocked_by_http3(self):
        """QUIC is refused, then TLS over TCP, to which the browser falls back."""
        before = self.appliance.counters()
        page = self.open_blocked("https://quic.casino.example/", "SSL_ERROR_ACCESS_DENIED_ALERT")
        counted = self.counted(before)
        self.assertGreaterEqual(counted["quic_blocked"], 1)
        self.assertGreaterEqual(counted["tls_blocked"], 1)
        self.assertNotIn("casino", str(self.served_by_http3()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
