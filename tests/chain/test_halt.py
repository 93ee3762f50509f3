"""A release that makes an appliance block far more than it did, where the signed rollout bounds that; and
one that the authority itself halts, as where many appeal.
"""
import subprocess

from dataplane import FakeDataplane
from harness import BIN, ChainTest, eventually, main


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
        # The first look may have asked which generation runs before that did.
        self.seen()
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


class HaltedByTheAuthority(ChainTest):
    def setUp(self):
        super().setUp()
        self.box = self.appliance()
        self.late = self.appliance()
        self.sign("set", "--lab", self.name(self.box), "--lab", self.name(self.late))
        self.pull(self.box, self.late)
        self.publish("one.example")
        self.pull(self.box, self.late)
        self.publish("two.example")
        self.pull(self.box)
        self.assertEqual((self.box.status()["entries"], self.late.status()["entries"]), (4, 3))

    def appliance(self):
        box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        box.start()
        eventually(lambda: box.status()["generation"] == 1)
        return box

    @staticmethod
    def name(box):
        return (box.state / "appliance-id").read_text().strip()

    def sign(self, *arguments):
        told = self.authority.run("rollout", *arguments).stdout
        self.authority.run("sign", "--policy")
        self.authority.run("publish")
        return told

    def publish(self, name):
        self.authority.add(name)
        self.authority.release()

    def pull(self, *boxes):
        for box in boxes:
            reply = box.pull()
            self.assertTrue(reply["ok"], reply)

    def halt_signed(self):
        told = self.sign("halt", "police", "--reason", "12 appeals")
        self.assertIn("halted: police 3, 12 appeals", told)

    def halt(self):
        self.halt_signed()
        self.pull(self.box, self.late)

    def test_those_that_run_it_go_back_and_the_others_never_take_it(self):
        self.halt()
        status = self.box.status()
        self.assertEqual(status["entries"], 3)
        self.assertIn("the authority has halted list 3 of police: 12 appeals", self.box.alarms()["release-halted"])
        [waiting] = self.late.status()["rollout"]["waiting"]
        self.assertEqual((waiting["seq"], waiting["due"], waiting["halted"]), (3, None, "12 appeals"))
        self.assertEqual(self.late.status()["entries"], 3)
        for box in (self.box, self.late):
            box.stop()
            box.start()
        self.pull(self.box, self.late)
        self.assertEqual((self.box.status()["entries"], self.late.status()["entries"]), (3, 3))
        # Withdrawn, and something else instead.
        self.authority.run("remove", "two.example")
        self.publish("three.example")
        self.pull(self.box, self.late)
        self.assertEqual((self.box.status()["entries"], self.late.status()["entries"]), (4, 4))
        self.assertEqual((self.box.alarms(), self.late.alarms()), ({}, {}))
        self.assertEqual(self.ctl("explain", "two.example", exit=None)["verdict"]["action"], "pass")

    def test_it_is_lifted(self):
        self.halt()
        self.assertIn("12 appeals", self.sign("set", "--lab", self.name(self.box), "--lab", self.name(self.late)))
        self.pull(self.box, self.late)
        self.assertEqual(self.box.status()["entries"], 3)
        self.sign("halt", "police", "--lift")
        self.pull(self.box, self.late)
        eventually(lambda: self.box.status()["entries"] == 4, 20)
        self.assertEqual(self.late.status()["entries"], 4)
        self.assertEqual((self.box.alarms(), self.late.alarms()), ({}, {}))
        # Once more is once more.
        self.halt()
        self.assertEqual((self.box.status()["entries"], self.late.status()["entries"]), (3, 3))

    def test_persons_come_first(self):
        self.halt()
        self.ctl("list", "resume", "--who", "li", "--reason", "a good list")
        eventually(lambda: self.box.status()["entries"] == 4, 20)
        self.pull(self.box)
        self.assertEqual((self.box.status()["entries"], self.box.alarms()), (4, {}))
        self.box.stop()
        self.box.start()
        self.pull(self.box)
        self.assertEqual(self.box.status()["entries"], 4)

    def test_while_a_person_holds_it(self):
        self.ctl("list", "hold", "--who", "li", "--reason", "exams")
        self.halt()
        self.assertEqual((self.box.status()["entries"], set(self.box.alarms())), (4, {"generation-held"}))
        self.ctl("list", "resume", "--who", "li", "--reason", "they are over")
        self.pull(self.box)
        self.assertEqual((self.box.status()["entries"], set(self.box.alarms())), (3, {"release-halted"}))

    def test_an_emergency_comes_all_the_same(self):
        self.halt()
        self.authority.run("emergency", "now.example", "--category", "fraud", "--order", "E-1")
        self.pull(self.box)
        self.assertEqual(self.box.status()["entries"], 4)
        self.assertIn("release-halted", self.box.alarms())

    def test_a_new_appliance_takes_the_other_lists(self):
        new = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        self.authority.add("adult.example", category="pornography", order="C-1")
        self.authority.release()
        self.halt()
        new.start()
        eventually(lambda: new.status()["generation"] == 1)
        [waiting] = new.status()["rollout"]["waiting"]
        self.assertEqual((waiting["department"], waiting["due"], waiting["halted"]), ("police", None, "12 appeals"))
        self.assertEqual((new.status()["entries"], new.alarms()), (1, {}))
        new.stop()
        new.start()
        self.pull(new)
        self.assertEqual((new.status()["entries"], new.alarms()), (1, {}))
        self.sign("set", "--ring", "all:100")  # else the list that comes instead waits for the rings
        self.publish("three.example")
        self.pull(new)
        self.assertEqual((new.status()["entries"], new.status()["rollout"]["waiting"]), (6, []))

    def test_where_all_that_there_is_is_halted(self):
        self.halt()
        new = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        new.start()
        eventually(lambda: "pull-failed" in new.alarms())
        self.assertIn("the authority has halted list 3 of police (12 appeals), and there is no other list",
                      new.alarms()["pull-failed"])
        self.assertIn("no-generation", new.alarms())
        self.assertEqual(new.status()["rollout"]["waiting"][0]["halted"], "12 appeals")
        self.sign("halt", "police", "--lift")
        self.pull(new)
        self.assertEqual((new.status()["entries"], new.alarms()), (4, {}))

    def test_where_what_runs_is_lost_besides(self):
        self.late.stop()
        (self.late.state / "lists/release.json").unlink()
        self.halt_signed()
        self.late.start()
        self.late.pull()
        self.assertIn("the one that runs here is lost besides", self.late.alarms()["pull-failed"])
        self.assertEqual(self.late.status()["entries"], 3)

    def test_a_bundle_brings_nothing_that_is_halted(self):
        self.halt_signed()
        bundle = self.box.folder / "lists.tar"
        self.authority.run("bundle", "--out", bundle)
        for box in (self.late, self.box):
            told = subprocess.run([BIN / "sluicectl", "--config", box.config, "list", "import-bundle", bundle, "--who", "li"],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(told.returncode, 0, told)
            self.assertEqual(box.status()["entries"], 3)
        self.assertIn("12 appeals", self.box.alarms()["release-halted"])

    def test_a_list_that_waits_for_no_ring(self):
        self.authority.run("add", "virus.example", "--category", "malware", "--order", "T-1")
        self.authority.release()
        self.sign("set", "--lab", self.name(self.box), "--lab", self.name(self.late), "--skip-for", "malware")
        self.pull(self.box, self.late)
        self.authority.run("add", "wrong.example", "--category", "malware", "--order", "T-1")
        self.authority.release()
        self.pull(self.box)
        self.sign("halt", "telecom", "--reason", "it is a hospital")
        self.pull(self.box, self.late)
        self.assertIn("it is a hospital", self.box.alarms()["release-halted"])
        self.assertEqual(self.late.status()["rollout"]["waiting"][0]["halted"], "it is a hospital")
        self.assertEqual((self.box.status()["entries"], self.late.status()["entries"]), (5, 5))
        self.authority.run("remove", "wrong.example")
        self.authority.run("add", "worm.example", "--category", "malware", "--order", "T-1")
        self.authority.release()
        self.pull(self.box, self.late)
        self.assertEqual((self.box.status()["entries"], self.late.status()["entries"]), (6, 6))
        self.assertEqual((self.box.alarms(), self.late.alarms()), ({}, {}))

    def test_halts_that_are_none(self):
        for arguments, reason in ((("police",), "needs its --reason"), (("press", "--reason", "x"), "has no published list"),
                                  (("police", "--lift"), "no list of this department is halted")):
            refused = self.authority.run("rollout", "halt", *arguments, check=False)
            self.assertNotEqual(refused.returncode, 0, arguments)
            self.assertIn(reason, refused.stderr)


if __name__ == "__main__":
    main()
