"""Releases that are signed and wrong all the same: real accidents, and what else guards are for."""
import json
import os
import pathlib
import random
import tarfile

from dataplane import FakeDataplane
from harness import ChainTest, eventually, main

SHARED = pathlib.Path(os.environ.get("SLUICE_SHARED",
                                     pathlib.Path(__file__).parents[2] / "../shared")).resolve()


class GuardTest(ChainTest):
    def setUp(self):
        super().setUp()
        # The mirror is a folder here: what is tried is the appliance, not the network.
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)

    def verdict(self, name):
        return self.ctl("explain", name, exit=None)["verdict"]["action"]

    def set_list(self, names, category, order="REF-1"):
        """The draft becomes just these names."""
        department = {"gambling": "police", "phishing": "telecom", "pornography": "cyberspace"}
        draft = self.authority.folder / "lists" / department[category] / "names.tsv"
        draft.unlink(missing_ok=True)
        file = self.folder / "import.txt"
        file.write_text("".join(f"{name}\n" for name in names))
        return self.authority.run("import", file, "--category", category, "--order", order).stdout

    def publish(self, outcome="published"):
        self.authority.release()
        reply = self.box.pull()
        self.assertEqual(reply["outcome"], outcome, reply)
        return reply

    def assert_held(self, reason):
        before = self.box.status()
        reply = self.publish("held")
        self.assertIn(reason, reply["error"]["what"])
        self.assertIn("release-held", self.box.alarms())
        after = self.box.status()
        self.assertEqual((after["generation"], after["entries"]),
                         (before["generation"], before["entries"]))

    def approve(self):
        held = self.ctl("list", "generations")["held_release"]["release"]
        generation = self.box.status()["generation"]
        self.ctl("list", "approve", held, "--who", "li", "--reason", "it is so")
        eventually(lambda: self.box.status()["generation"] > generation, 30)

    def set_rules(self, guards="", **files):
        """Signs the rules: guards.yaml, and others by their names without what is behind the dot."""
        folder = self.authority.folder / "policy"
        folder.mkdir(exist_ok=True)
        if guards:
            (folder / "guards.yaml").write_text(guards)
        for name, text in files.items():
            (folder / f"{name}.{'yaml' if name == 'taxonomy' else 'txt'}").write_text(text)
        return self.authority.run("sign", "--policy")


class Accidents(GuardTest):
    """Lists as their publishers once put them on the net."""

    def names(self, archive, member):
        with tarfile.open(SHARED / "lists" / archive) as tar:
            text = tar.extractfile(member).read().decode()
        words = (line.split("#")[0].split() for line in text.splitlines())
        return [line[-1] for line in words if line]

    def test_wipe(self):
        """June 2026: a list of gambling sites shrank to two names for four days."""
        archive = "blocklistproject-2026-07-20.tar.xz"
        self.set_list(self.names(archive, "blp/accident/gambling-20260622T1035-1078f56.txt"),
                      "gambling")
        self.publish("published")
        full = self.box.status()["entries"]
        self.assertGreater(full, 2000)
        for wiped in ("gambling-20260624T0314-b90600d.txt", "gambling-20260628T1219-46fcd73.txt"):
            self.set_list(self.names(archive, f"blp/accident/{wiped}"), "gambling")
            self.assert_held(f"the list would go from {full} to")
        self.set_list(self.names(archive, "blp/accident/gambling-20260622T1035-1078f56.txt"),
                      "gambling")
        self.publish("published")
        self.assertEqual((self.box.status()["entries"], self.box.status()["alarms"]), (full, []))

    def test_truncation_and_the_weeks_before_it(self):
        """A list of phishing sites grew by the week, and then was an eighth of itself."""
        def week(day):
            return self.names("ut1-history.tar.xz", f"ut1-history/phishing-{day}")

        self.set_list(week("2025-06-29"), "phishing")
        self.publish("published")
        for day in ("2025-07-06", "2025-07-13"):
            self.set_list(week(day), "phishing")
            self.publish("published")
        self.assertRegex(self.box.log.read_text(), "the list of telecom, by a delta")
        self.set_list(week("2026-06-08"), "phishing")
        self.assert_held("entries, outside 0.8-1.5 of its size")

    def test_poisoned(self):
        """For 13 months a list of adult sites had google.com, facebook.com and baidu.com on it."""
        # Some names of that list are cut off with dots.
        popular = [name for name in self.names("popular-domains.tar.xz", "popular/moz-top500.txt")
                   if ".." not in name]
        self.assertIn("www.google.com", popular)
        self.set_rules("guards: 1\nnever_block:\n  - source: popularity-top1k\n"
                       "  - source: builtin-public-suffix-list\n",
                       popular="\n".join([*popular, "baidu.com"]))
        self.set_list(self.names("bonappetit-porn-2023-02-26.tar.xz",
                                 "bonappetit/block-2021-12-12-POISONED-google-facebook.txt"),
                      "pornography")
        self.publish("published")
        status = self.box.status()
        self.assertGreater(status["entries"], 200_000)
        for name in ("google.com", "facebook.com", "baidu.com"):
            self.assertEqual(self.verdict("www." + name), "pass", name)
        self.assertGreaterEqual(status["dropped"]["count"], 3)
        self.assertIn("entries of the authority are left out", self.box.alarms()["entries-dropped"])


