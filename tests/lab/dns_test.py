"""DNS through the gateway, asked by dig."""
import re
import unittest

from .case import LabCase
from .lab import CLIENT, SERVER
from .process import run

TEACHER = ("192.0.2.200", "2001:db8:7::200")
TYPES = ["A", "AAAA", "HTTPS", "TXT", "MX", "ANY", "TYPE65400"]


def field(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else None


def status(text):
    return field(r"status: (\w+)", text)


def without_chance(text):
    """dig's output without what differs from one query to the next."""
    kept = [re.sub(r"id: \d+", "id", line) for line in text.splitlines()
            if not re.match(r";; (Query time|WHEN|SERVER)|; <<>> |; COOKIE", line)]
    return sorted(re.sub(r"\t\d+\tIN", "\tTTL\tIN", line) for line in kept)


class Dns(LabCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.lab.client.address("eth0", TEACHER[0] + "/24", TEACHER[1] + "/128")
        # Deprecated: the client speaks from it only where a test asks for it.
        cls.lab.client.run("ip", "address", "change", TEACHER[1] + "/128", "dev", "eth0",
                           "preferred_lft", "0")

    def both_servers(self):
        for server in SERVER:
            with self.subTest(server=server):
                yield f"@{server}"

    def assert_blocked(self, text, name="www.casino.example", edns=True):
        self.assertEqual(status(text), "NXDOMAIN", text)
        self.assertIn("ANSWER: 0, AUTHORITY: 1", text)
        self.assertRegex(text, r"(?mi)^casino\.example\.\s+10\s+IN\s+SOA\s")
        self.assertRegex(text, rf"(?m)^;{re.escape(name)}\.\s+IN\s")
        flags = field(r"flags: ([a-z ]*);", text).split()
        self.assertIn("qr", flags)
        self.assertNotIn("ad", flags)
        self.assertNotIn("Warning", text)
        self.assertNotIn("mismatch", text)
        if edns:
            self.assertRegex(text, r"EDE: 15 \(Blocked\): \(gambling; incident \w+\)")
        else:
            self.assertNotIn("OPT PSEUDOSECTION", text)

    def test_permitted_names_get_the_servers_own_answer(self):
        for server in self.both_servers():
            for kind in TYPES:
                with self.subTest(type=kind):
                    question = [server, "www.library.example", kind, "+nocookie"]
                    self.assertEqual(
                        without_chance(self.lab.dig(*question)),
                        without_chance(self.lab.server.run("dig", *question).stdout))

    def test_blocked_names_of_every_type(self):
        for server in self.both_servers():
            for kind in TYPES:
                with self.subTest(type=kind):
                    self.assert_blocked(self.lab.dig(server, "www.casino.example", kind, "+notcp"))

    def test_which_names_an_entry_covers(self):
        for name, expected in [("casino.example", "NXDOMAIN"), ("a.b.c.casino.example", "NXDOMAIN"),
                               ("lottery.example", "NXDOMAIN"), ("example", "NOERROR"),
                               ("notcasino.example", "NOERROR"), ("casino.example.test", "NOERROR"),
                               ("casino.test", "NOERROR"), ("xcasino.example", "NOERROR")]:
            with self.subTest(name):
                self.assertEqual(status(self.lab.dig(name, "A")), expected)

    def test_spelling_of_the_client_comes_back(self):
        for name in ("wWw.CaSiNo.ExAmPlE", "WWW.CASINO.EXAMPLE"):
            self.assert_blocked(self.lab.dig(name, "A"), name)
        self.assertIn(";wWw.LiBrArY.eXaMpLe.", self.lab.dig("wWw.LiBrArY.eXaMpLe", "A"))

    def test_edns(self):
        for server in self.both_servers():
            for option in ("+bufsize=512", "+bufsize=1232", "+bufsize=4096", "+dnssec", "+nsid",
                           "+subnet=192.0.2.0/24", "+padding=128", "+ednsopt=65001:00ff",
                           "+cookie=0102030405060708", "+cd", "+ad", "+norecurse"):
                with self.subTest(option):
                    self.assert_blocked(self.lab.dig(server, "www.casino.example", option))
            self.assert_blocked(self.lab.dig(server, "www.casino.example", "+noedns"), edns=False)

    def test_dnssec_ok_comes_back(self):
        self.assertRegex(self.lab.dig("casino.example", "+dnssec"), r"EDNS: version: 0, flags: do;")
        self.assertRegex(self.lab.dig("casino.example"), r"EDNS: version: 0, flags:;")

    def test_cookie_is_accepted(self):
        text = self.lab.dig("casino.example", "+cookie=0102030405060708")
        self.assertIn("; COOKIE: 0102030405060708", text)
        self.assertNotIn("(bad)", text)

    def test_the_server_never_sees_a_blocked_query(self):
        self.lab.dig("secret.casino.example", "A")
        self.lab.dig("marker.library.example", "A")
        log = (self.lab.folder / "unbound.log").read_text()
        self.assertIn("marker.library.example", log)
        self.assertNotIn("secret.casino.example", log)

    def test_groups_by_address(self):
        for client, teacher, server in zip(CLIENT, TEACHER, SERVER):
            asked = [f"@{server}", "www.casino.example"]
            self.assertEqual(status(self.lab.dig(*asked, "-b", client)), "NXDOMAIN")
            self.assertEqual(status(self.lab.dig(*asked, "-b", teacher)), "NOERROR")

    def test_explain_says_what_happened(self):
        for client, expected in ((CLIENT[0], "BLOCK"), (TEACHER[0], "PASS")):
            text = self.appliance.explain("www.casino.example", "--client", client)
            self.assertTrue(text.startswith(f"www.casino.example: {expected} ("), text)

    def test_incident_of_the_answer_is_known(self):
        incident = field(r"incident (\w+)", self.lab.dig("casino.example"))
        block = self.appliance.ask("incident", id=incident)["block"]
        self.assertEqual((block["entry"], block["category"], block["protocol"]),
                         ("casino.example", "gambling", "dns"))

    def test_tcp_passes(self):
        self.assertEqual(status(self.lab.dig("www.library.example", "+tcp")), "NOERROR")

    def test_many_queries(self):
        names = self.lab.folder / "queries.txt"
        names.write_text("".join(f"n{i}.{'casino' if i % 2 else 'library'}.example A\n"
                                 for i in range(400)))
        before = self.appliance.counters()
        text = self.lab.dig("-f", str(names), "+noall", "+comments")
        self.assertEqual((text.count("NXDOMAIN"), text.count("NOERROR")), (200, 200))
        self.assert_counted("dns_blocked", 200, before)

    def test_drill_and_kdig_agree(self):
        for program in (["drill", f"@{SERVER[0]}", "casino.example"],
                        ["kdig", f"@{SERVER[0]}", "casino.example", "+edns"]):
            text = run(*self.lab.client.command(*program)).stdout
            self.assertRegex(text, "NXDOMAIN", program[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
