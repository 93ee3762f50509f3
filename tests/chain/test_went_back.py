"""Emergencies where an appliance runs what a person, or a halt, went back to: they begin and end there as
anywhere, and nothing else changes.
"""
import datetime
import random
import signal
import subprocess
import time

from dataplane import FakeDataplane
from harness import ChainTest, eventually, main
from test_crash import own_mounts


def in_seconds(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class WentBack(ChainTest):
    def setUp(self):
        super().setUp()
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")

    def start(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)

    def publish(self, name):
        self.authority.add(name)
        self.authority.release()
        reply = self.box.pull()
        self.assertEqual(reply["outcome"], "published", reply)

    def decree(self, name, *extra):
        self.authority.run("emergency", name, "--category", "fraud", "--order", f"E-{name}", *extra)

    def decide(self, *arguments):
        return self.ctl("list", *arguments, "--who", "li", "--reason", "x")

    def verdict(self, name):
        told = self.ctl("explain", name, exit=None)["verdict"]
        return told["action"], told["reason"]

    def assert_blocked(self, *names):
        for name in names:
            self.assertEqual(self.verdict(name), ("block", "emergency"), name)

    def assert_passes(self, *names):
        for name in names:
            self.assertEqual(self.verdict(name)[0], "pass", name)

    def assert_held(self, without, entries):
        """Still what was gone back to, beside `entries` of emergencies."""
        status = self.box.status()
        self.assertEqual(status["entries"], 2 + entries)
        self.assertEqual(status["hold"]["generation"], status["generation"])
        self.assert_passes(without)

    def test_an_emergency_comes_into_force_there(self):
        self.start()
        self.publish("second.example")
        self.decide("rollback", "1")
        self.decree("now.example")
        self.assertEqual(self.box.pull()["outcome"], "on-hold")
        self.assert_blocked("now.example")
        self.assert_held("second.example", 1)
        self.decree("then.example")
        self.box.pull()
        self.assert_blocked("now.example", "then.example")
        self.assert_held("second.example", 2)
        self.box.stop(signal.SIGKILL)
        self.box.start()
        self.assert_blocked("now.example", "then.example")
        self.assert_held("second.example", 2)
        self.authority.run("remove", "now.example")
        self.authority.release()
        self.box.pull()
        self.assert_passes("now.example")
        self.assert_blocked("then.example")
        self.assert_held("second.example", 1)
        self.decide("resume")
        eventually(lambda: self.box.status()["entries"] == 4)
        self.assertEqual(self.verdict("second.example")[0], "block")
        self.assert_blocked("then.example")
        self.assertEqual(self.box.alarms(), {})

    def test_what_was_decreed_before_stays(self):
        self.start()
        self.publish("second.example")
        self.decree("now.example")
        self.assertEqual(self.box.pull()["outcome"], "published")
        self.decide("rollback", "1")
        self.assert_blocked("now.example")
        self.assert_held("second.example", 1)
        self.decide("rollback", "2")  # whatever is gone back to
        self.assert_blocked("now.example")
        self.assertEqual(self.verdict("second.example")[0], "block")

    def test_it_ends_there(self):
        self.start()
        # On the generation itself that is gone back to, and beside it.
        end = 12
        self.decree("brief.example", "--expires", in_seconds(end))
        self.assertEqual(self.box.pull()["outcome"], "published")
        self.publish("second.example")
        began = time.monotonic()
        self.decide("rollback", "2")
        self.decree("other.example", "--expires", in_seconds(end))
        self.box.pull()
        self.assert_blocked("brief.example", "other.example")
        eventually(lambda: self.box.status()["entries"] == 2, end + 6, self.box.log.read_text())
        self.assertLess(time.monotonic() - began, end + 6)
        self.assert_passes("brief.example", "other.example")
        self.assert_held("second.example", 0)

    def test_it_ends_under_a_hold_of_the_newest(self):
        self.start()
        self.decree("brief.example", "--expires", in_seconds(8))
        self.box.pull()
        self.decide("hold")
        self.assert_blocked("brief.example")
        eventually(lambda: self.box.status()["entries"] == 2, 15, self.box.log.read_text())
        self.assert_passes("brief.example")
        self.assertIsNotNone(self.box.status()["hold"])

    def test_another_list_waits(self):
        self.start()
        self.publish("second.example")
        self.decide("rollback", "1")
        self.authority.add("third.example")
        self.decree("now.example")
        self.authority.release()
        self.box.pull()
        self.assert_blocked("now.example")
        self.assert_held("third.example", 1)

    def test_a_guard_looks_at_it_alone(self):
        folder = self.authority.folder / "policy"
        folder.mkdir(exist_ok=True)
        (folder / "guards.yaml").write_text(
            "probes: {must_hit: [second.example], must_miss: [school.example]}\n")
        self.authority.run("sign", "--policy")
        self.authority.add("second.example")
        self.box.start()
        self.authority.release()
        self.box.pull()
        self.publish("third.example")
        number = self.box.status()["generation"]
        self.decide("rollback", str(number - 1))
        # Of the first generation, before the probe was there, the emergency is no fault.
        self.decree("now.example")
        self.box.pull()
        self.assert_blocked("now.example")
        self.decree("school.example")
        self.box.pull()
        self.assert_passes("school.example")
        self.assertIn("urgent-held", self.box.alarms())

    def test_what_is_kept_is_bounded(self):
        self.start()
        self.publish("second.example")
        self.decide("rollback", "1")
        for i in range(9):
            self.decree(f"e{i}.example")
            self.box.pull()
        self.assert_held("second.example", 9)
        kept = list((self.box.state / "generations").glob("*.lmdb"))
        self.assertLessEqual(len(kept), 6, kept)  # five, and the base of all
        self.decide("resume")
        eventually(lambda: self.box.status()["entries"] == 12)

    def test_lost_lists_are_fetched_again(self):
        self.start()
        self.publish("second.example")
        self.decree("now.example")
        self.box.pull()
        self.box.stop()
        for file in (self.box.state / "lists").glob("*"):
            if file.name != "release.json":
                file.unlink()
        self.box.start()
        self.decide("rollback", "1")
        self.box.pull()
        self.assert_blocked("now.example")
        self.assert_held("second.example", 1)
        self.assertEqual(set(self.box.alarms()), {"generation-held"})

    def test_killed_at_random_instants(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        self.start()
        self.publish("second.example")
        self.decide("rollback", "1")
        self.box.stop()
        for i in range(25):
            self.decree(f"e{i}.example")
            self.box.start(ready=False)
            time.sleep(chance.uniform(0, 0.25))
            self.box.stop(signal.SIGKILL)
        self.box.start()
        self.box.pull()
        self.assert_held("second.example", 25)
        self.assert_blocked(*[f"e{i}.example" for i in range(25)])
        self.assertNotIn("error ", self.box.log.read_text())
        self.assertEqual(self.box.current(), f"{self.box.status()['generation']:010}.lmdb")

    def test_full_disk(self):
        own_mounts()
        self.box.state.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.box.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.box.state], check=False)
        self.start()
        self.publish("second.example")
        self.decide("rollback", "1")
        self.decree("now.example")
        self.box.pull()
        ballast = self.box.state / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        self.decree("then.example")
        self.box.pull()
        self.assert_blocked("now.example")
        self.assert_passes("then.example")
        self.assertRegex(self.box.log.read_text(), "error (urgent|pull): .*([Nn]o space left|free space)")
        self.box.stop()
        self.box.start()
        self.assert_held("second.example", 1)
        ballast.unlink()
        self.box.pull()
        self.assert_blocked("now.example", "then.example")
        self.assert_held("second.example", 2)

    def test_a_halt_goes_on(self):
        """The emergency is taken, what was halted is not."""
        dataplane = FakeDataplane(self.box.run_dir / "dataplane.sock")
        self.addCleanup(dataplane.close)
        dataplane.counters = {"verdict_pass": 0, "verdict_block": 0, "verdict_log": 0,
                              "verdict_rewrite": 0}
        self.start()
        appliance = (self.box.folder / "state/appliance-id").read_text().strip()
        self.authority.run("rollout", "set", "--lab", appliance, "--halt-block-rate", "2")
        self.authority.run("sign", "--policy")
        self.publish("one.example")
        dataplane.seen(self.box)
        dataplane.counters.update(verdict_pass=1960, verdict_block=40)
        dataplane.seen(self.box)
        self.publish("two.example")
        dataplane.seen(self.box)
        dataplane.counters.update(verdict_pass=2000, verdict_block=2000)
        eventually(lambda: "release-halted" in self.box.alarms(), 30, "the halt")
        self.decree("now.example")
        self.box.pull()
        self.assert_blocked("now.example")
        self.assert_passes("two.example")
        self.assertIn("release-halted", self.box.alarms())
        self.publish("three.example")
        self.assertEqual(self.verdict("two.example")[0], "block")
        self.assert_blocked("now.example")
        self.assertEqual(self.box.alarms(), {})


if __name__ == "__main__":
    main()
