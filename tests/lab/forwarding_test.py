"""Traffic that the gateway has nothing to say about."""
import json
import pathlib
import re
import unittest

from .case import LabCase
from .iperf import iperf
from .lab import CLIENT, SERVER
from .process import wait_until


class Forwarding(LabCase):
    def ping(self, address, *arguments):
        done = self.lab.client.run("ping", "-n", "-c", "3", "-i", "0.1", "-W", "2", *arguments,
                                   address, check=False)
        self.assertIn(" 0% packet loss", done.stdout, done.stdout + done.stderr)

    def test_ping(self):
        for address in SERVER:
            for size in ("0", "56", "1000", str(self.MTU - 48)):
                with self.subTest(address=address, size=size):
                    self.ping(address, "-M", "do", "-s", size)

    def test_ping_in_fragments(self):
        for address in SERVER:
            self.ping(address, "-s", str(self.MTU * 3))

    def test_ping_from_outside(self):
        for address in CLIENT:
            self.lab.server.run("ping", "-n", "-c", "1", "-W", "2", address)

    def test_neighbours_see_each_other_and_nobody_between(self):
        address = json.loads(self.lab.server.run("ip", "-j", "link", "show", "eth0").stdout)[0]
        for server in SERVER:
            self.lab.client.run("ip", "neigh", "flush", "to", server)
            self.ping(server)
            neighbour = json.loads(self.lab.client.run("ip", "-j", "neigh", "show", "to",
                                                       server).stdout)[0]
            self.assertEqual(neighbour["lladdr"], address["address"])
        seen = json.loads(self.lab.client.run("ip", "-j", "neigh", "show").stdout)
        self.assertEqual({entry["lladdr"] for entry in seen if "lladdr" in entry},
                         {address["address"]})

    def test_path_is_not_hidden(self):
        """No hop is added: the time to live arrives as it was sent."""
        self.ping(SERVER[0], "-t", "1")
        self.ping(SERVER[1], "-t", "1")

    def test_iperf3_tcp(self):
        for server in SERVER:
            for way in ([], ["-R"]):
                with self.subTest(server=server, way=way):
                    end = iperf(self.lab, "-c", server, *way)
                    self.assertGreater(end["sum_received"]["bytes"], 1_000_000)

    def carrier(self, side):
        return json.loads(side.run("ip", "-j", "link", "show", "eth0").stdout)[0]["operstate"]

    def test_buffers_lie_in_huge_pages(self):
        """Where the kernel gives them to whoever asks, without any that are reserved."""
        enabled = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
        if "[never]" in enabled:
            self.skipTest("the kernel gives no huge pages: " + enabled)
        rollup = pathlib.Path(f"/proc/{self.appliance.dataplane.pid}/smaps_rollup").read_text()
        huge = int(re.search(r"AnonHugePages:\s*(\d+) kB", rollup)[1])
        buffers = 2 * 4096 * 2300 // 1024  # of two ports, each with room for 2,176 octets
        self.assertGreater(huge, buffers * 3 // 4, rollup)

    def test_link_state_is_carried(self):
        for near, far in ((self.lab.client, self.lab.server), (self.lab.server, self.lab.client)):
            with self.subTest(near.role):
                addresses = CLIENT if near is self.lab.client else SERVER
                near.run("ip", "link", "set", "eth0", "down")
                try:
                    wait_until("the far side has no carrier", lambda f=far: self.carrier(f) == "DOWN")
                finally:
                    near.run("ip", "link", "set", "eth0", "up")
                wait_until("the far side has a carrier again", lambda f=far: self.carrier(f) == "UP")
                near.address("eth0", addresses[1] + "/64")  # the kernel forgets it with the link
                wait_until("the near side has a carrier", lambda n=near: self.carrier(n) == "UP")
        self.ping(SERVER[0])
        self.ping(SERVER[1])


class BigFrames(Forwarding):
    MTU = 9000


class ByXdp(Forwarding):
    DEVICE = "af_xdp"


if __name__ == "__main__":
    unittest.main(verbosity=2)
