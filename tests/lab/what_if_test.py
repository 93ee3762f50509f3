"""A release that would block what a school uses is held before it runs, and told by counts alone."""
import json
import unittest

from .case import BINARIES
from .lab import SERVER, Lab
from .process import wait_until

# Asks for one of the names or another, a few times a second, as people do.
ASKER = """
import random, socket, struct, sys, time
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
number = 0
while True:
    name = random.choice(sys.argv[2:])
    number += 1
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    peer.sendto(struct.pack(">6H", number % 65536, 0x100, 1, 0, 0, 0) + labels + b"\\0\\0\\1\\0\\1", (sys.argv[1], 53))
    time.sleep(0.13)
"""
KEPT = 120  # names, two of which are kept a second


class WhatIf(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab(BINARIES))
        self.appliance = self.lab.appliance
        self.authority = self.lab.authority
        self.authority.init()
        self.authority.add("casino.example")
        self.authority.publish()
        self.lab.start_servers()
        self.appliance.configure(authority=self.lab.authority_settings())

    def verdict(self, name):
        return "block" if "status: NXDOMAIN" in self.lab.dig(name, "A", check=False) else "pass"

    def status(self):
        return self.appliance.control_status()

    def alarms(self):
        return {alarm["id"]: alarm["text"] for alarm in self.status()["alarms"]}

    def trial(self):
        running = self.appliance.status()["generation_path"]
        return self.appliance.ask("trial", path=running)

    def release(self, *names):
        self.authority.add(*names)
        self.authority.publish()

    def assert_nothing_tells(self, word):
        """Neither what is answered nor what is written has it."""
        for command in ("status", "stats", "events", "budgets", "devices"):
            self.assertNotIn(word, json.dumps(self.appliance.ask(command)))
        self.assertNotIn(word, json.dumps(self.trial()))
        self.assertNotIn(word, json.dumps(self.status()))
        for file in self.appliance.folder.rglob("*"):
            if file.is_file():
                self.assertNotIn(word.encode(), file.read_bytes(), file)

    def test_a_release_that_blocks_what_is_used_is_held(self):
        self.appliance.start_dataplane()
        self.appliance.start_control()
        self.appliance.wait_for_generation()
        names = ["www.secretlesson.example", "www.news.test", "a.b.news.test", "secretlesson.example"]
        asker = self.lab.client.start("asker", "python3", "-c", ASKER, SERVER[0], *names,
                                      log=self.lab.folder / "asker.log")
        wait_until("names were kept", lambda: self.trial()["asked"] >= KEPT, 150)
        asker.kill(15)
        self.assert_nothing_tells("secretlesson")

        before = self.appliance.generation()
        self.release("unused.test")
        self.appliance.wait_for_generation(before + 1)
        found = self.status()["what_if"]["passed"]
        self.assertGreaterEqual(found["names"], KEPT)
        self.assertEqual((found["blocked"], found["by_category"]), (0, {}))

        before = self.appliance.generation()
        self.release("news.test")
        wait_until("the release is held", lambda: "release-held" in self.alarms())
        self.assertEqual(self.appliance.generation(), before)
        self.assertEqual(self.verdict("www.news.test"), "pass")
        found = self.status()["what_if"]["passed"]
        self.assertGreater(found["blocked"], found["names"] / 4)
        self.assertLess(found["blocked"], found["names"] * 3 / 4)
        self.assertEqual(found["by_category"], {"gambling": found["blocked"]})
        [reason] = self.status()["held_release"]["reasons"]
        self.assertIn(f"{found['blocked']} of the last {found['names']} names", reason)
        self.assertIn(f"(gambling {found['blocked']})", reason)
        self.assert_nothing_tells("secretlesson")

        held = self.status()["held_release"]["release"]
        self.appliance.ctl("list", "approve", held, "--who", "li", "--reason", "it is so")
        self.appliance.wait_for_generation(before + 1)
        self.assertEqual(self.verdict("www.news.test"), "block")
        self.assertEqual(self.alarms(), {})
        # Blocked by what runs now, it is no fault of the next one.
        self.release("more.test")
        self.appliance.wait_for_generation(before + 2)
        self.assertEqual(self.status()["what_if"]["passed"]["blocked"], 0)

        self.appliance.dataplane.stop()
        self.appliance.start_dataplane()
        self.assertEqual(self.trial()["asked"], 0, "what was kept has outlived the process")


if __name__ == "__main__":
    unittest.main()
