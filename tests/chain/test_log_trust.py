"""What an appliance makes of the log of releases, and what is committed to beside it."""
import base64
import datetime
import hashlib
import json
import shutil
import subprocess
import time

from harness import eventually, main
from log_case import LogTest, vkey


class Commitments(LogTest):
    def signed_changes(self):
        role = max((self.repo / "metadata").glob("*.list-police.json"),
                   key=lambda file: int(file.name.split(".")[0]))
        return json.loads(role.read_text())["signed"]["targets"]["lists/police/full.cpl.zst"]["custom"][
            "cpl"].get("changes")

    def check(self, text, ok=True):
        file = self.folder / "opening"
        file.write_text(text)
        done = self.tool("log", "check-opening", self.repo, "--log", self.key, "--opening", file, check=False)
        self.assertEqual(done.returncode == 0, ok, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_a_change_is_opened_and_no_other(self):
        for i in range(5):
            self.authority.add(f"n{i}.example")
        self.authority.run("remove", "bet.test")
        self.authority.release()
        self.assertEqual(self.signed_changes()["count"], 6)
        opened = self.authority.run("log", "open", "--department", "police", "--seq", "2", "n3.example").stdout
        opening = json.loads(opened)
        self.assertNotIn("n2.example", opened)
        # The root, made of what was opened without the program that is tested.
        salted = hashlib.sha256(bytes.fromhex(opening["salt"]) + opening["change"].encode()).digest()
        node, index, last = hashlib.sha256(b"\0" + salted).digest(), opening["index"], opening["count"] - 1
        for other in map(bytes.fromhex, opening["proof"]):
            if index % 2 or index == last:
                node = hashlib.sha256(b"\1" + other + node).digest()
                while index % 2 == 0 and index:
                    index, last = index // 2, last // 2
            else:
                node = hashlib.sha256(b"\1" + node + other).digest()
            index, last = index // 2, last // 2
        self.assertEqual(node.hex(), self.signed_changes()["root"])
        self.assertIn("police, list 2: +n3.example\ttree\t0", self.check(opened))
        self.check(self.authority.run("log", "open", "--department", "police", "--seq", "2", "bet.test").stdout)
        for change, reason in (({"change": "+n9.example\ttree\t0"}, "no change that was committed to"),
                               ({"salt": "00" * 32}, "no change that was committed to"),
                               ({"index": 5}, "no change that was committed to"),
                               ({"count": 7}, "no change that was committed to"),
                               ({"seq": 1}, "no change that was committed to"),
                               ({"seq": 9}, "no logged release has this list"),
                               ({"department": "../x"}, "is no opening"),
                               ({"type": "x"}, "is no opening"), ({"proof": ["zz"]}, "is no opening")):
            self.assertIn(reason, self.check(json.dumps({**opening, **change}), ok=False))
        self.assertIn("does not change in this list", self.authority.run(
            "log", "open", "--department", "police", "--seq", "2", "x.example", check=False).stderr)

    def test_commitments_stay_with_their_list(self):
        first = self.signed_changes()
        self.assertEqual(first["count"], 2)
        self.authority.run("sign", "--renew", "--department", "police")
        self.authority.run("publish")
        self.assertEqual(self.signed_changes(), first)
        for file in (self.authority.folder / "commitments/police").iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        # Another official's machine has other salts, and signs what the first one signed.
        self.authority.add("more.example")
        keys = self.authority.folder / "keys"
        self.authority.run("sign", "--department", "police", "--key", keys / "list-police-1.pem")
        shutil.rmtree(self.authority.folder / "commitments")
        told = self.authority.run("sign", "--department", "police", "--key", keys / "list-police-2.pem").stdout
        self.assertIn("2 of 2 signatures", told)


class Appliance(LogTest):
    def publish(self, name):
        self.authority.add(name)
        self.authority.release()

    def test_a_release_without_a_good_proof_is_refused(self):
        self.sign_policy()
        self.authority.run("publish")
        box = self.box()
        self.assertEqual(box.status()["entries"], 2)
        old_proof = self.proof().read_bytes()
        self.publish("one.example")
        good = self.proof().read_bytes()
        lines = good.split(b"\n")
        for bad, reason in ((None, "has no proof that it was logged"),
                            (b"", "is no proof of a log"),
                            (old_proof, "does not lead from the release to the log's root"),
                            (b"\n".join([*lines[:2], lines[2][::-1], *lines[3:]]), "no hash"),
                            (b"c2sp.org/tlog-proof@v1\n" + b"x" * 70_000, "longer than the 65536")):
            self.proof().unlink(missing_ok=True)
            if bad is not None:
                self.proof().write_bytes(bad)
            self.assert_refused(box, reason)
            self.assertIn("release-not-logged", box.alarms())
        self.proof().write_bytes(good)
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(box.status()["alarms"], [])

    def test_the_first_pull_asks_for_a_proof_too(self):
        self.sign_policy()
        self.authority.run("publish")
        good = self.proof().read_bytes()
        self.proof().unlink()
        box = self.control(f"file://{self.repo}/", "/etc/hosts")
        self.assertIn("has no proof that it was logged", box.once().stderr)
        self.assertIsNone(box.current())
        self.proof().write_bytes(good)
        self.assertEqual(box.once().returncode, 0)
        self.assertIsNotNone(box.current())

    def test_a_log_that_was_cut_or_forked_is_refused(self):
        self.sign_policy()
        self.authority.run("publish")
        fork = self.folder / "fork"
        shutil.copytree(self.authority.folder, fork)
        for i in range(3):
            self.publish(f"n{i}.example")
        box = self.box()
        self.assertEqual(box.status()["entries"], 5)
        url = f"file://{fork}/repo/"
        # The fork's releases have higher numbers, as whoever holds the online keys would give them.
        for i in range(4):
            self.tool("--dir", fork, "add", f"m{i}.example", "--category", "gambling", "--order", "X")
            self.tool("--dir", fork, "sign")
            self.tool("--dir", fork, "publish")
            self.tool("--dir", fork, "publish")
        box.stop()
        box.configure(url=url)
        box.start()
        eventually(lambda: "pull-failed" in box.alarms())
        self.assertIn("log that was forked", box.alarms()["release-not-logged"])
        self.assertEqual(box.status()["entries"], 5)
        # A log that has become smaller: its tiles and checkpoint are those of before.
        state = box.state / "trust/log.json"
        seen = json.loads(state.read_text())
        [log] = seen["logs"].values()
        log["size"] = 1000
        state.write_text(json.dumps(seen))
        self.assertIn("which had 1000 before", self.assert_refused(box, "is of a log with 7 entries"))
        box.stop()
        seen["logs"] = {}
        state.write_text(json.dumps(seen))
        box.configure(url=f"file://{self.repo}/")
        box.start()

    def test_quorum_policy_and_its_end(self):
        self.sign_policy("2", ["auditor", "ngo"])
        self.authority.run("publish", check=False)
        self.cosign("auditor", "ngo")
        self.authority.run("publish")
        box = self.box()
        self.assertEqual(box.status()["entries"], 2)
        self.assertTrue((box.state / "trust/tlog-policy.txt").exists())
        self.assertRegex(box.status()["pull"]["witnessed"], r"^20\d\d-.*Z$")
        # Witnesses are enough where a mirror carries no tiles.
        self.authority.add("one.example")
        self.authority.run("sign")
        self.authority.run("publish", check=False)
        self.cosign("auditor", "ngo")
        self.authority.run("publish")
        (self.repo / "log/tile").rename(self.folder / "tile")
        self.assertEqual(box.pull()["outcome"], "published")
        (self.folder / "tile").rename(self.repo / "log/tile")
        # One of them alone is not, whoever says otherwise.
        self.authority.add("two.example")
        self.authority.run("sign")
        self.authority.run("publish", check=False)
        self.cosign("auditor", "ngo")
        self.authority.run("publish")
        good = self.proof().read_text()
        self.proof().write_text("".join(good.splitlines(keepends=True)[:-1]))
        self.assert_refused(box, "has 1 cosignatures of witnesses, which is no quorum")
        self.proof().write_text(good)
        self.assertEqual(box.pull()["outcome"], "published")
        # The officials take the policy back: that release still had to be logged.
        (self.authority.folder / "policy/tlog-policy.txt").unlink()
        self.authority.run("sign", "--policy")
        self.authority.run("publish", check=False)
        self.cosign("auditor", "ngo")
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "unchanged")
        self.assertFalse((box.state / "trust/tlog-policy.txt").exists())

    def cosign_at(self, time_at, name):
        """A cosignature by a witness whose clock says so, made without the program under test."""
        pem, key_name = self.folder / f"{name}.pem", f"{name}.example/w"
        text = (self.repo / "log/checkpoint").read_text().split("\n\n")[0] + "\n"
        message, line = self.folder / "message", self.folder / "line"
        message.write_text(f"cosignature/v1\ntime {time_at}\n{text}")
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", pem, "-in", message],
                                   check=True, capture_output=True).stdout
        number = bytes.fromhex(vkey(pem, key_name).split("+")[1])
        octets = base64.b64encode(number + time_at.to_bytes(8, "big") + signature).decode()
        line.write_text(f"\u2014 {key_name} {octets}\n")
        self.authority.run("log", "cosign", line)

    def test_the_witnesses_time_is_a_floor_for_the_clock(self):
        self.sign_policy("2", ["auditor", "ngo"])
        self.authority.run("publish", check=False)
        now = int(time.time())
        self.cosign_at(now + 2 * 3600, "auditor")
        self.cosign_at(now + 3600, "ngo")
        self.authority.run("publish")
        box = self.box()
        floor = datetime.datetime.fromtimestamp(now + 3600, datetime.timezone.utc).strftime("%FT%TZ")
        clock = box.status()["clock"]
        self.assertEqual((clock["floor"], clock["floor_source"]), (floor, "the log's witnesses"))
        self.assertIn("by the log's witnesses", box.alarms()["clock-behind"])
        # Nobody believes them that it is the day after tomorrow, and that stays told.
        self.authority.add("one.example")
        self.authority.run("sign")
        self.authority.run("publish", check=False)
        for name in ("auditor", "ngo"):
            self.cosign_at(now + 48 * 3600, name)
        self.authority.run("publish")
        for outcome in ("published", "unchanged"):
            self.assertEqual(box.pull()["outcome"], outcome)
            self.assertEqual(box.status()["clock"]["floor"], floor)
            told = [alarm["text"] for alarm in box.status()["alarms"] if alarm["id"] == "clock-behind"]
            self.assertTrue(any("was signed as the present" in text for text in told), told)


if __name__ == "__main__":
    main()
