"""What the lab's tests share. Programs under test are in $SLUICE_BIN."""
import os
import pathlib
import sys
import unittest

from .lab import Lab

BINARIES = pathlib.Path(os.environ.get("SLUICE_BIN", "build/release/bin"))
BLOCKED = ["casino.example", "lottery.example"]  # in the list of every test


class LabCase(unittest.TestCase):
    """One lab a class, its dataplane running with a list of BLOCKED."""

    MTU = 1500
    DEVICE = "af_packet"
    ANSWER = {}  # of the keys of block_answer, those that differ from the defaults
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(BINARIES, cls.MTU))
        cls.appliance = cls.lab.appliance
        cls.prepare()

    @classmethod
    def prepare(cls):
        cls.lab.start_servers()
        cls.appliance.configure(mtu=cls.MTU, answer=cls.ANSWER, device=cls.DEVICE)
        cls.appliance.compile(BLOCKED)
        cls.appliance.start_dataplane()

    def run(self, result=None):
        known = len(result.failures) + len(result.errors) if result else 0
        done = super().run(result)
        if result and len(result.failures) + len(result.errors) > known:
            for process in (self.appliance.dataplane, self.appliance.control):
                if process:
                    print(process.tail(30), file=sys.stderr)
        return done

    def assert_counted(self, name, least=1, before=None):
        count = self.appliance.counters()[name] - (before or {}).get(name, 0)
        self.assertGreaterEqual(count, least, name)

    def counted(self, before):
        """What the counters say of the time since `before`, those that stood still left out."""
        return {name: count - before[name] for name, count in self.appliance.counters().items()
                if count != before[name]}

    def assert_nothing_lost(self):
        counters = self.appliance.counters()
        for name in ("tx_full_dropped", "resets_lost", "refusals_limited", "flow_table_full"):
            self.assertEqual(counters[name], 0, name)
