"""A site's own lists: what it allows, blocks and subscribes to, beside the authority's updates."""
import datetime
import json
import os
import signal
import subprocess
import threading
import time

from harness import BIN, ChainTest, eventually, main
from mirror import Mirror, make_ca


def day(days):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return then.strftime("%Y-%m-%d")


def second(seconds):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


class SiteTest(ChainTest):
    def setUp(self):
        super().setUp()
        self.authority.add("play.example", category="games", order="PR-1")
        self.authority.add("boom.example", category="terror", order="PSB-9")
        self.authority.release()
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts",
                                blocked="defaults, games, social")
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)

    def site(self, *arguments, exit=0):
        return self.ctl("site", *arguments, "--who", "li", "--reason", "lesson 4", exit=exit)

    def verdict(self, name, *more):
        said = self.ctl("explain", name, *more)["verdict"]
        return said["action"], said["reason"], said["category"]

    def add_subscriptions(self, text):
        self.box.config.write_text(self.box.config.read_text() + "subscriptions:\n" + text)


class Own(SiteTest):
    def test_an_entry_ends_by_the_calendars_clock(self):
        self.box.config.write_text(self.box.config.read_text() + "calendar: {time_zone: Asia/Shanghai}\n")
        self.assertTrue(self.box.ask("config-reload", who="li", reason="x")["ok"])
        done = self.site("allow", "play.example", "--until", day(30))["done"]
        end = f"{day(30)} 00:00:00 +0800"
        self.assertIn(f"allowed although in games until {end}", done)
        self.assertEqual(self.ctl("site", "list")["entries"][0]["until"], end)
        told = self.ctl("explain", "play.example")
        self.assertEqual(told["by_the_clock"], {
            "until": end, "then": "block", "reason": "category",
            "because": ["the entry for play.example ends"]})
        self.assertIn(f"the end of the site's entry for play.example, which is on {end}", told["would_change"])
        self.assertEqual(self.verdict("play.example", "--at", f"{day(29)}T23:59")[0], "pass")
        self.assertEqual(self.verdict("play.example", "--at", f"{day(30)}T00:00")[0], "block")
        self.assertIn("until " + end.replace("00:00:00", "13:30:00"),
                      self.site("allow", "play.example", "--until", f"{day(30)}T13:30")["done"])
        self.assertIn("is no day", self.site("allow", "play.example", "--until", "Friday", exit=1)["error"]["what"])

    def test_allow(self):
        self.assertEqual(self.verdict("www.play.example")[0], "block")
        done = self.site("allow", "Play.Example", "--until", day(30))
        self.assertIn("play.example and all below it allowed although in games", done["done"])
        self.assertEqual(self.verdict("www.play.example"), ("pass", "site-allow", "games"))
        # What the authority lists it in later on was not what was allowed.
        self.authority.add("bad.play.example", category="malware", order="TEL-1")
        self.authority.release()
        self.box.pull()
        self.assertEqual(self.verdict("bad.play.example"), ("block", "category", "malware"))
        self.assertEqual(self.verdict("play.example"), ("pass", "site-allow", "games"))
        # Beyond its end, whoever asks ahead of time is told what will be then.
        for asked, then in ((day(29), ("pass", "site-allow", "games")),
                            (day(31), ("block", "category", "games"))):
            self.assertEqual(self.verdict("play.example", "--at", f"{asked}T12:00Z"), then)
            cases = self.folder / "cases.yaml"
            cases.write_text(f"cases: [{{name: play.example, at: '{asked}T12:00Z', "
                             f"expect: {then[0]}, reason: {then[1]}}}]\n")
            self.assertTrue(self.ctl("policy", "test", cases)["ok"])
        told = self.ctl("explain", "play.example", "--at", f"{day(31)}T12:00Z")
        self.assertEqual([(r["layer"], r["ended"]) for r in told["records"]],
                         [("authority", False), ("site", True)])
        record = [r for r in self.ctl("explain", "play.example")["records"] if r["layer"] == "site"]
        self.assertEqual((record[0]["authority"], record[0]["legal_basis"]), ("li", "lesson 4"))
        self.site("remove", "play.example")
        self.assertEqual(self.verdict("www.play.example")[0], "block")
        self.assertRegex(self.box.log.read_text(), r"audit: site: play.example and all below it "
                         r"allowed although in games until .*, by 'li' \(uid 0\): lesson 4")

    def test_what_nobody_may_allow(self):
        until = ("--until", day(3))
        for arguments, reason in (
                (("boom.example", *until), "nobody may allow a name of the category 'terror'"),
                (("boom.example", *until, "--category", "games"), "'terror'"),
                (("new.example", *until), "is not listed"),
                (("play.example", "--until", day(-1)), "is past"),
                (("play.example", "--until", day(400)), "a year at most"),
                (("play.example", "--until", "soon"), "is no day"),
                (("https://play.example/x", *until), "play.example/x"),
                (("*.play.example", *until), "*.play.example"),
                (("play.example", *until, "--category", "protected"), "nothing is blocked by"),
                (("play.example", *until, "--category", "gmaes"), "did you mean 'games'?")):
            refused = self.site("allow", *arguments, exit=1)
            self.assertIn(reason, json.dumps(refused), arguments)
        self.assertEqual(self.ctl("site", "list")["entries"], [])
        self.assertEqual(self.box.status()["generation"], 1)
        # The kernel says who asks; a pupil's assistant in the group is no administrator.
        reply = self.box.ask("site-allow", name="casino.example", until=day(3), who="li",
                             reason="x", peer_uid=0)
        self.assertTrue(reply["ok"], reply)
        self.assertFalse(self.box.ask("site-allow", name="play.example", until=day(3),
                                      who="li")["ok"], "without a reason")

    def test_block(self):
        self.site("block", "chat.example", "--category", "social", "--scope", "exact")
        self.assertEqual(self.verdict("chat.example"), ("block", "category", "social"))
        self.assertEqual(self.verdict("a.chat.example")[0], "pass")
        self.assertIn("by li already",
                      json.dumps(self.site("allow", "chat.example", "--until", day(3), "--category",
                                           "social", exit=1)))
        self.assertIn("neither allows nor blocks",
                      json.dumps(self.site("remove", "a.chat.example", exit=1)))

    def test_updates_never_lose_it_nor_the_other_way_round(self):
        self.ctl("list", "pin", "1", "--who", "li", "--reason", "to go back to")
        self.site("allow", "play.example", "--until", day(30))
        self.site("block", "chat.example", "--category", "social")
        for step in range(4):
            self.authority.add(f"more{step}.example")  # by a delta
            if step == 2:  # orders change: compiled as a whole
                self.authority.add("play2.example", category="games", order="PR-1",
                                   extra=("--expires", day(100)))
            self.authority.release()
            self.assertTrue(self.box.pull()["ok"])
            self.site("block", f"own{step}.example", "--category", "social")
            self.assertEqual(self.verdict("play.example")[1], "site-allow")
            self.assertEqual(self.verdict("chat.example")[0], "block")
            self.assertEqual(self.verdict(f"more{step}.example")[0], "block")
            self.assertEqual(self.verdict(f"own{step}.example")[0], "block")
        entries = self.box.status()["entries"]
        self.box.stop(signal.SIGKILL)
        self.box.start()
        self.assertEqual(self.box.status()["entries"], entries)
        self.assertEqual(len(self.ctl("site", "list")["entries"]), 6)
        # Gone back to a generation that knew nothing of them, they hold all the same.
        self.ctl("list", "rollback", "1", "--who", "li", "--reason", "try")
        self.assertEqual(self.verdict("more0.example")[0], "pass")
        self.assertEqual(self.verdict("own3.example")[0], "block")
        self.assertEqual(self.verdict("play.example")[1], "site-allow")
        self.site("remove", "own3.example")
        self.assertEqual(self.verdict("own3.example")[0], "pass")
        self.assertTrue(self.box.status()["hold"])
        self.ctl("list", "resume", "--who", "li", "--reason", "enough")
        eventually(lambda: self.verdict("more3.example")[0] == "block")
        eventually(lambda: self.verdict("own3.example")[0] == "pass")
        self.assertEqual(self.verdict("own2.example")[0], "block")

    def test_ends_by_itself(self):
        self.site("allow", "play.example", "--until", second(3))
        self.assertEqual(self.verdict("play.example")[1], "site-allow")
        eventually(lambda: self.verdict("play.example")[0] == "block", what="the end of the allow")
        self.assertFalse(self.ctl("site", "list")["entries"][0]["in_force"])

    def test_damage_and_leftovers(self):
        self.site("allow", "play.example", "--until", day(30))
        self.box.stop()
        (self.box.state / "site/entries.json").write_text("{")
        self.box.start()
        self.assertIn("its copy is used", self.box.log.read_text())
        self.assertEqual(self.verdict("play.example")[1], "site-allow")
        self.box.stop()
        for name in ("entries.json", "entries.copy.json"):
            (self.box.state / "site" / name).write_text("[]")
        self.box.start()
        self.assertIn("site-entries-lost", self.box.alarms())
        self.assertEqual(self.verdict("casino.example")[0], "block")

    def test_killed_at_random_instants(self):
        for step in range(8):
            asked = threading.Thread(target=lambda: subprocess.run(
                [str(BIN / "sluicectl"), "--config", str(self.box.config), "site", "block",
                 f"n{step}.example", "--category", "social", "--who", "li", "--reason", "x"],
                capture_output=True, check=False))
            asked.start()
            time.sleep(0.004 * step)
            self.box.stop(signal.SIGKILL)
            asked.join()
            self.box.start()
            listed = [e["name"] for e in self.ctl("site", "list")["entries"]]
            self.assertEqual(self.verdict(f"n{step}.example")[0],
                             "block" if f"n{step}.example" in listed else "pass")


