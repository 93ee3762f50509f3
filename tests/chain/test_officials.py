"""What officials do with each other: propose, approve, withdraw, decree for hours, roll out."""
import hashlib
import hmac
import json
import os
import pathlib
from datetime import date, timedelta

from harness import ChainTest, eventually, main

SHARED = pathlib.Path(os.environ.get("SLUICE_SHARED",
                                     pathlib.Path(__file__).parents[2] / "../shared")).resolve()


class OfficialTest(ChainTest):
    def setUp(self):
        super().setUp()
        self.keys = self.authority.folder / "keys"

    def official(self, act, number, by, *more, check=True, department="police"):
        return self.authority.run(act, "--department", department, "--key",
                                  self.keys / f"list-{department}-{number}.pem", "--by", by, *more,
                                  check=check)

    def refuse(self, reason, *arguments, **options):
        done = self.official(*arguments, check=False, **options)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(reason, done.stderr)

    def box(self):
        box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        box.start()
        eventually(lambda: box.status()["generation"] == 1)
        return box

    def journal(self):
        return [json.loads(line) for line in
                (self.authority.folder / "journal.jsonl").read_text().splitlines()]


class FourEyes(OfficialTest):
    def test_proposed_by_one_approved_by_another(self):
        box = self.box()
        self.refuse("nothing is proposed", "approve", 2, "wang")
        self.refuse("the draft is what is published", "propose", 1, "li")
        self.authority.add("new.example", order="PSB-2")
        self.authority.run("remove", "bet.test")
        self.refuse("has a control character", "propose", 1, "li\nwang")
        self.refuse("nobody approves what is their own", "propose", 1, "li", "--approver", "li")
        told = self.official("propose", 1, "li", "--approver", "wang", "--reason", "notice 2").stdout
        self.assertIn("1 of 2 signatures: waits for approval", told)
        self.assertIn("proposed by li", self.authority.run("status").stdout)
        self.assertIn("has 1 of 2", self.authority.run("publish", check=False).stderr)
        self.refuse("another official must approve", "approve", 2, "li")
        self.refuse("who is named in the orders as approver", "approve", 2, "zhang")
        self.refuse("this key has signed it already", "approve", 1, "wang")
        stranger = self.authority.run("approve", "--department", "police", "--by", "wang", "--key",
                                      self.keys / "list-press-1.pem", check=False)
        self.assertIn("does not belong to the role list-police", stranger.stderr)
        # The draft goes on; what is approved is what was proposed.
        self.authority.add("later.example")
        told = self.official("approve", 2, "wang").stdout
        for line in ("proposed by li", "list 2, 2 entries, 1 come, 1 go", "  +new.example\ttree\t1",
                     "  -bet.test\ttree\t0", "2 of 2 signatures"):
            self.assertIn(line, told)
        self.assertNotIn("later", told)
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(box.status()["entries"], 2)
        orders = (self.authority.folder / "lists/police/orders.jsonl").read_text().splitlines()
        self.assertEqual(json.loads(orders[1])["approved_by"], ["li", "wang"])
        self.assertNotIn("approved_by", json.loads(orders[0]))
        self.assertEqual([(e["act"], e["by"], e["seq"]) for e in self.journal()],
                         [("propose", "li", 2), ("approve", "wang", 2)])

    def test_what_is_proposed_cannot_be_exchanged(self):
        self.authority.add("new.example")
        self.official("propose", 1, "li")
        [full] = (self.authority.folder / "staged/targets/lists/police").glob("*.full.cpl.zst")
        good = full.read_bytes()
        full.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        self.refuse("is not what was proposed", "approve", 2, "wang")
        full.write_bytes(good)
        # An altered document keeps no signature that it had.
        document = self.authority.folder / "staged/list-police.json"
        signed = document.read_text()
        document.write_text(signed.replace('"entries": 3', '"entries": 4'))
        self.official("approve", 2, "wang")
        self.assertIn("has 1 of 2 signatures that it needs, 1 wrong",
                      self.authority.run("publish", check=False).stderr)
        document.write_text(signed)
        self.official("approve", 2, "wang")
        self.authority.run("publish")

    def test_a_second_proposal_replaces_the_first(self):
        self.authority.add("new.example")
        self.official("propose", 1, "li")
        self.authority.add("newer.example")
        self.official("propose", 2, "wang")
        self.refuse("this key has signed it already", "approve", 2, "li")
        self.official("approve", 1, "li")
        self.authority.run("publish")


