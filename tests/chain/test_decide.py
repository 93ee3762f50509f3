"""What a person decides: hold, rollback, resume, approve, pin; and what differs between lists."""
import random
import shutil
import signal
import subprocess
import time

from harness import BIN, ChainTest, eventually, main


class Decide(ChainTest):
    def setUp(self):
        super().setUp()
        # The mirror is a folder here: what is tried is the appliance, not the network.
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)

    def ctl(self, *arguments, exit=0):
        return super().ctl("list", *arguments, exit=exit)

    def decide(self, *arguments, exit=0, reason="the school board says so"):
        return self.ctl(*arguments, "--who", "li", "--reason", reason, exit=exit)

    def publish(self, name):
        self.authority.add(name)
        self.authority.release()

    def generations(self, count):
        """Makes generations up to this one."""
        for number in range(2, count + 1):
            self.publish(f"more{number}.example")
            self.assertEqual(self.box.pull()["generation"], number)

    def restart(self, number=signal.SIGTERM):
        self.box.stop(number)
        self.box.start()

    def assert_audited(self, what):
        lines = [line for line in self.box.log.read_text().splitlines() if " audit: " in line]
        self.assertRegex("\n".join(lines), rf"{what}.*, by 'li' \(uid 0\): the school board says so")

    def test_hold(self):
        self.decide("hold")
        self.publish("new.example")
        self.assertEqual(self.box.pull()["outcome"], "on-hold")
        self.restart()
        self.assertEqual(self.box.pull()["outcome"], "on-hold")
        status = self.box.status()
        self.assertEqual((status["generation"], status["entries"]), (1, 2))
        self.assertEqual((status["hold"]["who"], status["hold"]["generation"]), ("li", 1))
        self.assertIn("the school board says so", self.box.alarms()["generation-held"])
        self.decide("resume")
        eventually(lambda: self.box.status()["entries"] == 3, what="the release that waited")
        self.assertEqual(self.box.status()["alarms"], [])
        self.assert_audited("hold generation 1 until")
        self.assert_audited("resume")

    def test_rollback(self):
        self.generations(3)
        self.assertIn("generation 2 runs", self.decide("rollback")["done"])
        self.assertEqual(self.box.status()["entries"], 3)
        self.publish("new.example")
        self.assertEqual(self.box.pull()["outcome"], "on-hold")
        self.restart(signal.SIGKILL)
        self.box.pull()
        self.assertEqual((self.box.status()["generation"], self.box.current()),
                         (2, "0000000002.lmdb"))
        self.decide("rollback", "1")
        self.assertEqual(self.box.status()["entries"], 2)
        self.decide("rollback", "3")
        self.assertEqual(self.box.status()["entries"], 4)
        refused = self.decide("rollback", "77", exit=1)
        self.assertIn("generation 77 is not kept", refused["error"]["what"])
        self.decide("resume")
        eventually(lambda: self.box.status()["entries"] == 5)
        self.assertIsNone(self.box.status()["hold"])
        self.assert_audited("rollback from generation 3 to generation 2, held until")

    def test_rollback_to_a_damaged_generation(self):
        self.generations(2)
        with (self.box.state / "generations/0000000001.lmdb").open("r+b") as file:
            file.seek(9000)
            file.write(b"damage")
        refused = self.decide("rollback", "1", exit=1)
        self.assertIn("0000000001.lmdb", refused["error"]["where"])
        self.assertEqual(self.box.status()["generation"], 2)
        self.assertIsNone(self.box.status()["hold"])

    def test_rollback_killed_at_random_instants(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        self.generations(3)
        for step in range(20):
            asked = subprocess.Popen(
                [str(BIN / "sluicectl"), "--config", str(self.box.config), "list", "rollback",
                 str(1 + step % 3), "--who", "li", "--reason", "try"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 0.05))
            self.restart(signal.SIGKILL)
            asked.wait()
            status = self.box.status()
            self.assertIn(status["generation"], (1, 2, 3))
            if status["hold"]:
                self.assertEqual(status["generation"], status["hold"]["generation"])
            self.assertEqual(self.box.current(), f"{status['generation']:010}.lmdb")

    def test_policy_of_a_held_generation(self):
        self.generations(2)
        self.decide("rollback", "1")
        self.box.configure(blocked="gambling")
        self.box.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.box.status()["generation"] == 3)
        status = self.box.status()
        self.assertEqual((status["entries"], status["hold"]["generation"]), (2, 3))
        self.restart()
        self.assertEqual(self.box.pull()["outcome"], "unchanged")
        self.assertEqual(self.box.status()["generation"], 3)
        self.decide("resume")
        eventually(lambda: self.box.status()["entries"] == 3)

    def test_approve(self):
        self.authority.run("remove", "casino.example", "bet.test")
        self.authority.release()
        reply = self.box.pull()
        self.assertEqual(reply["outcome"], "held")
        self.assertIn("would become empty", self.box.alarms()["release-held"])
        held = self.ctl("generations")["held_release"]
        self.assertIn("the list of 2 entries would become empty", held["reasons"][0])
        wrong = self.decide("approve", "0" * 64, exit=1)
        self.assertIn(held["release"], wrong["error"]["what"])
        # The authority publishes another one before the person has decided: it is not that one.
        self.authority.add("play.example", category="games", order="PR-1")
        self.authority.release()
        self.assertEqual(self.box.pull()["outcome"], "held")
        self.assertIn("the release that waits is",
                      self.decide("approve", held["release"], exit=1)["error"]["what"])
        held = self.ctl("generations")["held_release"]
        self.decide("approve", held["release"])
        # The pull that took it ends, and with it the alarm, a moment after the generation runs.
        eventually(lambda: self.box.status()["generation"] == 2 and not self.box.alarms())
        self.assertEqual(self.box.status()["entries"], 1)
        self.assert_audited("approve release " + held["release"])
        # It was for that one alone, also after a restart.
        self.authority.run("remove", "play.example")
        self.authority.release()
        self.restart()
        self.assertEqual(self.box.pull()["outcome"], "held")
        self.assertEqual(self.box.status()["generation"], 2)

    def test_nothing_to_approve(self):
        refused = self.decide("approve", "0" * 64, exit=1)
        self.assertIn("no release waits", refused["error"]["what"])

    def test_pin(self):
        self.decide("pin", "1")
        self.generations(8)
        kept = {row["generation"]: row for row in self.ctl("generations")["generations"]}
        self.assertEqual(sorted(kept), [1, 4, 5, 6, 7, 8])
        self.assertEqual(kept[1]["pin"]["who"], "li")
        self.decide("rollback", "1")
        self.assertEqual(self.box.status()["entries"], 2)
        self.decide("resume")
        # It is there still, and need not be made again.
        eventually(lambda: self.box.status()["generation"] == 8)
        self.decide("unpin", "1")
        self.publish("last.example")
        self.assertEqual(self.box.pull()["generation"], 9)
        self.assertNotIn("0000000001.lmdb",
                         [p.name for p in (self.box.state / "generations").iterdir()])

    def test_who_and_why_must_be_told(self):
        for request in ({"who": "li"}, {"reason": "x"}, {"who": "li", "reason": "x" * 501}):
            reply = self.box.ask("hold", **request)
            self.assertFalse(reply["ok"], request)
        self.assertFalse(self.box.ask("hold", who="li", reason="x", hours=73)["ok"])
        self.assertFalse(self.box.ask("hold", who="li", reason="x", hours=0)["ok"])
        self.assertIsNone(self.box.status()["hold"])
        # The kernel tells who the peer is, whatever the peer says.
        self.assertTrue(self.box.ask("hold", who="li", reason="x", peer_uid=4711)["ok"])
        self.assertEqual(self.box.status()["hold"]["uid"], "0")

    def test_damaged_decisions_do_not_stop_filtering(self):
        self.decide("hold")
        self.box.stop()
        (self.box.state / "decisions.json").write_text("{")
        self.box.start()
        self.assertEqual(self.box.status()["generation"], 1)
        self.assertIn("holds, approvals and pins are forgotten", self.box.log.read_text())

    def test_diff(self):
        self.authority.add("play.example", category="games", order="PR-1")
        self.authority.add("casino.example", category="fraud", order="PSB-2")
        self.authority.run("remove", "bet.test")
        self.authority.add(*[f"n{i}.example" for i in range(30)])
        self.authority.release()
        self.box.pull()
        diff = self.ctl("diff", "1", "2", "--sample", "3")
        found = {(d["category"], d["kind"]): (d["count"], d["sample"]) for d in diff["differences"]}
        self.assertEqual(found[("games", "added")], (1, ["play.example"]))
        self.assertEqual(found[("fraud", "added")], (1, ["casino.example"]))
        self.assertEqual(found[("gambling", "removed")], (2, ["casino.example", "bet.test"]))
        self.assertEqual(found[("gambling", "added")][0], 30)
        self.assertEqual(len(found[("gambling", "added")][1]), 3)
        self.assertEqual(len(found), 4)
        self.assertEqual(self.ctl("diff", "2", "2")["differences"], [])
        back = {(d["category"], d["kind"]): d["count"]
                for d in self.ctl("diff", "2", "1")["differences"]}
        self.assertEqual(back[("gambling", "removed")], 30)
        shutil.copy(self.box.state / "generations/0000000001.lmdb", self.folder / "old.lmdb")
        self.assertEqual(self.ctl("diff", self.folder / "old.lmdb", "1")["differences"], [])


if __name__ == "__main__":
    main()