class Subscriptions(SiteTest):
    def setUp(self):
        super().setUp()
        ca, certificate, key = make_ca(self.folder / "ca")
        self.ca = ca
        self.lists = self.folder / "lists"
        self.lists.mkdir()
        self.mirror = Mirror(self.lists, certificate, key)
        self.addCleanup(self.mirror.close)

    def write(self, names, file="ads.txt"):
        (self.lists / file).write_text("".join(f"{name}\n" for name in names))

    def subscribe(self, mode="monitor", extra=""):
        self.box.configure()
        self.add_subscriptions(f"  ads: {{url: '{self.mirror.url}ads.txt', ca_file: {self.ca}, "
                               f"category: encrypted-dns, mode: {mode}{extra}}}\n")
        self.ask_again()

    def ask_again(self):
        before = self.box.log.read_text().count("subscription: ")
        self.box.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.box.log.read_text().count("subscription: ") > before)
        eventually(lambda: not self.box.status()["pull"]["running"])

    def state(self):
        return self.ctl("site", "list")["subscriptions"][0]

    def test_monitor_then_enforce(self):
        self.write(["doh.example", "||dns.test^", "co.uk", "https://a.example/b", "10.0.0.1"])
        self.subscribe()
        self.assertEqual((self.state()["entries"], self.state()["rejected"],
                          self.state()["left_out"]), (2, 2, 1))
        self.assertEqual(self.verdict("a.doh.example"), ("log", "watched", "monitored"))
        self.subscribe("enforce")
        self.assertEqual(self.verdict("a.doh.example"), ("block", "category", "encrypted-dns"))
        self.assertEqual(self.verdict("dns.test")[0], "block")
        record = self.ctl("explain", "dns.test")["records"][0]
        self.assertEqual((record["layer"], record["list"]), ("subscription", "subscription:ads"))
        self.site("allow", "doh.example", "--until", day(3))
        self.assertEqual(self.verdict("a.doh.example")[1], "site-allow")
        # An update of the authority leaves it, and its end leaves the authority's.
        self.authority.add("more.example")
        self.authority.release()
        self.box.pull()
        self.assertEqual(self.verdict("dns.test")[0], "block")
        self.box.configure()
        self.box.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.verdict("dns.test")[0] == "pass", what="the end of it")
        self.assertEqual(self.verdict("more.example")[0], "block")

    def test_what_is_no_list(self):
        self.write(["doh.example"])
        self.subscribe("enforce", ", max_entries: 50, max_mib: 1")
        for body, reason in ((b"", "is no list"), (b"<html>\n<body>\n<h1>Log in</h1>\n", "is no list"),
                             (b"a.example\n" * 200_000, "longer than 1 MiB"),
                             ("".join(f"n{i}.example\n" for i in range(51)).encode(), "51 names"),
                             (b"\x00\xff\n" * 100, "is no list")):
            self.mirror.behaviours["ads"] = lambda handler, b=body: handler.reply(200, b)
            self.ask_again()
            self.assertIn(reason, self.box.alarms()["subscription-failed"])
            self.assertEqual(self.verdict("doh.example")[0], "block", reason)
        for status in (404, 500):
            self.mirror.behaviours["ads"] = lambda handler, s=status: handler.reply(s, b"no.example")
            self.ask_again()
            self.assertIn(f"status {status}", self.box.alarms()["subscription-failed"])
        self.mirror.behaviours.clear()
        self.ask_again()
        self.assertNotIn("subscription-failed", self.box.alarms())
        self.box.stop(signal.SIGKILL)
        self.mirror.close()
        self.box.start()
        self.assertEqual(self.verdict("doh.example")[0], "block", "the last good copy is kept")

    def test_guards(self):
        names = [f"n{i}.example" for i in range(2000)]
        self.write(names)
        self.subscribe("enforce")
        self.write(names[:500])
        self.ask_again()
        self.assertIn("from 2000 to 500", self.box.alarms()["subscription-held"])
        self.assertEqual(self.verdict("n1999.example")[0], "block")
        self.site("approve", "ads")
        self.assertEqual(self.verdict("n1999.example")[0], "pass")
        self.assertEqual(self.box.alarms(), {})

    def test_damaged_copy_is_fetched_again_and_keeps_nothing_waiting(self):
        self.write(["doh.example"])
        self.subscribe("enforce")
        copy = next((self.box.state / "site").glob("*.names"))
        self.box.stop()
        copy.write_text("com.stranger.\t0\n")
        self.box.start()
        self.assertEqual(self.verdict("stranger.com")[0], "pass")
        eventually(lambda: self.verdict("doh.example")[0] == "block")
        self.authority.add("more.example")
        self.authority.release()
        self.assertTrue(self.box.pull()["ok"])


if __name__ == "__main__":
    os.umask(0o022)
    main()
