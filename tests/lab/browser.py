"""What the tests of all browsers share."""
import dataclasses
import hashlib
import os
import re

from .case import LabCase
from .frames import Tap
from .hello import hello_segments
from .servers import requests_of_caddy, start_caddy

TIMES = 3      # names that are asked for one after the other
# Seconds within which one of them is refused. A browser that waits in vain takes as long for each;
# of a busy machine, one error page is drawn in time.
AT_ONCE = 4.0
H3_SERVER = "192.0.2.3"
REACHED = "This is the server."


@dataclasses.dataclass
class Page:
    error: str      # the browser's own name of it, such as ERR_CONNECTION_RESET; None for a page
    seconds: float  # from the address to the page or the error
    text: str       # as a person reads it


class BrowserCase(LabCase):
    """`browser` has open(url), which returns a Page, evaluate(script), and stop()."""

    browser = None

    @classmethod
    def start_browser(cls):
        """The browser under test."""
        raise NotImplementedError

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.file = os.urandom(1_000_000)
        (cls.lab.folder / "www" / "random").write_bytes(cls.file)
        cls.lab.server.address("eth0", H3_SERVER + "/24")
        cls.lab.callback(start_caddy(cls.lab.server, cls.lab.folder, cls.lab.certs,
                                     [H3_SERVER]).stop)
        cls.browser = cls.start_browser()
        cls.lab.callback(cls.browser.stop)
        cls.browser.open("about:blank")

    def tearDown(self):
        self.assert_nothing_lost()

    def served_by_http3(self):
        """{(protocol, host)} of the requests that reached the server of HTTP/3."""
        return set(requests_of_caddy(self.lab.folder))

    def open_blocked(self, url, error):
        page = self.browser.open(url)
        print(f"  {url} {page.error} in {page.seconds:.2f} s")
        self.assertEqual(page.error, error, page.text)
        return page

    def assert_refused(self, name, error):
        """All of them, and one at once: what a machine or a first page delays is not every one."""
        seconds = [self.open_blocked(f"https://{name.format(i)}/", error).seconds
                   for i in range(TIMES)]
        self.assertLess(min(seconds), AT_ONCE)

    def assert_page_and_file(self, url):
        page = self.browser.open(url)
        self.assertEqual((page.error, page.text), (None, REACHED))
        received = self.browser.evaluate("""return (async () => {
            const got = await fetch("/random", {cache: "no-store"});
            const digest = await crypto.subtle.digest("SHA-256", await got.arrayBuffer());
            const octets = Array.from(new Uint8Array(digest));
            return octets.map(octet => octet.toString(16).padStart(2, "0")).join("");
        })()""")
        self.assertEqual(received, hashlib.sha256(self.file).hexdigest())

    def assert_page_of_a_blocked_request(self, url):
        page = self.browser.open(url)
        self.assertIsNone(page.error)
        self.assertIn("casino.example is listed as gambling", page.text)
        incident = re.search(r"this number: (\w+)", page.text).group(1)
        self.assertIn("casino.example", self.appliance.ctl("incident", incident).stdout)

    def assert_hello_in_segments(self, tap: Tap):
        """The post-quantum key share makes every ClientHello too long for one segment."""
        hellos = hello_segments(tap)
        self.assertGreaterEqual(len(hellos), 1)
        for segments in hellos:
            self.assertGreaterEqual(len(segments), 2, hellos)
            self.assertGreater(sum(segments), 1500)

    def names_asked_for(self):
        """Those that came to the lab's name server."""
        log = (self.lab.folder / "unbound.log").read_text()
        return set(re.findall(r" info: \S+ (\S+)\. \S+ IN", log))

    def assert_only_names_of_the_lab(self):
        self.assertEqual([name for name in self.names_asked_for()
                          if not name.endswith((".example", ".test"))], [])
