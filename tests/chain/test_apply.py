"""Configurations into use: for good, for a while, and back; whatever goes wrong, one of them holds."""
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from harness import BIN, ChainTest, eventually, main


class Apply(ChainTest):
    def setUp(self):
        super().setUp()
        self.authority.add("play.example", category="games", order="PR-1")
        self.authority.release()
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts", blocked="gambling")
        self.box.config.chmod(0o604)
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.other = self.folder / "other.yaml"
        self.write(self.other, "gambling, games")

    def write(self, file, blocked):
        text = self.box.config.read_text()
        file.write_text(text.replace("block: [gambling]", f"block: [{blocked}]"))

    def ctl(self, *arguments, exit=0, umask=-1):
        command = [BIN / "sluicectl", "--config", self.box.config, *arguments]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60,
                              umask=umask)
        self.assertEqual(done.returncode, exit, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def config(self, *arguments, exit=0):
        return self.ctl("config", *arguments, exit=exit)

    def verdict(self):
        return json.loads(self.ctl("-o", "json", "explain", "play.example"))["verdict"]["action"]

    def alarms(self):
        return self.box.alarms()

    def test_diff(self):
        told = self.config("diff", self.other, exit=1)
        self.assertRegex(told, r"changed +policies\.pupils\.block +now also games")
        self.assertNotIn("restart", told)
        self.assertIn("nothing differs", self.config("diff", self.box.config))
        self.other.write_text(self.box.config.read_text().replace("tap:chain1", "tap:chain2")
                              .replace("site: {name: Chain test}\n", "") + "keep_generations: 7\n")
        told = self.config("diff", self.other, exit=1)
        self.assertRegex(told, r"changed +ports\.outside +tap:chain1 -> tap:chain2")
        self.assertRegex(told, r"removed +site\.name +was Chain test")
        self.assertRegex(told, r"added +keep_generations +7")
        self.assertIn("restart sluice-dataplane", told)
        self.other.write_text("policies: 7\n")
        self.assertIn("other.yaml:1:1: ports: is missing", self.config("diff", self.other, exit=2))

    def test_dry_run_changes_nothing(self):
        before = self.box.config.read_bytes()
        self.assertIn("now also games", self.config("apply", self.other, "--dry-run"))
        cases = self.folder / "cases.yaml"
        cases.write_text("cases:\n  - {name: play.example, expect: block}\n")
        self.config("apply", self.other, "--dry-run", "--test", cases)
        cases.write_text("cases:\n  - {name: play.example, expect: pass}\n")
        told = self.config("apply", self.other, "--test", cases, "--reason", "x", exit=1)
        self.assertIn("expected pass, not block", told)
        self.assertEqual(self.box.config.read_bytes(), before)
        self.assertEqual(self.verdict(), "pass")

    def test_for_good_and_back(self):
        self.assertIn("--reason", self.config("apply", self.other, exit=2))
        self.config("apply", self.other, "--reason", "exams", "--who", "li")
        self.assertEqual(self.verdict(), "block")
        self.assertEqual(self.box.config.read_bytes(), self.other.read_bytes())
        self.assertEqual(os.stat(self.box.config).st_mode & 0o777, 0o604)
        self.assertIn("by 'li'", self.box.log.read_text())
        self.config("rollback", "--reason", "exams are over")
        self.assertEqual(self.verdict(), "pass")
        self.config("rollback", "--reason", "they are not")  # and forth again
        self.assertEqual(self.verdict(), "block")

    def test_a_link_stays_a_link(self):
        kept = self.folder / "repository" / "gateway.yaml"
        kept.parent.mkdir()
        self.box.config.rename(kept)
        self.box.config.symlink_to(kept)
        self.config("apply", self.other, "--reason", "exams")
        self.assertTrue(self.box.config.is_symlink())
        self.assertEqual(kept.read_bytes(), self.other.read_bytes())
        self.config("rollback", "--reason", "exams are over")
        self.assertTrue(self.box.config.is_symlink())
        self.assertNotEqual(kept.read_bytes(), self.other.read_bytes())

    def test_mode_stays_whatever_the_umask(self):
        before = self.box.config.with_name("sluice.yaml.before")
        self.ctl("config", "apply", self.other, "--reason", "exams", umask=0o077)
        for file in self.box.config, before:
            self.assertEqual(os.stat(file).st_mode & 0o777, 0o604)

    def test_faults_are_told_and_nothing_is_taken(self):
        before = self.box.config.read_bytes()
        self.other.write_text(self.other.read_text().replace("games", "game"))
        self.assertIn("did you mean 'games'?",
                      self.config("apply", self.other, "--reason", "x", exit=1))
        # What only control can refuse: the file before comes back.
        self.write(self.other, "games")
        self.other.write_text(self.other.read_text().replace(
            f"state_dir: {self.box.state}", f"state_dir: {self.folder}/elsewhere"))
        told = self.config("apply", self.other, "--reason", "x", exit=1)
        self.assertIn("state_dir or run_dir has changed", told)
        self.assertIn("is as it was", told)
        self.assertIn("state_dir", self.config("apply", self.other, "--confirm", "1", "--reason",
                                               "x", exit=1))
        self.assertEqual(self.box.config.read_bytes(), before)
        self.assertNotIn("config-trial", self.alarms())
        self.assertEqual(self.verdict(), "pass")

    def test_trial_that_is_kept(self):
        self.config("apply", self.other, "--confirm", "5", "--reason", "exams", "--who", "li")
        self.assertEqual(self.verdict(), "block")
        self.assertIn("config confirm", self.alarms()["config-trial"])
        self.assertNotEqual(self.box.config.read_bytes(), self.other.read_bytes())
        another = self.folder / "another.yaml"
        self.write(another, "games")
        self.assertIn("is not the configuration that is being tried",
                      self.config("confirm", another, "--reason", "x", exit=1))
        before = self.box.config.read_bytes()
        self.assertIn("--reason", self.config("confirm", self.other, exit=2))
        self.assertEqual(self.box.config.read_bytes(), before)
        self.config("confirm", self.other, "--reason", "it works")
        self.assertEqual(self.box.config.read_bytes(), self.other.read_bytes())
        self.assertNotIn("config-trial", self.alarms())
        self.assertEqual(self.verdict(), "block")
        self.assertIn("no configuration is being tried",
                      self.config("confirm", self.other, "--reason", "x", exit=1))

    def test_trial_that_nobody_keeps(self):
        reply = self.box.ask("config-try", **{"seconds": 2, "who": "li",
                               "reason": "exams", "text": self.other.read_text()})
        self.assertTrue(reply["ok"], reply)
        self.assertEqual(self.verdict(), "block")
        eventually(lambda: self.verdict() == "pass", 15)
        self.assertNotIn("config-trial", self.alarms())
        self.assertIn("nobody kept the configuration", self.box.log.read_text())

    def test_trial_ends_by_rollback_reload_and_death(self):
        def try_it():
            self.config("apply", self.other, "--confirm", "5", "--reason", "exams")
            self.assertEqual(self.verdict(), "block")

        try_it()
        self.config("rollback", "--reason", "no")
        self.assertEqual(self.verdict(), "pass")
        try_it()
        os.kill(self.box.process.pid, signal.SIGHUP)
        eventually(lambda: self.verdict() == "pass")
        try_it()
        self.box.stop(signal.SIGKILL)
        self.box.start()
        eventually(lambda: self.verdict() == "pass")

    def test_trial_that_is_refused_ends_the_one_before(self):
        self.config("apply", self.other, "--confirm", "5", "--reason", "exams")
        self.assertEqual(self.verdict(), "block")
        refused = self.folder / "refused.yaml"
        refused.write_text(self.other.read_text().replace(
            f"state_dir: {self.box.state}", f"state_dir: {self.folder}/elsewhere"))
        self.assertIn("state_dir", self.config("apply", refused, "--confirm", "5", "--reason", "x",
                                               exit=1))
        self.assertNotIn("config-trial", self.alarms())
        eventually(lambda: self.verdict() == "pass")
        self.assertNotIn("config-refused", self.alarms())

    def test_refused_is_not_the_one_before(self):
        self.config("apply", self.other, "--reason", "exams")
        before = self.box.config.with_name("sluice.yaml.before")
        kept = before.read_bytes()
        refused = self.folder / "refused.yaml"
        refused.write_text(self.other.read_text().replace(
            f"state_dir: {self.box.state}", f"state_dir: {self.folder}/elsewhere"))
        self.config("apply", refused, "--reason", "x", exit=1)
        self.assertEqual(before.read_bytes(), kept)
        self.assertEqual(os.stat(before).st_mode & 0o777, 0o604)
        self.config("rollback", "--reason", "exams are over")
        self.assertEqual(self.verdict(), "pass")

    def test_refused_leaves_nothing_before_where_nothing_was(self):
        self.other.write_text(self.other.read_text().replace(
            f"state_dir: {self.box.state}", f"state_dir: {self.folder}/elsewhere"))
        self.config("apply", self.other, "--reason", "x", exit=1)
        self.assertFalse(self.box.config.with_name("sluice.yaml.before").exists())

    def test_reload_under_way_is_no_answer(self):
        good = self.pipe_for_config()
        with ThreadPoolExecutor(1) as pool:
            reply = pool.submit(self.box.ask, "config-reload", who="li", reason="x")
            time.sleep(1)  # so that it is asked meanwhile
            self.feed(good)
            self.feed("policies: 7\n")
            self.assertFalse(reply.result()["ok"])

    def test_trial_that_ends_before_it_begins(self):
        good = self.pipe_for_config()
        with ThreadPoolExecutor(1) as pool:
            reply = pool.submit(self.box.ask, "config-try", seconds=1, who="li", reason="x",
                                text=self.text)
            time.sleep(2)
            self.feed(good)
            self.feed(good)
            reply = reply.result()
            self.assertFalse(reply["ok"], reply)
            self.assertIn("ended before", json.dumps(reply))
            self.feed(good)

    def pipe_for_config(self):
        """From now on control waits for feed() whenever it reads its configuration; as it does."""
        good = self.box.config.read_text()
        self.text = self.other.read_text()
        self.box.config.unlink()
        os.mkfifo(self.box.config)
        os.kill(self.box.process.pid, signal.SIGHUP)
        self.pipe = open(self.box.config, "w")  # once it is opened at the other end
        return good

    def feed(self, text):
        pipe = self.pipe or open(self.box.config, "w")
        self.pipe = None
        with pipe:
            pipe.write(text)
        time.sleep(0.3)  # so that the next text is none of this reading's

    def test_what_no_trial_is(self):
        for request in ({"seconds": 0}, {"seconds": 90000}, {"seconds": "60"}, {}):
            reply = self.box.ask("config-try", **{"who": "li", "reason": "x",
                                   "text": self.other.read_text(), **request})
            self.assertFalse(reply["ok"], request)
        reply = self.box.ask("config-try", **{"seconds": 60,
                               "text": self.other.read_text()})
        self.assertIn("who", json.dumps(reply))
        self.assertEqual(self.verdict(), "pass")


if __name__ == "__main__":
    main()
