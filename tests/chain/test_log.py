"""The log of releases: kept, cosigned, replayed, watched."""
import hashlib
import json
import shutil
import subprocess

from harness import BIN, main
from log_case import LogTest, vkey


class Keeping(LogTest):
    def test_every_release_is_logged(self):
        for i in range(3):
            self.authority.add(f"n{i}.example")
            self.authority.release()
        told = self.verify().stdout
        self.assertRegex(told, r"5 entries, 5 releases")
        self.assertEqual(self.snapshot(), 5)
        # Renewed while the snapshot is young: no entry, but a timestamp.
        before = json.loads((self.repo / "metadata/timestamp.json").read_text())["signed"]["version"]
        self.authority.run("publish")
        after = json.loads((self.repo / "metadata/timestamp.json").read_text())["signed"]["version"]
        self.assertEqual((self.snapshot(), after), (5, before + 1))
        bundle = (self.repo / "log/tile/entries/000.p/5").read_bytes()
        leaf = json.dumps({"sha256": hashlib.sha256(
            (self.repo / "metadata/5.snapshot.json").read_bytes()).hexdigest(),
            "type": "cpl-snapshot/1", "version": 5}, separators=(",", ":")).encode()
        self.assertTrue(bundle.endswith(len(leaf).to_bytes(2, "big") + leaf))

    def test_a_release_waits_for_its_witnesses(self):
        self.sign_policy("2", ["auditor", "ngo", "isp"])
        waiting = self.authority.run("publish", check=False)
        self.assertNotEqual(waiting.returncode, 0)
        self.assertIn("has 0 cosignatures of witnesses, which is no quorum", waiting.stderr)
        self.assertEqual(self.snapshot(), 2)
        self.assertIn("snapshot 3 is not announced yet", self.authority.run("status").stdout)
        self.cosign("auditor")
        self.assertNotEqual(self.authority.run("publish", check=False).returncode, 0)
        # What is signed meanwhile is built on what waits, and needs witnesses of its own.
        self.authority.add("later.example")
        self.authority.run("sign")
        self.assertNotEqual(self.authority.run("publish", check=False).returncode, 0)
        self.cosign("auditor", "isp")
        self.authority.run("publish")
        self.assertEqual(self.snapshot(), 4)
        self.assertEqual(self.proof().read_text().count("\u2014"), 3)
        strict = self.tool("log", "verify", self.repo, "--policy",
                           self.authority.folder / "policy/tlog-policy.txt")
        self.assertIn("2 witnesses\n", strict.stdout)

    def test_cosignatures_that_are_none(self):
        self.sign_policy("1", ["auditor"])
        self.authority.run("publish", check=False)
        line = self.folder / "line"
        self.make_witness("stranger")
        for text, reason in ((self.witness("stranger").stdout, "knows no such witness"),
                             ("x\n", "is no signature of a note")):
            line.write_text(text)
            self.assertIn(reason, self.authority.run("log", "cosign", line, check=False).stderr)
        line.write_text(self.witness("auditor").stdout)
        self.authority.add("more.example")
        self.authority.run("sign")
        self.authority.run("publish", check=False)
        self.assertIn("is not for the log's newest checkpoint",
                      self.authority.run("log", "cosign", line, check=False).stderr)

    def test_a_policy_without_this_log_is_not_signed(self):
        folder = self.authority.folder / "policy"
        folder.mkdir()
        other = vkey(self.make_witness("other"), "other.example/log", 1)
        (folder / "tlog-policy.txt").write_text(f"log {other}\nquorum none\n")
        refused = self.authority.run("sign", "--policy", check=False)
        self.assertIn("no log of the policy has signed it", refused.stderr)

    def test_publish_cut_at_every_step(self):
        """Each renaming is a step: killed there, or told that the disk is full."""
        renamed = "rename,renameat,renameat2"
        for fault in ("signal=KILL", "error=ENOSPC"):
            step = 0
            while True:
                step += 1
                self.authority.add(f"{fault[0]}{step}.example")
                self.authority.run("sign")
                command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={renamed}", "-e",
                           f"inject={renamed}:{fault}:when={step}", BIN / "sluice-authority", "--dir",
                           self.authority.folder, "publish"]
                cut = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60)
                # What is announced is whole at every moment.
                self.verify()
                self.authority.run("publish")
                listed = self.authority.run("status").stdout
                self.assertNotIn("not published", listed)
                self.assertNotIn("not announced", listed)
                if cut.returncode == 0:
                    break
                if fault.startswith("error"):
                    self.assertIn("No space left on device", cut.stderr)
            self.assertGreater(step, 8)
            self.verify()
        box = self.control(f"file://{self.repo}/", "/etc/hosts")
        self.assertEqual(box.once().returncode, 0)

    def test_damaged_tiles_are_told_before_anything_is_added(self):
        tile = self.repo / "log/tile/0/000.p/2"
        tile.write_bytes(bytes(64))
        self.authority.add("more.example")
        self.authority.run("sign")
        refused = self.authority.run("publish", check=False)
        self.assertIn("the tiles are not those that the checkpoint was signed for", refused.stderr)


