"""A release that makes an appliance block far more than it did, where the signed rollout bounds that."""
from dataplane import FakeDataplane
from harness import ChainTest, eventually, main


class HaltTest(ChainTest):
    def setUp(self):
        super().setUp()
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        self.dataplane = FakeDataplane(self.box.run_dir / "dataplane.sock")
        self.addCleanup(self.dataplane.close)
        self.judged(0, 0)
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        appliance = (self.box.folder / "state/appliance-id").read_text().strip()
        self.authority.run("rollout", "set", "--lab", appliance, "--halt-block-rate", "2")
        self.authority.run("sign", "--policy")
        self.release("one.example")

    def judged(self, judged, blocked):
        self.dataplane.counters = {"verdict_pass": judged - blocked, "verdict_block": blocked,
                                   "verdict_log": 0, "verdict_rewrite": 0}

    def release(self, name):
        self.authority.add(name)
        self.authority.release()
        return self.release_now()

    def release_now(self):
        reply = self.box.pull()
        self.assertEqual(reply["outcome"], "published", reply)
        eventually(lambda: self.dataplane.generation == self.box.status()["generation"])
        self.seen()
        return self.box.status()["generation"]

    def seen(self):
        """Until the appliance has asked for the counts of now, as it does after each pull."""
        asked = self.dataplane.asked
        self.box.pull()
        eventually(lambda: self.dataplane.asked > asked, 40, "a look at the counts")

    def test_ends_until_another_comes(self):
        self.seen()
        self.judged(2000, 40)
        self.seen()
        before = self.box.status()["generation"]
        self.release("two.example")
        # As much as before; then every tenth name.
        self.judged(4000, 80)
        self.seen()
        self.assertEqual(self.box.alarms(), {})
        self.judged(6000, 280)
        eventually(lambda: "release-halted" in self.box.alarms(), 30, "the halt")
        status = self.box.status()
        self.assertEqual(status["generation"], before)
        self.assertIn("6.0 % of 4000 names, where it were 2.0 % of 2000 before",
                      self.box.alarms()["release-halted"])
        self.box.pull()
        self.box.stop()
        self.box.start()  # what was decided is kept
        self.box.pull()
        self.assertEqual(self.box.status()["generation"], before)
        self.assertIn("release-halted", self.box.alarms())
        self.release("three.example")
        self.assertEqual(self.box.alarms(), {})

    def test_what_the_site_blocks_is_no_releases_fault(self):
        self.seen()
        self.judged(2000, 40)
        self.dataplane.blocks = {"authority": 40, "site": 0}
        self.seen()
        after = self.release("two.example")
        # As when many have used up their minutes.
        self.judged(4000, 1040)
        self.dataplane.blocks = {"authority": 80, "site": 960}
        self.seen()
        self.seen()
        self.assertEqual((self.box.status()["generation"], self.box.alarms()), (after, {}))
        self.judged(4000, 1140)
        self.dataplane.blocks = {"authority": 180, "site": 960}
        eventually(lambda: "release-halted" in self.box.alarms(), 30, "the halt")

    def test_what_is_urgent_and_what_persons_decide_is_not_watched(self):
        self.judged(2000, 40)
        self.seen()
        self.authority.run("emergency", "now.example", "--category", "fraud", "--order", "E-1")
        after = self.release_now()
        self.judged(4000, 2000)
        self.seen()
        self.seen()
        self.assertEqual((self.box.status()["generation"], self.box.alarms()), (after, {}))
        self.release("two.example")
        self.ctl("mode", "set", "default", "pause", "--for", "1h", "--who", "li", "--reason", "assembly")
        paused = self.box.status()["generation"]
        self.assertGreater(paused, after + 1)
        self.judged(8000, 6000)
        self.seen()
        self.seen()
        self.assertEqual((self.box.status()["generation"], self.box.alarms()), (paused, {}))

    def test_a_person_lets_it_go_on(self):
        self.judged(2000, 40)
        self.seen()
        after = self.release("two.example")
        self.judged(4000, 2000)
        eventually(lambda: "release-halted" in self.box.alarms(), 30, "the halt")
        self.ctl("list", "resume", "--who", "li", "--reason", "a good list")
        eventually(lambda: self.box.status()["generation"] == after, 30, "the release")
        self.judged(6000, 4000)
        self.seen()
        self.assertEqual(self.box.status()["generation"], after)


if __name__ == "__main__":
    main()
