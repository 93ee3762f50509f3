"""Safe search: an engine's name leads to its safe addresses, whatever asks for it and however."""
import re
import signal
import unittest

from .case import BINARIES
from .dns_test import field, status
from .lab import SERVER, Lab
from .process import run
from .servers import SEARCH_MODERATE, SEARCH_NAMES, SEARCH_UNSAFE

ENGINE = """\
search_engines:
  lab:
    names: [search.example, www.search.example]
    strict: safe.search.example
    moderate: moderate.search.example
"""
NAME = SEARCH_NAMES[1]
TEACHER = "192.0.2.200"
CASES = """\
cases:
  - {name: www.search.example, client: 192.0.2.2, expect: rewrite, reason: safe-search}
  - {name: www.search.example, client: 192.0.2.200, expect: pass}
  - {name: safe.search.example, client: 192.0.2.2, expect: pass}
  - {name: www.google.com, client: 192.0.2.2, expect: rewrite}
  - {name: casino.example, client: 192.0.2.2, expect: block}
"""


class SafeSearch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(BINARIES))
        cls.appliance = cls.lab.appliance
        cls.lab.start_servers()
        cls.lab.client.address("eth0", TEACHER + "/24")
        cls.configure("strict")
        cls.appliance.compile(["casino.example"])
        cls.appliance.start_dataplane()

    @classmethod
    def configure(cls, level):
        cls.appliance.configure(pupils=f"block: defaults, safe_search: {level}", more=ENGINE)

    def dig(self, *arguments):
        text = self.lab.dig(*arguments, check=False)
        self.assertNotIn("Warning", text)
        self.assertNotIn("mismatch", text)
        for address in SEARCH_UNSAFE:
            self.assertNotIn(address, text)
        return text

    def assert_safe(self, text, asked=NAME, safe="safe.search.example", addresses=SERVER):
        self.assertEqual(status(text), "NOERROR", text)
        self.assertRegex(text, rf"(?m)^;{re.escape(asked)}\.\s+IN\s")
        self.assertRegex(text, rf"(?m)^{re.escape(asked)}\.\s+\d+\s+IN\s+CNAME\s+{re.escape(safe)}\.$")
        found = re.findall(rf"(?m)^{re.escape(safe)}\.\s+\d+\s+IN\s+(?:A|AAAA)\s+(\S+)$", text)
        self.assertEqual(len(found), 1, text)
        self.assertIn(found[0], addresses)
        self.assertNotIn("ad", field(r"flags: ([a-z ]*);", text).split())

    def test_both_address_types_from_both_servers(self):
        for server in SERVER:
            for kind in ("A", "AAAA"):
                for name in SEARCH_NAMES:
                    with self.subTest(server=server, kind=kind, name=name):
                        self.assert_safe(self.dig(f"@{server}", name, kind), name)

    def test_the_server_is_asked_for_the_safe_name(self):
        file = self.lab.folder / "unbound.log"
        before = len(file.read_text())
        self.dig(NAME, "A")
        log = file.read_text()[before:]
        self.assertIn("safe.search.example. A IN", log)
        self.assertNotIn(f"{NAME}. A IN", log)

    def test_spelling_of_the_client_comes_back(self):
        self.assert_safe(self.dig("wWw.SeArCh.ExAmPlE", "A"), "wWw.SeArCh.ExAmPlE")

    def test_extensions(self):
        for option in ("+bufsize=512", "+bufsize=4096", "+dnssec", "+nsid", "+noedns", "+nocookie",
                       "+subnet=192.0.2.0/24", "+padding=128", "+ednsopt=65001:00ff", "+cd", "+ad",
                       "+cookie=0102030405060708"):
            with self.subTest(option):
                text = self.dig(NAME, "A", option)
                self.assert_safe(text)
                self.assertNotIn("(bad)", text)
                if option != "+noedns":
                    self.assertIn("EDE: 4 (Forged Answer): (safe search)", text)

    def test_types_that_would_lead_past_it(self):
        for kind in ("HTTPS", "SVCB"):
            text = self.dig(NAME, kind)
            self.assertEqual(status(text), "NOERROR")
            self.assertIn("ANSWER: 0, AUTHORITY: 1", text)
        for kind in ("CNAME", "ANY"):
            text = self.dig(NAME, kind, "+notcp")
            self.assertRegex(text, rf"{NAME}\.\s+10\s+IN\s+CNAME\s+safe\.search\.example\.")
        self.assertIn('"of www.search.example"', self.dig(NAME, "TXT"))

    def test_a_resolver_that_finds_its_way_gets_the_alias(self):
        text = self.dig(NAME, "A", "+norecurse")
        self.assertRegex(text, rf"{NAME}\.\s+10\s+IN\s+CNAME\s+safe\.search\.example\.")
        self.assertIn("aa", field(r"flags: ([a-z ]*);", text).split())

    def test_over_tcp(self):
        self.dig(NAME, "A")
        self.dig(NAME, "AAAA")
        for server in SERVER:
            for kind in ("A", "AAAA"):
                with self.subTest(server=server, kind=kind):
                    self.assert_safe(self.dig(f"@{server}", NAME, kind, "+tcp"))

    def test_over_tcp_alone(self):
        self.configure("moderate")  # of whose addresses one is known at most
        self.appliance.load(self.appliance.compile(["casino.example"], number=12))
        for kind in ("A", "AAAA"):
            self.assert_safe(self.dig(NAME, kind, "+tcp"), safe="moderate.search.example",
                             addresses=SEARCH_MODERATE)
        self.assertGreaterEqual(self.appliance.counters()["dns_safe_awaited"], 1)
        self.configure("strict")
        self.appliance.load(self.appliance.compile(["casino.example"], number=13))

    def test_pages_come_from_the_safe_address(self):
        for family in ("-4", "-6"):
            got = self.lab.curl(f"http://{NAME}/", family, "-w", "%{remote_ip}")
            self.assertEqual(got.returncode, 0, got.stderr)
            self.assertIn("Reached", got.stdout)
            self.assertIn(SERVER[family == "-6"], got.stdout)
        known = self.lab.client.run("getent", "ahosts", NAME).stdout
        self.assertTrue(known.strip())
        for address in SEARCH_UNSAFE:
            self.assertNotIn(address, known)

    def test_other_programs_agree(self):
        for program in (["drill", f"@{SERVER[0]}", NAME], ["kdig", f"@{SERVER[0]}", NAME, "+edns"]):
            text = run(*self.lab.client.command(*program)).stdout
            self.assertIn("safe.search.example.", text)
            self.assertIn(SERVER[0], text)

    def test_another_group_is_left_alone(self):
        self.assertIn(SEARCH_UNSAFE[0], self.lab.dig("-b", TEACHER, NAME, "A"))

    def test_what_is_told(self):
        before = self.appliance.counters()
        self.dig(NAME, "A")
        after = self.appliance.counters()
        for name in ("dns_rewritten", "dns_rewritten_back", "verdict_rewrite"):
            self.assertEqual(after[name] - before[name], 1, name)
        text = self.appliance.explain(NAME, "--client", "192.0.2.2")
        self.assertTrue(text.startswith(f"{NAME}: REWRITE (safe-search)"), text)
        self.assertIn("yes: 'lab', strict", text)
        self.assertIn("the addresses of safe.search.example", text)
        cases = self.lab.folder / "cases.yaml"
        cases.write_text(CASES)
        self.assertIn("5 cases, all as expected", self.appliance.ctl("policy", "test", cases).stdout)

    def test_it_outlives_a_death_and_changes_with_a_generation(self):
        self.appliance.dataplane.kill(signal.SIGKILL)
        self.appliance.start_dataplane()
        self.assert_safe(self.dig(NAME, "A"))
        self.configure("moderate")
        self.appliance.load(self.appliance.compile(["casino.example"], number=2))
        self.assert_safe(self.dig(NAME, "A"), safe="moderate.search.example", addresses=SEARCH_MODERATE)
        self.configure("pass")
        self.appliance.load(self.appliance.compile(["casino.example"], number=3))
        self.assertIn(SEARCH_UNSAFE[0], self.lab.dig(NAME, "A"))
        self.configure("strict")
        self.appliance.load(self.appliance.compile(["casino.example"], number=4))
        self.assert_safe(self.dig(NAME, "A"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