class Watching(LogTest):
    def fork(self):
        """Another repository under the same keys, which forgot its newest release."""
        fork = self.folder / "fork"
        shutil.copytree(self.authority.folder, fork)
        return fork

    def test_a_witness_sees_that_a_log_was_cut_or_forked(self):
        fork = self.fork()
        self.make_witness("auditor")
        for i in range(3):
            self.authority.add(f"n{i}.example")
            self.authority.release()
            self.witness("auditor")
        seen = (self.folder / "auditor.seen").read_text()
        cut = self.witness("auditor", fork / "repo", check=False)
        self.assertIn("the log has 2 entries where 5 were seen before", cut.stderr)
        for i in range(4):
            self.tool("--dir", fork, "add", f"m{i}.example", "--category", "gambling", "--order", "X")
            self.tool("--dir", fork, "sign")
            self.tool("--dir", fork, "publish")
        forked = self.witness("auditor", fork / "repo", check=False)
        self.assertIn("the log was forked", forked.stderr)
        self.assertEqual((self.folder / "auditor.seen").read_text(), seen)
        self.witness("auditor")

    def test_verify_finds_what_was_altered(self):
        self.authority.add("more.example")
        self.authority.release()
        snapshot = self.repo / "metadata/2.snapshot.json"
        entries = self.repo / "log/tile/entries/000.p/3"
        for file, change, reason in (
                (snapshot, lambda b: b + b" ", "2.snapshot.json: is not what was logged"),
                (snapshot, None, "2.snapshot.json: was logged, and is not there"),
                (self.repo / "log/tile/0/000.p/3", lambda b: b[:-1] + bytes([b[-1] ^ 1]),
                 "tile/0/000.p/3: is not of the entries"),
                (entries, lambda b: b.replace(b'"version":2', b'"version":9'),
                 "log/checkpoint: is not the root of the entries"),
                (entries, lambda b: b[:-1], "is not the 3 entries that it must be"),
                (self.proof(2), lambda b: self.proof(3).read_bytes(), "does not prove its release"),
                (self.proof(3), None, "3.snapshot.tlog-proof: the repository has no such file"),
                (self.repo / "log/checkpoint", lambda b: b.replace(b"\n3\n", b"\n4\n"),
                 "the signature of the log")):
            good = file.read_bytes()
            file.unlink() if change is None else file.write_bytes(change(good))
            done = self.verify(check=False)
            self.assertEqual(done.returncode, 1, reason)
            self.assertIn(reason, done.stdout + done.stderr)
            file.write_bytes(good)
            self.verify()

    def test_monitor_tells_what_was_listed_and_by_whom(self):
        def monitor(check=True):
            return self.tool("log", "monitor", self.repo, "--log", self.key, "--state",
                             self.folder / "monitor.seen", check=check)

        first = monitor().stdout
        self.assertIn("+casino.example\ttree\t0", first)
        self.assertIn("order PSB-1 (gambling 赌博), by police", first)
        self.assertEqual(monitor().stdout, "")
        self.authority.add("fresh.example", order="PSB-2", category="fraud")
        self.authority.run("remove", "bet.test")
        self.authority.release()
        told = monitor().stdout
        self.assertIn("entry 2: release 3", told)
        self.assertIn("list 2, 2 entries, 1 came, 1 went", told)
        self.assertIn("+fresh.example", told)
        self.assertIn("-bet.test", told)
        self.assertNotIn("casino", told)
        self.assertRegex(told, r"list-police 3, signed by [0-9a-f]{12}, [0-9a-f]{12}")

    def test_monitor_alarms_on_a_release_that_was_never_logged(self):
        # Whoever holds the online keys announces a snapshot beside the log.
        secret = self.fork()
        shutil.rmtree(secret / "repo/log")
        self.tool("--dir", secret, "add", "silent.example", "--category", "gambling", "--order", "X")
        self.tool("--dir", secret, "sign")
        self.tool("--dir", secret, "publish")
        shutil.copytree(self.repo / "log", secret / "repo/log")
        for command in ("verify", "monitor"):
            extra = ["--state", self.folder / "s"] if command == "monitor" else []
            done = self.tool("log", command, secret / "repo", "--log", self.key, *extra, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("ALARM metadata/3.snapshot.json: is published and was NEVER LOGGED",
                          done.stdout)


if __name__ == "__main__":
    main()