class Withdrawing(OfficialTest):
    def test_the_former_list_comes_back_under_a_higher_number(self):
        names = self.folder / "names.txt"
        names.write_text("".join(f"n{i}.example\n" for i in range(1500)))
        self.authority.run("import", names, "--category", "gambling", "--order", "PSB-1")
        self.authority.release()
        box = self.box()
        draft = self.authority.folder / "lists/police/names.tsv"
        before = draft.read_text()
        # A mistake that was signed as a planned change, so that no appliance held it.
        draft.write_text("casino.example\ttree\t0\nwrong.example\ttree\t0\n")
        self.authority.run("sign", "--bulk-change", "X-1", "--reason", "merger", "--min-ratio", "0.0001")
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(box.status()["entries"], 2)
        self.authority.add("unsaved.example")
        self.refuse("has changes that are not published", "withdraw", 1, "li", "--reason", "mistake")
        self.authority.run("remove", "unsaved.example")
        self.refuse("a withdrawal has a reason", "withdraw", 1, "li")
        self.refuse("never was list 7", "withdraw", 1, "li", "--reason", "mistake", "--to", "7")
        told = self.official("withdraw", 1, "li", "--reason", "mistake").stdout
        self.assertIn("list 3 is to be replaced by what was list 2, 1501 come, 1 go", told)
        self.assertIn("a bulk change, by withdrawal of list 3: mistake",
                      self.official("approve", 2, "wang").stdout)
        self.authority.run("publish")
        self.assertEqual(draft.read_text(), before)
        # It is a great change again, and no appliance holds it.
        self.assertEqual(box.pull()["outcome"], "published")
        status = box.status()
        self.assertEqual((status["entries"], status["lists"][0]["seq"]), (1502, 4))
        # Further back, by its number.
        self.official("withdraw", 1, "li", "--reason", "all of it", "--to", "1", "--order", "PSB-9")
        self.official("approve", 3, "zhao")
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(box.status()["entries"], 2)

    def test_a_list_that_was_published_once_has_nothing_before_it(self):
        self.refuse("nothing to go back to", "withdraw", 1, "li", "--reason", "mistake")


class Decreeing(OfficialTest):
    def test_emergency(self):
        box = self.box()
        told = self.authority.run("emergency", "now.example", "--category", "fraud", "--order", "E-1",
                                  "--key", self.keys / "list-emergency-1.pem", "--by", "duty").stdout
        self.assertIn("emergency, fraud 诈骗与敲诈: 1 added", told)
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(box.status()["entries"], 3)
        self.assertEqual(self.journal()[0]["act"], "emergency")
        late = self.authority.run("emergency", "x.example", "--category", "fraud", "--order", "E-2",
                                  "--expires", f"{date.today() + timedelta(days=9)}", check=False)
        self.assertIn("72 h", late.stderr)


