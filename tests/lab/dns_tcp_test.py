"""DNS over TCP, and answers that lead to a blocked name, asked by dig and kdig."""
import re
import unittest

from .case import LabCase
from .lab import SERVER
from .slow import dns_over_tcp

INCIDENT = r"EDE: 15 \(Blocked\): \(gambling; incident (\w+)\)"
PERMITTED = ["www.library.example", "news.test"]
BLOCKED = "www.casino.example"


def states(text):
    return re.findall(r"status: (\w+)", text)


class DnsTcp(LabCase):
    def tearDown(self):
        self.assert_nothing_lost()

    def kdig(self, *arguments):
        return self.lab.client.run("kdig", *arguments, "+retry=0", "+time=3", check=False)

    def test_one_name_a_connection(self):
        before = self.appliance.counters()
        for server in SERVER:
            for name, expected in ((PERMITTED[0], "NOERROR"), (BLOCKED, "NXDOMAIN")):
                with self.subTest(server=server, name=name):
                    self.assertEqual(states(self.lab.dig(f"@{server}", name, "+tcp")), [expected])
                    text = self.kdig(f"@{server}", name, "+tcp").stdout
                    self.assertEqual(states(text), [expected])
        self.assertEqual(self.counted(before)["dns_blocked"], 4)

    def test_the_answer_says_why(self):
        text = self.lab.dig(BLOCKED, "+tcp")
        self.assertRegex(text, r"(?mi)^casino\.example\.\s+10\s+IN\s+SOA\s")
        incident = re.search(INCIDENT, text).group(1)
        self.assertIn("casino.example", self.appliance.ctl("incident", incident).stdout)

    def test_blocked_name_on_an_open_connection(self):
        before = self.appliance.counters()
        got = self.kdig(f"@{SERVER[0]}", "+tcp", "+keepopen", *PERMITTED, BLOCKED)
        self.assertEqual(states(got.stdout), ["NOERROR", "NOERROR", "NXDOMAIN"], got.stderr)
        text = self.lab.dig("+tcp", "+keepopen", *PERMITTED, BLOCKED)
        self.assertEqual(states(text), ["NOERROR", "NOERROR", "NXDOMAIN"])
        self.assertNotIn("communications error", text)
        counted = self.counted(before)
        self.assertEqual(counted["dns_blocked"], 2)
        self.assertEqual(counted["flow_opened"], 2)

    def test_the_connection_ends_after_a_block(self):
        text = self.lab.dig("+tcp", "+keepopen", BLOCKED, PERMITTED[0], check=False)
        self.assertEqual(states(text), ["NXDOMAIN"])
        self.assertRegex(text, "end of file|connection reset")

    def test_query_octet_by_octet(self):
        for server in SERVER:
            for name, expected in ((PERMITTED[0], 0), (BLOCKED, 3)):
                with self.subTest(server=server, name=name):
                    self.assertEqual(dns_over_tcp(self.lab.client, server, name), expected)

    def test_permitted_alias(self):
        for way in ("+notcp", "+tcp"):
            text = self.lab.dig("fine.alias.test", "CNAME", way)
            self.assertEqual(states(text), ["NOERROR"])
            self.assertIn("www.library.example.", text)

    def test_alias_to_a_blocked_name(self):
        for server in SERVER:
            for way in ("+notcp", "+tcp"):
                for name, kind in (("cloak", "A"), ("cloak", "CNAME"), ("service", "HTTPS")):
                    with self.subTest(server=server, way=way, name=name, kind=kind):
                        before = self.appliance.counters()
                        text = self.lab.dig(f"@{server}", f"{name}.alias.test", kind, way)
                        self.assertEqual(states(text), ["NXDOMAIN"])
                        self.assertRegex(text, INCIDENT)
                        self.assertRegex(text, rf"(?m)^;{name}\.alias\.test\.\s+IN\s+{kind}")
                        self.assertNotIn("Warning", text)
                        self.assertNotIn("casino", text)
                        self.assertEqual(self.counted(before)["dns_response_blocked"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
