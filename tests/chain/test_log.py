"""The log of releases: kept, cosigned, replayed, watched, and what an appliance makes of it."""
import base64
import hashlib
import json
import re
import shutil
import subprocess

from harness import BIN, ChainTest, eventually, main


def vkey(pem, name, kind=4):
    """The specification's key text, made without the program that is tested."""
    der = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"],
                         capture_output=True, check=True).stdout
    key = bytes([kind]) + der[-32:]
    number = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex()
    return f"{name}+{number}+{base64.b64encode(key).decode()}"


class LogTest(ChainTest):
    def setUp(self):
        super().setUp()
        self.repo = self.authority.repo
        self.key = re.search(r"^key (\S+)$", self.authority.run("log", "status").stdout, re.M)[1]

    def tool(self, *arguments, check=True):
        command = [BIN / "sluice-authority", *arguments]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def make_witness(self, name):
        pem = self.folder / f"{name}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", pem], check=True)
        return pem

    def witness(self, name, source=None, check=True):
        return self.tool("log", "witness", source or self.repo, "--log", self.key, "--key",
                         self.folder / f"{name}.pem", "--name", f"{name}.example/w", "--state",
                         self.folder / f"{name}.seen", check=check)

    def sign_policy(self, quorum="none", witnesses=()):
        lines = [f"log {self.key}\n"]
        for name in witnesses:
            lines.append(f"witness {name} {vkey(self.make_witness(name), name + '.example/w')}\n")
        if quorum != "none":
            lines.append(f"group outside {quorum} {' '.join(witnesses)}\n")
            quorum = "outside"
        lines.append(f"quorum {quorum}\n")
        folder = self.authority.folder / "policy"
        folder.mkdir(exist_ok=True)
        (folder / "tlog-policy.txt").write_text("".join(lines))
        self.authority.run("sign", "--policy")

    def cosign(self, *names):
        for name in names:
            line = self.folder / f"{name}.line"
            line.write_text(self.witness(name).stdout)
            self.authority.run("log", "cosign", line)

    def verify(self, repo=None, check=True):
        return self.tool("log", "verify", repo or self.repo, "--log", self.key, check=check)

    def snapshot(self, repo=None):
        timestamp = json.loads(((repo or self.repo) / "metadata/timestamp.json").read_text())
        return timestamp["signed"]["meta"]["snapshot.json"]["version"]

    def proof(self, version=None):
        return self.repo / f"metadata/{version or self.snapshot()}.snapshot.tlog-proof"

    def box(self):
        box = self.control(f"file://{self.repo}/", "/etc/hosts")
        box.start()
        eventually(lambda: box.status()["pull"]["outcome"] not in ("none", None))
        return box


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


if __name__ == "__main__":
    main()