class RollingOut(OfficialTest):
    def test_rings(self):
        run = self.authority.run
        self.assertIn("there is none", run("rollout", "show", check=False).stderr)
        run("rollout", "set", "--lab", "gw-lab-1", "--salt", "2026-08")
        text = (self.authority.folder / "policy/rollout.json").read_text()
        made = json.loads(text)
        [sample] = (SHARED / "list-repository-sample/repo/targets/policy").glob("*.rollout.json")
        wanted = json.loads(sample.read_text())
        self.assertEqual({**made, "skip_for": wanted["skip_for"]}, wanted)
        self.assertEqual(made["skip_for"], ["emergency", "malware"])
        for name in ("gw-1", "gw-2", "gw-lab-1", "学校-7"):
            digest = hmac.new(b"2026-08", name.encode(), hashlib.sha256).digest()
            place = int.from_bytes(digest, "big") % 10_000
            ring = ("lab" if name == "gw-lab-1" else "canary" if place < 100 else
                    "early" if place < 1000 else "all")
            self.assertIn(f"ring {ring}, place {place} of 10000", run("rollout", "show", name).stdout)
        run("sign", "--policy")
        run("publish")
        [published] = (self.authority.repo / "targets/policy").glob("*.rollout.json")
        self.assertEqual(published.read_text(), text)

    def test_rollouts_that_nobody_would_follow(self):
        file = self.authority.folder / "policy/rollout.json"
        for arguments, reason in ((["--ring", "a:50:1"], "not of 100 percent"),
                                  (["--ring", "a:50:1", "--ring", "b:20", "--ring", "c:100"],
                                   "no larger than the one before"),
                                  (["--ring", "a:x"], "is no ring"),
                                  (["--ring", "a:1", "--ring", "a:100"], "twice"),
                                  (["--ring", "a:101"], "no percent of 0 to 100"),
                                  (["--skip-for", "csam"], "is no category"),
                                  (["--halt-appeals", "many"], "is no number")):
            refused = self.authority.run("rollout", "set", *arguments, check=False)
            self.assertNotEqual(refused.returncode, 0, arguments)
            self.assertIn(reason, refused.stderr)
            self.assertFalse(file.exists())
        self.authority.run("rollout", "set")
        good = json.loads(file.read_text())
        for change, reason in (({"ringz": 1}, r"rollout.json:1:\d+: ringz: no such key; did you mean 'rings'"),
                               ({"salt": ""}, "has no salt"),
                               ({"rollout": 2}, "no rollout of version 1"),
                               ({"halt_if": {"x": 1}}, r"rollout.json:1:\d+: halt_if.x: no such key")):
            file.write_text(json.dumps({**good, **change}))
            self.assert_not_signed(reason)
        # Appliances would take one of them, nobody knows which.
        twice = json.dumps(good, indent=1).replace("{", '{\n "salt": "other",', 1)
        file.write_text(twice)
        self.assert_not_signed(r"rollout.json:\d+:2: salt: the key was already given at line 2")

    def assert_not_signed(self, reason):
        refused = self.authority.run("sign", "--policy", check=False)
        self.assertNotEqual(refused.returncode, 0, reason)
        self.assertRegex(refused.stderr, reason)

    def test_guards_that_would_not_be(self):
        """An appliance passes over keys that it does not know, for they may be a newer authority's."""
        file = self.authority.folder / "policy/guards.yaml"
        file.parent.mkdir(exist_ok=True)
        for text, reason in (
                ("guards: 1\nsize: {min_ration: 0.9}\n",
                 r"guards.yaml:2:8: size.min_ration: no such key; did you mean 'min_ratio'"),
                ("guards: 1\nprobs: {must_hit: [a.example]}\n", r":2:1: probs: no such key; .*'probes'"),
                ("size: {min_ratio: 0.9}\nsize: {min_ratio: 0.1}\n", r":2:1: size: the key was already given"),
                ("never_block:\n  - {sorce: popularity-top1k}\n", r":2:6: never_block\[0\].sorce: no such key"),
                ("probes: {must_hit: a.example}\n", r":1:\d+: probes.must_hit: is a single value")):
            with self.subTest(text):
                file.write_text(text)
                self.assert_not_signed(reason)
        # What the format has and every appliance does anyhow.
        [sample] = (SHARED / "list-repository-sample/repo/targets/policy").glob("*.guards.yaml")
        file.write_text("".join(line for line in sample.read_text().splitlines(True) if "source: t" not in line
                                and "popularity" not in line))
        self.authority.run("sign", "--policy")


if __name__ == "__main__":
    main()