class Guards(GuardTest):
    NEVER = ("guards: 1\nnever_block:\n  - source: builtin-public-suffix-list\n"
             "  - source: target:policy/protected.cpl.zst\n  - source: popularity-top1k\n")

    def long_list(self, extra=(), without=0):
        """2,000 names that no packing makes small, without the first ones, and others besides."""
        chance = random.Random(5)
        names = [f"{chance.randrange(1 << 60):x}.example" for _ in range(2000)]
        self.set_list([*names[without:], *extra], "pornography")

    def test_names_that_are_left_out(self):
        self.set_rules(self.NEVER, protected="help.test\nclinic.forum.test\n",
                       popular="mail.test\nwww.news.test\n")
        self.authority.add("help.test", "chat.help.test", "forum.test", "co.uk", "github.io",
                           "mail.test", "spam.mail.test", "news.test", "a.github.io")
        self.publish("published")
        dropped = self.box.status()["dropped"]
        self.assertEqual(sorted(dropped["first"]),
                         ["chat.help.test (protected, police)", "co.uk (public-suffix, police)",
                          "github.io (public-suffix, police)", "help.test (protected, police)",
                          "mail.test (popular, police)", "news.test (popular, police)"])
        self.assertEqual(dropped["count"], 6)
        verdicts = {name: self.verdict(name) for name in (
            "help.test", "chat.help.test", "clinic.forum.test", "forum.test", "x.forum.test",
            "bbc.co.uk", "b.github.io", "a.github.io", "mail.test", "spam.mail.test")}
        self.assertEqual(verdicts, {
            "help.test": "pass", "chat.help.test": "pass", "clinic.forum.test": "pass",
            "forum.test": "block", "x.forum.test": "block", "bbc.co.uk": "pass",
            "b.github.io": "pass", "a.github.io": "block", "mail.test": "pass",
            "spam.mail.test": "block"})
        self.authority.add("mail.test", order="PSB-9", extra=["--confirm-popular"])
        self.publish("published")
        self.assertEqual(self.verdict("mail.test"), "block")
        self.assertEqual(self.box.status()["dropped"]["count"], 5)

    def test_names_that_deltas_bring(self):
        self.set_rules(self.NEVER, protected="help.test\n", popular="mail.test\n")
        self.long_list()
        self.publish("published")
        self.long_list(["help.test", "mail.test", "fresh.test"])
        self.publish("published")
        self.assertIn("came and", self.box.log.read_text(), "no generation was made of changes")
        self.assertEqual(self.box.status()["dropped"],
                         {"count": 2, "first": ["help.test (protected, cyberspace)",
                                                "mail.test (popular, cyberspace)"]})
        self.assertEqual((self.verdict("help.test"), self.verdict("fresh.test")), ("pass", "block"))
        self.long_list(["mail.test"])
        self.publish("published")
        self.assertEqual(self.box.status()["dropped"]["first"], ["mail.test (popular, cyberspace)"])
        self.box.stop()
        self.box.start()
        self.assertEqual(self.box.status()["dropped"]["count"], 1)

    def test_churn(self):
        self.long_list()
        self.publish("published")
        self.long_list([f"n{i}.test" for i in range(201)], without=201)
        self.assert_held("201 of 2000 names would go, more than 0.1 of the list")
        self.assertEqual(self.box.pull()["outcome"], "held")
        self.approve()
        self.assertEqual(self.verdict("n7.test"), "block")
        self.long_list([f"m{i}.test" for i in range(201)], without=201)
        self.authority.run("sign", "--bulk-change", "X-1", "--reason", "merger", "--min-ratio", "0.8")
        self.authority.run("publish")
        self.assertEqual(self.box.pull()["outcome"], "published")
        self.assertEqual(self.verdict("m7.test"), "block")

    def test_churn_bound_is_the_signed_one(self):
        self.set_rules("churn: {max_removed_ratio: 0.5}\nsize: {min_ratio: 0.4}\n")
        self.long_list()
        self.publish("published")
        self.long_list(without=1000)
        self.publish("published")
        self.assertEqual(self.box.status()["entries"], 1002)

    def test_probes(self):
        self.set_rules("probes: {must_hit: [casino.example], must_miss: [school.example]}\n")
        self.publish("published")
        self.authority.run("remove", "casino.example")
        self.assert_held("must be listed, and would not be")
        self.authority.add("casino.example")
        self.authority.add("school.example", category="games", order="PR-1")
        self.assert_held("must never be listed, and would be")
        self.authority.run("remove", "school.example")
        self.publish("published")
        self.assertEqual(self.box.status()["alarms"], [])

    def test_rules_alone_make_a_generation(self):
        self.authority.add("mail.test")
        self.publish("published")
        self.assertEqual(self.verdict("mail.test"), "block")
        self.set_rules(self.NEVER, protected="help.test\n", popular="mail.test\n")
        self.publish("published")
        self.assertEqual(self.verdict("mail.test"), "pass")

    def test_taxonomy(self):
        one = "taxonomy: cpl/1\ncategories:\n  - {{id: {}, name: {}}}\n"
        folder = self.authority.folder / "policy"
        folder.mkdir()
        for taxonomy in (one.format(9, "gambling"), one.format(8, "cards")):
            (folder / "taxonomy.yaml").write_text(taxonomy)
            refused = self.authority.run("sign", "--policy", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("which is not so on this appliance", refused.stderr)
        self.set_rules(taxonomy=one.format(9, "fraud"))
        self.assertIn("which the signed taxonomy has not", self.publish("failed")["error"]["what"])
        self.set_rules(taxonomy=one.format(8, "gambling"))
        self.publish("published")

    def test_rules_that_nobody_would_take(self):
        folder = self.authority.folder / "policy"
        folder.mkdir()
        for guards, reason in (
                ("never_block: [{source: target:policy/protected.cpl.zst}]", "not signed"),
                ("never_block: [{source: elsewhere}]", "knows no source"),
                ("size: {min_ratio: many}", "bad conversion"),
                ("churn: {max_removed_ratio: -1}", "is no ratio"),
                ("probes: {must_hit: ['a b']}", "guards.yaml"),
                ("a: [", "guards.yaml")):
            (folder / "guards.yaml").write_text(guards)
            refused = self.authority.run("sign", "--policy", check=False)
            self.assertNotEqual(refused.returncode, 0, guards)
            self.assertIn(reason, refused.stderr)

    def test_rules_need_two_officials(self):
        keys = self.authority.folder / "keys"
        (self.authority.folder / "policy").mkdir()
        (self.authority.folder / "policy/guards.yaml").write_text("guards: 1\n")
        self.authority.run("sign", "--policy", "--key", keys / "targets-1.pem")
        refused = self.authority.run("publish", check=False)
        self.assertIn("has 1 of 2 signatures", refused.stderr)
        other = self.authority.run("sign", "--policy", "--key", keys / "list-police-1.pem",
                                   check=False)
        self.assertIn("does not belong to the role targets", other.stderr)
        done = self.authority.run("sign", "--policy", "--key", keys / "targets-3.pem")
        self.assertIn("2 of 2 signatures", done.stdout)
        self.authority.run("publish")
        self.assertEqual(self.box.pull()["outcome"], "published")


class WhatIf(GuardTest):
    """What a release would have let through of this box's own last blocks."""

    def setUp(self):
        super().setUp()
        self.authority.add(*[f"n{n}.example" for n in range(8)])
        self.authority.release()
        self.box.pull()
        self.dataplane = FakeDataplane(self.box.run_dir / "dataplane.sock")
        self.addCleanup(self.dataplane.close)

    def blocks(self, **names):
        """So many blocks by each name."""
        self.dataplane.events = [
            {"entry": name.replace("_", "."), "category": "gambling", "layer": "authority"}
            for name, count in names.items() for _ in range(count)]

    def test_names_that_matter_here(self):
        self.blocks(n1_example=40, casino_example=60)
        self.authority.run("remove", "n1.example")  # one name of ten, and of every fifth block two
        self.assert_held("40 of the last 100 blocks on this appliance would pass")
        status = self.box.status()["what_if"]
        self.assertEqual(status["by_category"], {"gambling": {"blocks": 100, "lifted": 40}})
        self.assertNotIn("n1.example", json.dumps(self.box.status()))
        self.approve()
        self.assertEqual(self.verdict("n1.example"), "pass")
        found = self.ctl("list", "diff", "2", "3")["what_if"]
        self.assertEqual((found["blocks"], found["lifted"]), (100, 40))

    def test_what_says_nothing(self):
        # Few blocks; a bound that is kept; what the site lists itself; answers that are none.
        self.blocks(n1_example=40, casino_example=59)
        self.authority.run("remove", "n1.example")
        self.publish()
        self.blocks(n2_example=25, casino_example=75)
        self.authority.run("remove", "n2.example")
        self.publish()
        self.blocks(n3_example=100)
        for event in self.dataplane.events:
            event["layer"] = "site"
        self.authority.run("remove", "n3.example")
        self.publish()
        self.dataplane.events = [7, {}, {"entry": 3, "layer": []}, {"entry": "..", "layer": "authority",
                                                                   "category": "nothing"}] * 100
        self.authority.run("remove", "n4.example")
        self.publish()
        self.dataplane.close()
        self.authority.run("remove", "n5.example")
        self.publish()

    def test_the_signed_bound(self):
        (self.authority.folder / "policy").mkdir(exist_ok=True)
        (self.authority.folder / "policy/guards.yaml").write_text(
            "guards: 1\nwhat_if: {max_lifted_ratio: 0.5}\n")
        self.authority.run("sign", "--policy")
        self.blocks(n1_example=50, casino_example=50)
        self.authority.run("remove", "n1.example")
        self.publish()
        self.blocks(n2_example=51, casino_example=49)
        self.authority.run("remove", "n2.example")
        self.assert_held("more than 50 in a hundred")

    def passed(self, names, blocked, **categories):
        self.dataplane.passed = {"asked": names, "blocked": blocked, "by_category": categories}

    def test_what_passed_and_would_be_blocked(self):
        self.passed(200, 25, gambling=15, fraud=10)
        self.authority.add("school.example")
        self.assert_held("25 of the last 200 names that were kept of those that passed on this appliance "
                         "would be blocked (fraud 10, gambling 15), more than 10 in a hundred")
        self.assertEqual(self.box.status()["what_if"]["passed"],
                         {"names": 200, "blocked": 25, "by_category": {"fraud": 10, "gambling": 15}})
        self.assertEqual(self.box.pull()["outcome"], "held")
        self.assertEqual(len(self.dataplane.trials), 1, "it is asked again")
        self.approve()
        self.assertEqual(self.verdict("school.example"), "block")
        # `list diff` asks for what does not run.
        eventually(lambda: self.dataplane.generation == 3)
        self.assertEqual(self.ctl("list", "diff", "3", "2")["what_if"]["passed"]["blocked"], 25)
        self.assertIsNone(self.ctl("list", "diff", "2", "3")["what_if"]["passed"])

    def test_what_passed_and_says_nothing(self):
        for count, answer in enumerate(((99, 99), (200, 20), (0, 0), (5, 200), ("x", -1), ([], None))):
            self.passed(*answer)
            self.authority.add(f"m{count}.example")
            self.publish()
        self.dataplane.passed = None
        self.authority.add("m.example")
        self.publish()
        told = self.box.status()["what_if"]
        self.assertIsNone(told["passed"])
        self.assertIn("there is no command 'trial'", told["passed_not_asked"])

    def test_the_signed_bound_of_what_passed(self):
        (self.authority.folder / "policy").mkdir(exist_ok=True)
        (self.authority.folder / "policy/guards.yaml").write_text("guards: 1\nwhat_if: {max_new_ratio: 0.5}\n")
        self.authority.run("sign", "--policy")
        self.passed(100, 50)
        self.authority.add("m.example")
        self.publish()
        self.passed(100, 55)
        self.authority.add("n.example")
        self.assert_held("more than 50 in a hundred")

    def test_an_emergency_that_blocks_what_is_used_is_held(self):
        self.passed(200, 60, fraud=60)
        self.authority.run("emergency", "school.example", "--category", "fraud", "--order", "E-1")
        self.box.pull()
        self.assertIn("urgent-held", self.box.alarms())
        self.assertEqual(self.verdict("school.example"), "pass")
        held = self.ctl("list", "generations")["held_urgent"]["release"]
        self.ctl("list", "approve", held, "--who", "li", "--reason", "it is so")
        eventually(lambda: self.verdict("school.example") == "block", 30)


if __name__ == "__main__":
    main()
