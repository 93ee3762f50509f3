"""What is not acted on leaves the other port octet for octet: frames of every kind, both ways."""
import random
import struct
import unittest

from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

from .case import LabCase
from .frames import Tap

MACS = bytes.fromhex("020000000002020000000001")
ETHERTYPES = {
    "experimental": 0x88B5, "ARP": 0x0806, "LLDP": 0x88CC, "PPPoE": 0x8864, "MPLS": 0x8847,
    "EAPOL": 0x888E, "PTP": 0x88F7, "IPv4": 0x0800, "IPv6": 0x86DD, "unassigned": 0xFFFF,
}
GROUP_ADDRESSES = {
    "broadcast": "ffffffffffff", "STP": "0180c2000000", "pause": "0180c2000001",
    "LLDP": "0180c200000e", "IPv4 multicast": "01005e000001", "IPv6 multicast": "333300000001",
    "CDP": "01000ccccccc",
}
PAYLOAD_MIN = 46
# What any port's ring holds: these tests are about octets, and a busy machine may let the gateway
# wait for milliseconds before it sees the first of a burst.
IN_FLIGHT = 200


class Frames(LabCase):
    @classmethod
    def prepare(cls):
        cls.appliance.configure(mtu=cls.MTU)
        cls.appliance.compile(["casino.example"])
        cls.appliance.start_dataplane()
        cls.random = random.Random(1)
        cls.inside = Tap(cls.lab.client)
        cls.outside = Tap(cls.lab.server)
        cls.addClassCleanup(cls.inside.close)
        cls.addClassCleanup(cls.outside.close)

    def noise(self, length):
        return self.random.randbytes(length)

    def assert_carried(self, frames):
        """All frames arrive, in their order, unchanged; in both directions."""
        for way, sender, receiver in (("inside to outside", self.inside, self.outside),
                                      ("outside to inside", self.outside, self.inside)):
            with self.subTest(way):
                received = []
                for start in range(0, len(frames), IN_FLIGHT):
                    batch = frames[start:start + IN_FLIGHT]
                    for frame in batch:
                        sender.send(frame)
                    received += [f for f in receiver.receive_all(batch) if f in batch]
                self.assertEqual([f.hex() for f in received], [f.hex() for f in frames])

    def test_every_length(self):
        self.assert_carried([MACS + struct.pack("!H", 0x88B5) + self.noise(length)
                             for length in range(PAYLOAD_MIN, self.MTU + 1, 7)])

    def test_largest_frame(self):
        self.assert_carried([MACS + struct.pack("!H", 0x88B5) + self.noise(self.MTU)])

    def test_ethertypes_with_nonsense_inside(self):
        for name, ethertype in ETHERTYPES.items():
            with self.subTest(name):
                self.assert_carried([MACS + struct.pack("!H", ethertype) + self.noise(length)
                                     for length in (PAYLOAD_MIN, 100, 1000, self.MTU)])

    def test_lengths_instead_of_ethertypes(self):
        self.assert_carried([MACS + struct.pack("!H", 60) + b"\x42\x42\x03" + self.noise(57)])

    def test_group_addresses(self):
        self.assert_carried([bytes.fromhex(to) + MACS[6:] + struct.pack("!H", 0x88B5) +
                             self.noise(60) for to in GROUP_ADDRESSES.values()])

    def test_vlan_tags(self):
        # The af_packet driver hides the type of the outer tag. A stacked one is taken for 802.1ad,
        # which 0x8100 before 0x8100 is not; such a stack needs another kind of port.
        tags = {
            "VLAN": [(0x8100, 100)], "priority": [(0x8100, 0xE000)], "VLAN 4095": [(0x8100, 0xFFFF)],
            "QinQ": [(0x88A8, 100), (0x8100, 200)], "old QinQ": [(0x9100, 100), (0x8100, 200)],
            "three": [(0x88A8, 1), (0x8100, 2), (0x8100, 3)],
        }
        for name, stack in tags.items():
            with self.subTest(name):
                head = MACS + b"".join(struct.pack("!HH", *tag) for tag in stack)
                self.assert_carried([head + struct.pack("!H", ethertype) + self.noise(length)
                                     for ethertype in (0x88B5, 0x0800, 0x86DD)
                                     for length in (PAYLOAD_MIN, 500)])

    def test_largest_tagged_frame(self):
        self.assert_carried([MACS + struct.pack("!HHH", 0x8100, 100, 0x88B5) +
                             self.noise(self.MTU)])

    def test_cut_and_lying_packets(self):
        """Headers that say more than the frame holds pass: what is not understood is not judged."""
        ipv4 = bytes.fromhex("45000028000100004011000a0a0000010a000002")
        udp = struct.pack("!HHHH", 40000, 53, 20, 0)
        frames = [MACS + b"\x08\x00" + (ipv4 + udp)[:cut].ljust(PAYLOAD_MIN, b"\0")
                  for cut in range(1, 28)]
        frames += [MACS + b"\x08\x00" + bytes([0x45 + i]) + ipv4[1:] + udp + self.noise(20)
                   for i in range(0, 11)]
        self.assert_carried(frames)

    def test_many_in_order(self):
        self.assert_carried([MACS + struct.pack("!HI", 0x88B5, i) + self.noise(96)
                             for i in range(1000)])


    def query(self, tags, network):
        frame = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
        for tag in tags:
            frame /= tag
        source = network(src="2001:db8::5", dst="2001:db8::53") if network is IPv6 else \
            network(src="198.51.100.5", dst="198.51.100.53")
        return bytes(frame / source / UDP(sport=40000, dport=53) /
                     DNS(id=0x1234, rd=1, qd=DNSQR(qname="www.casino.example")))

    def test_dns_is_judged_inside_vlans(self):
        """VLAN 20 is the teachers' group, who may; the others are nobody's."""
        for name, tags, passes in [("no tag", [], False), ("VLAN 30", [Dot1Q(vlan=30)], False),
                                   ("VLAN 20", [Dot1Q(vlan=20)], True),
                                   ("QinQ 30.7", [Dot1AD(vlan=30), Dot1Q(vlan=7)], False),
                                   ("QinQ 20.7", [Dot1AD(vlan=20), Dot1Q(vlan=7)], True)]:
            for network in (IP, IPv6):
                with self.subTest(name, network=network.__name__):
                    query = self.query(tags, network)
                    self.inside.send(query)
                    if passes:
                        self.assertIn(query, self.outside.receive_all([query]))
                        continue
                    answer = self.answer_to(query)
                    self.assertEqual([(t.type, t.vlan) for t in self.tags_of(answer)],
                                     [(t.type, t.vlan) for t in self.tags_of(Ether(query))])
                    self.assertEqual(answer[DNS].rcode, 3)
                    self.assertNotIn(query, self.outside.receive_all([query], quiet=0.1))

    def answer_to(self, query):
        asked = Ether(query)
        while (frame := self.inside.receive(2)) is not None:
            answer = Ether(frame)
            if DNS in answer and answer[DNS].qr and answer.dst == asked.src:
                checksum = answer[UDP].chksum
                del answer[UDP].chksum
                self.assertEqual(Ether(bytes(answer))[UDP].chksum, checksum)
                return Ether(frame)
        self.fail("no answer")

    @staticmethod
    def tags_of(frame):
        return [layer for layer in map(frame.getlayer, range(3)) if isinstance(layer, Dot1Q)]


class JumboFrames(Frames):
    MTU = 9000


if __name__ == "__main__":
    unittest.main(verbosity=2)
