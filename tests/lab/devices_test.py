"""A device that a group names by its IPv4 address, under its IPv6 privacy addresses: a real client's
own (RFC 8981), learned by what it says in ARP and Neighbor Discovery; and who claims its address.
"""
import json
import re
import unittest

from scapy.all import ARP, Ether, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IP, IPv6, UDP

from .case import BINARIES
from .frames import Tap
from .lab import SERVER, Lab
from .process import wait_until

NAMED = "192.0.2.200"  # the lab's teachers have it
STABLE, MOVED = "2001:db8:7::52:2", "2001:db8:7::77"
SPOOFER, SPOOFED = "02:00:5e:00:00:66", "2001:db8:7::6666"
LISTED = "casino.example"


class Devices(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab(BINARIES))
        self.appliance = self.lab.appliance
        client = self.lab.client
        client.run("ip", "address", "flush", "dev", "eth0", "scope", "global")
        for key, value in (("accept_dad", 1), ("use_tempaddr", 2), ("temp_prefered_lft", 86400)):
            client.run("sysctl", "-q", "-w", f"net.ipv6.conf.eth0.{key}={value}")
        client.address("eth0", NAMED + "/24")
        self.mac = client.run("cat", "/sys/class/net/eth0/address").stdout.strip()
        self.lab.start_servers()

    def start(self, more=""):
        self.appliance.configure(more=more)
        self.appliance.compile([LISTED])
        self.appliance.start_dataplane()

    def make_privacy_address(self):
        """The kernel makes a temporary address beside the one that it is to manage."""
        self.lab.client.run("ip", "address", "add", STABLE + "/64", "dev", "eth0", "mngtmpaddr")

        def temporary():
            text = self.lab.client.run("ip", "-6", "address", "show", "dev", "eth0",
                                       "temporary").stdout
            found = re.search(r"inet6 (2001:\S+)/64 scope global temporary(?! tentative)", text)
            return found and found.group(1)
        return wait_until("the client has a privacy address", temporary, 15)

    def verdict(self, server=SERVER[1], source=None):
        text = self.lab.dig(f"@{server}", *(("-b", source) if source else ()), LISTED, "A",
                            check=False)
        self.assertIn("status: ", text)
        return "block" if "; incident " in text else "pass"

    def is_followed(self, source=None):
        """IPv4 as well, as a device that is in use sends it."""
        return self.verdict(SERVER[0]) == "pass" and self.verdict(source=source) == "pass"

    def devices(self):
        return json.loads(self.appliance.ctl("-o", "json", "device", "list").stdout)["devices"]

    def test_privacy_addresses_are_the_devices(self):
        self.start()
        private = self.make_privacy_address()
        self.assertNotIn(private, (STABLE, NAMED))
        self.assertEqual(self.verdict(source=private), "block")  # nobody knows yet whose it is
        wait_until("its privacy address is known", lambda: self.is_followed(private), 15)
        self.assertEqual(self.verdict(), "pass")  # from the one that the kernel prefers

        # Another one, of which it says so by Neighbor Discovery as soon as it is used.
        self.lab.client.address("eth0", MOVED + "/64")
        wait_until("it may speak from there",
                   lambda: "tentative" not in self.lab.client.run(
                       "ip", "address", "show", "dev", "eth0", "to", MOVED).stdout)
        wait_until("its new address is known", lambda: self.is_followed(MOVED), 15)

        listed = self.devices()
        self.assertEqual([(d["address"], d["mac"], d["state"], d["group"]) for d in listed],
                         [(NAMED, self.mac, "followed", "teachers")])
        self.assertGreaterEqual(listed[0]["other_addresses"], 2)
        self.assertNotIn(private, json.dumps(listed))
        self.assertIn("followed", self.appliance.ctl("device", "list").stdout)

        for asked in (("--client", private), ("--mac", self.mac),
                      ("--client", private, "--mac", self.mac, "--port", "pupils")):
            told = self.appliance.explain(LISTED, *asked)
            self.assertIn("PASS (listed-only", told)
            self.assertRegex(told, rf"device +{NAMED}: MAC address {self.mac} said \d+ s ago, by "
                                   "ARP or Neighbor Discovery, that it has")
            self.assertRegex(told, f"group +teachers: prefix {NAMED}/32")
        self.assertIn("BLOCK", self.appliance.explain(LISTED, "--client", "2001:db8:7::9"))

    def spoof(self, tap):
        """Somebody else says that the named address and one of its own are its."""
        arp = Ether(src=SPOOFER, dst="ff:ff:ff:ff:ff:ff") / ARP(
            op=1, hwsrc=SPOOFER, psrc=NAMED, pdst=NAMED)
        use = Ether(src=SPOOFER, dst="02:00:00:00:00:99") / IP(
            src=NAMED, dst="192.0.2.99") / UDP(sport=4000, dport=4001) / b"mine"
        advertised = Ether(src=SPOOFER, dst="33:33:00:00:00:01") / IPv6(
            src=SPOOFED, dst="ff02::1", hlim=255) / ICMPv6ND_NA(
                tgt=SPOOFED, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=SPOOFER)
        for frame in (arp, use, advertised):
            tap.send(bytes(frame))

    def test_who_claims_its_address_gets_nothing(self):
        self.start()
        private = self.make_privacy_address()
        wait_until("its privacy address is known", lambda: self.is_followed(private), 15)
        with Tap(self.lab.client) as tap:
            self.spoof(tap)
            wait_until("it is contested", lambda: self.devices()[0]["state"] == "contested", 5)
            self.assertEqual(self.devices()[0]["mac"], self.mac)
            wait_until("the workers know", lambda: self.verdict(source=private) == "block", 5)
            told = self.appliance.explain(LISTED, "--client", SPOOFED, "--mac", SPOOFER)
            self.assertIn("BLOCK", told)
        # The server believed it, too, until it asks again; the address itself is as ever.
        self.lab.server.run("ip", "neigh", "flush", "all")
        self.assertEqual(self.verdict(SERVER[0]), "pass")
        self.assertRegex(self.appliance.explain(LISTED, "--mac", self.mac),
                         "device +judged by itself, although .*; but another device says so, too, or it is in two places")

    def test_a_mode_of_its_address_is_of_the_others_too(self):
        self.lab.authority.init()
        self.lab.authority.add(LISTED, category="gambling")
        self.lab.authority.publish()
        self.appliance.configure(more="calendar: {trust_clock: always}\n",
                                 authority=self.lab.authority_settings())
        self.appliance.start_dataplane()
        self.addCleanup(self.appliance.stop)
        self.appliance.start_control()
        self.appliance.wait_for_generation()
        private = self.make_privacy_address()
        wait_until("its privacy address is known", lambda: self.is_followed(private), 15)
        self.appliance.ctl("mode", "set", NAMED, "pause", "--for", "5m", "--reason", "bed time")
        for server in SERVER:
            self.assertIn("(paused; incident ",
                          self.lab.dig(f"@{server}", "www.school.example", "A"))
        told = self.appliance.explain("www.school.example", "--client", private)
        self.assertIn("BLOCK (paused)", told)
        self.assertRegex(told, f"mode +pause of {NAMED}")

    def test_each_by_itself_where_the_site_wants_it(self):
        self.start("other_addresses: apart\n")
        private = self.make_privacy_address()
        for _ in range(5):
            self.assertFalse(self.is_followed(private))
        self.assertEqual(self.devices(), [])
        self.assertEqual(self.appliance.counters()["neighbour_claims"], 0)


if __name__ == "__main__":
    unittest.main()
