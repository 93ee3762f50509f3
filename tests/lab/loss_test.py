"""How much is lost of what a sender does not send again."""
import unittest

from .case import LabCase
from .iperf import iperf
from .lab import SERVER


class Loss(LabCase):
    def test_iperf3_udp_loses_little(self):
        for way in ([], ["-R"]):
            with self.subTest(way=way):
                end = iperf(self.lab, "-c", SERVER[0], "-u", "-b", "20M", *way)
                self.assertGreater(end["sum"]["packets"], 200)
                self.assertLess(end["sum"]["lost_percent"], 1.0)


class OfBigFrames(Loss):
    MTU = 9000


if __name__ == "__main__":
    unittest.main(verbosity=2)
