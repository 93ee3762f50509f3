"""Entries whose order has ended stop matching in whatever generation runs, without a download: also where a
person holds it or went back to it, and where a halt did. What begins does so in the newest, also where that is held.
"""
import signal
import time

from dataplane import FakeDataplane
from harness import ChainTest, eventually, main
from test_went_back import in_seconds

END = 8  # seconds, in which all that has to be there before is made
LATE = 6  # seconds that a busy machine may take for what takes one


class Ends(ChainTest):
    def setUp(self):
        super().setUp()
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")

    def start(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)

    def publish(self, *names, order="PSB-1", extra=()):
        self.authority.add(*names, order=order, extra=extra)
        self.authority.release()
        self.assertEqual(self.box.pull()["outcome"], "published")

    def publish_brief(self, *names, seconds=END, order="BRIEF"):
        self.publish(*names, order=order, extra=("--expires", in_seconds(seconds)))

    def decide(self, *arguments):
        return self.ctl("list", *arguments, "--who", "li", "--reason", "x")

    def actions(self, *names):
        return [self.ctl("explain", name, exit=None)["verdict"]["action"] for name in names]

    def assert_ends(self, entries, *names):
        """`entries` are left when they have ended."""
        self.assertEqual(set(self.actions(*names)), {"block"})
        eventually(lambda: self.box.status()["entries"] == entries, END + LATE, self.box.log.read_text())
        self.assertEqual(set(self.actions(*names)), {"pass"})

    def assert_held(self):
        status = self.box.status()
        self.assertEqual(status["hold"]["generation"], status["generation"])
        self.assertEqual(self.box.current(), f"{status['generation']:010}.lmdb")
        self.assertEqual(set(self.box.alarms()), {"generation-held"})

    def test_under_a_hold(self):
        self.start()
        for hours in (0, -1, 73, "12", 1.5, True, [1], None):
            refused = self.box.ask("hold", who="li", reason="x", hours=hours)
            self.assertIn("a hold lasts 1 to 72 hours", refused["error"]["what"], hours)
        for number in ("1", -1, 0.5, None):
            refused = self.box.ask("pin", who="li", reason="x", generation=number)
            self.assertIn("is no number of a generation", refused["error"]["what"], number)
        self.assertIsNone(self.box.status().get("hold"))
        self.publish_brief("brief.example", "a.brief.example")
        self.decide("hold")
        self.assert_ends(2, "brief.example", "a.brief.example")
        self.assert_held()
        self.assertEqual(self.actions("casino.example"), ["block"])
        self.box.stop(signal.SIGKILL)
        self.box.start()
        self.assert_held()
        self.assertEqual(self.actions("brief.example", "casino.example"), ["pass", "block"])
        # No other is made, and the end of the hold changes nothing but that.
        self.decide("resume")
        self.publish("more.example")
        self.assertEqual(self.box.status()["entries"], 3)
        self.assertEqual(self.box.alarms(), {})

    def test_explain_looks_ahead(self):
        self.start()
        self.publish("brief.example", order="BRIEF", extra=("--expires", in_seconds(5000)))
        self.publish("later.example", order="LATER", extra=("--effective", in_seconds(3000)))
        for name, now, then, because in (
                ("www.brief.example", "block", "pass", "the entry for brief.example ends"),
                ("www.later.example", "pass", "block", "the entry for later.example begins")):
            told = self.ctl("explain", name, exit=None)
            self.assertEqual((told["verdict"]["action"], told["records"][-1]["pending"]),
                             (now, now == "pass"))
            self.assertEqual((told["by_the_clock"]["then"], told["by_the_clock"]["because"]), (then, [because]))
            at = told["by_the_clock"]["until"].replace(" ", "T", 1)[:16]
            later = self.ctl("explain", name, "--at", at, exit=None)
            # A minute has no seconds, so it is one before.
            self.assertEqual(later["by_the_clock"]["because"], [because])

    def test_where_one_went_back(self):
        self.start()
        self.publish_brief("brief.example", seconds=END + 4)
        self.publish("second.example")
        self.decide("rollback", "2")
        self.assert_ends(2, "brief.example")
        self.assert_held()
        self.assertEqual(self.actions("second.example", "casino.example"), ["pass", "block"])
        self.box.pull()
        self.assert_held()
        self.assertEqual(self.actions("second.example", "brief.example"), ["pass", "pass"])
        self.decide("resume")
        eventually(lambda: self.actions("second.example") == ["block"])
        self.assertEqual(self.actions("brief.example", "casino.example"), ["pass", "block"])
        self.assertEqual(self.box.status()["entries"], 3)

    def test_what_was_pinned_before_it_ended(self):
        self.start()
        self.publish_brief("brief.example", "lasting.brief.example")
        self.decide("pin", "2")
        self.publish("lasting.brief.example")  # from now on by the other order
        eventually(lambda: self.actions("brief.example") == ["pass"], END + LATE)
        self.decide("rollback", "2")
        eventually(lambda: self.box.status()["entries"] == 2, LATE, self.box.log.read_text())
        self.assert_held()
        self.assertEqual(self.actions("brief.example", "lasting.brief.example", "casino.example"),
                         ["pass", "pass", "block"])

    def test_one_after_the_other(self):
        self.start()
        self.publish_brief("one.example", "both.example", seconds=END)
        self.authority.add("both.example", category="fraud", order="BOTH", extra=("--expires", in_seconds(END + 6)))
        self.publish_brief("two.example", seconds=END + 6, order="LATER")
        self.decide("hold")
        eventually(lambda: self.actions("one.example") == ["pass"], END + LATE, self.box.log.read_text())
        self.assertEqual(self.actions("two.example", "both.example"), ["block", "block"])
        self.assert_held()
        self.assert_ends(2, "two.example", "both.example")
        self.assert_held()

    def test_what_begins(self):
        self.start()
        self.publish("begins.example", order="B", extra=("--effective", in_seconds(END)))
        self.publish_brief("brief.example", seconds=END + 1)
        self.decide("hold")
        eventually(lambda: self.actions("begins.example", "brief.example") == ["block", "pass"], END + LATE + 1,
                   self.box.log.read_text())
        self.assertEqual(self.box.status()["entries"], 3)
        self.assert_held()
        self.assertRegex(self.box.log.read_text(), "with 1 whose orders have begun")

    def test_what_begins_where_one_went_back(self):
        self.start()
        self.publish("begins.example", order="B", extra=("--effective", in_seconds(END)))
        self.publish("second.example")
        self.decide("rollback", "2")
        self.box.stop()
        time.sleep(END)  # not before it ought to
        self.box.start()
        self.assertEqual(self.actions("begins.example"), ["pass"])
        self.assert_held()
        self.decide("resume")
        eventually(lambda: self.actions("begins.example", "second.example") == ["block"] * 2, LATE)

    def test_with_emergencies_and_what_the_site_lists(self):
        self.start()
        self.publish_brief("brief.example", seconds=END + 4)
        self.authority.run("emergency", "now.example", "--category", "fraud", "--order", "E-1")
        self.assertEqual(self.box.pull()["outcome"], "published")
        self.decide("hold")
        self.ctl("site", "block", "brief.example", "--category", "social", "--reason", "x")

        def who_lists_it():
            return {one["department"] for one in self.ctl("explain", "brief.example", exit=None)["records"]}

        self.assertEqual(who_lists_it(), {"police", "site"})
        eventually(lambda: who_lists_it() == {"site"}, END + LATE + 4, self.box.log.read_text())
        self.assert_held()
        self.assertEqual(self.actions("now.example", "casino.example"), ["block", "block"])

    def test_after_a_halt(self):
        dataplane = FakeDataplane(self.box.run_dir / "dataplane.sock")
        self.addCleanup(dataplane.close)
        dataplane.counters = {"verdict_pass": 0, "verdict_block": 0, "verdict_log": 0, "verdict_rewrite": 0}
        self.start()
        appliance = (self.box.folder / "state/appliance-id").read_text().strip()
        self.authority.run("rollout", "set", "--lab", appliance, "--halt-block-rate", "2")
        self.authority.run("sign", "--policy")
        self.publish_brief("brief.example", seconds=END + 60)
        dataplane.seen(self.box)
        dataplane.counters.update(verdict_pass=1960, verdict_block=40)
        dataplane.seen(self.box)
        self.publish("two.example")
        dataplane.seen(self.box)
        dataplane.counters.update(verdict_pass=2000, verdict_block=2000)
        eventually(lambda: "release-halted" in self.box.alarms(), 30, "the halt")
        eventually(lambda: self.box.status()["entries"] == 2, END + 60 + LATE, self.box.log.read_text())
        self.assertEqual(self.actions("brief.example", "two.example", "casino.example"),
                         ["pass", "pass", "block"])
        self.assertIn("release-halted", self.box.alarms())

    def test_where_the_lists_are_lost(self):
        self.start()
        self.publish_brief("brief.example", seconds=END + 2)
        self.box.stop()
        for file in (self.box.state / "lists").glob("*"):
            file.unlink()
        for file in (self.authority.repo / "metadata").glob("*timestamp*"):
            file.rename(file.with_suffix(".away"))  # nor does the mirror have anything
        self.box.start()
        self.assert_ends(2, "brief.example")
        self.assertEqual(self.actions("casino.example"), ["block"])

    def test_nothing_is_read_but_what_runs(self):
        """Of the newest release, where nobody holds anything: what ends costs no compilation of all lists."""
        self.start()
        self.publish_brief("brief.example", "a.brief.example")
        self.assert_ends(2, "brief.example", "a.brief.example")
        self.assertRegex(self.box.log.read_text(), "generation 3, generation 2 with .*, without 2 whose orders have ended")
        # A delta upon it, and one that takes off what has ended.
        self.publish("second.example")
        self.authority.run("remove", "a.brief.example")
        self.authority.release()
        self.assertEqual(self.box.pull()["outcome"], "published")
        self.assertEqual(self.box.status()["entries"], 3)


if __name__ == "__main__":
    main()
