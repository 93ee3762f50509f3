"""Power cuts and full disks: whatever happens, there is a state to start from."""
import ctypes
import os
import random
import shutil
import signal
import subprocess
import time

from harness import ChainTest, eventually, main

CLONE_NEWNS = 0x20000


def own_mounts():
    """Mounts made from here on are seen by this process and its children, and end with them."""
    if os.geteuid() != 0:
        raise AssertionError("this test mounts a small tmpfs: run it as root")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise AssertionError(f"unshare: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Crash(ChainTest):
    ROUNDS = 200

    def repo_url(self):
        return f"file://{self.authority.repo}/"

    def box(self, **settings):
        # The mirror is a folder here: what is killed is the appliance, not the network.
        return self.control(self.repo_url(), "/etc/hosts", **settings)

    def import_names(self, count, order="CAC-1"):
        names = self.folder / "names.txt"
        names.write_text("".join(f"n{i}.{order.lower()}.example\n" for i in range(count)))
        self.authority.run("import", names, "--category", "pornography", "--order", order)

    def test_killed_at_random_instants(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        self.import_names(20_000)
        self.authority.release()
        box = self.box()
        self.assertEqual(box.once().returncode, 0)
        span = self.time_of_an_update(box)
        expected = 20_003
        for step in range(self.ROUNDS):
            # Every other one to the long list, which goes by a delta and makes an overlay.
            category = "pornography" if step % 2 else "gambling"
            self.authority.add(f"round{step}.example", category=category, order="CAC-1")
            expected += 1
            self.authority.release()
            box.start(ready=False)
            time.sleep(chance.uniform(0, span))
            box.process.send_signal(signal.SIGKILL)
            box.process.wait()
            box.process = None
            current = box.state / "generations" / "current"
            self.assertTrue(current.exists(), "current points to nothing")
        done = box.once()
        self.assertEqual(done.returncode, 0, done.stderr)
        log = box.log.read_text()
        self.assertNotIn("is bad", log, "a kill damaged the current generation")
        self.assertNotIn("error ", log)
        self.assertRegex(log, "the list of cyberspace, by .*delta")
        self.assertIn("came and", log, "no generation was made of changes")
        box.start()
        self.assertEqual(box.status()["entries"], expected)
        self.assertEqual(box.status()["alarms"], [])
        self.assert_no_leftovers(box)

    def time_of_an_update(self, box):
        """From the start of the process on, as each round goes."""
        self.authority.add("timed.example")
        self.authority.release()
        begin = time.monotonic()
        box.start()
        eventually(lambda: box.status()["generation"] == 2, 30)
        span = time.monotonic() - begin
        box.stop()
        return span * 1.2 + 0.03

    def assert_no_leftovers(self, box):
        # It runs, and may be at writing one: what counts is that none stays.
        eventually(lambda: not [p for p in box.state.rglob("*")
                                if ".tmp" in p.name or ".part" in p.name])
        stored = list((box.state / "lists").glob("*.zst"))
        self.assertEqual(len(stored), 4, stored)  # two departments, each a list and its orders

    def test_killed_while_everything_is_unchanged(self):
        box = self.box(poll=60)
        box.start()
        eventually(lambda: box.status()["generation"] == 1)
        box.stop(signal.SIGKILL)
        box.start()
        self.assertEqual(box.status()["generation"], 1)
        self.assertEqual(box.pull()["outcome"], "unchanged")

    def test_damaged_current_generation(self):
        box = self.box()
        self.assertEqual(box.once().returncode, 0)
        self.authority.add("second.example")
        self.authority.release()
        self.assertEqual(box.once().returncode, 0)
        with (box.state / "generations/0000000002.lmdb").open("r+b") as file:
            file.seek(9000)
            file.write(b"damage")
        shutil.move(self.authority.repo, self.folder / "away")
        box.start()
        status = box.status()
        self.assertNotEqual(status["generation"], 2)
        self.assertEqual(status["entries"], 3, "the retained lists were not compiled again")
        self.assertIn("current generation is bad", box.log.read_text())

    def test_something_else_in_place_of_its_files(self):
        """As backups, mistaken mounts and scripts leave it: folders, pipes, links in a circle."""
        files = ("appliance-id", "decisions.json", "generations/current", "lists/release.json", "rollout.json",
                 "site/entries.json", "time-floor.json", "trust/anchor.sha256", "trust/root.json", "trust/snapshot.json",
                 "trust/timestamp.json", "trust/.root.json.tmp", "lists/.release.json.tmp")
        self.box = self.box()
        self.assertEqual(self.box.once().returncode, 0)
        lists = [path.relative_to(self.box.state) for path in (self.box.state / "lists").glob("*.zst")]
        for number, make in enumerate((lambda path: (path.mkdir(), (path / "x").touch()), os.mkfifo,
                                       lambda path: path.symlink_to(path.name))):
            for name in (*files, *lists):
                path = self.box.state / name
                path.parent.mkdir(exist_ok=True)
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                path.unlink(missing_ok=True)
                make(path)
            self.box.start()
            self.authority.add(f"n{number}.example")
            self.authority.release()
            self.assertEqual(self.box.pull()["outcome"], "published")
            self.assertEqual(self.box.pull()["outcome"], "unchanged")
            for command in (("list", "hold"), ("list", "resume"), ("site", "block", f"s{number}.example", "--category", "social")):
                self.ctl(*command, "--reason", "x", "--who", "li")
            self.assertEqual(self.box.status()["entries"], 4 + 2 * number)
            self.box.stop()
            self.box.start()
            self.assertEqual((self.box.status()["entries"], self.box.alarms()), (4 + 2 * number, {}))
            self.box.stop()
            self.assertEqual(self.box.once().returncode, 0)

    def test_disk_full(self):
        own_mounts()
        box = self.box()
        box.state.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", box.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", box.state], check=False)
        box.start()
        eventually(lambda: box.status()["generation"] == 1)
        self.import_names(100_000)
        self.authority.release()
        told = self.assert_refused(box, "pace")
        self.assertRegex(told, "[Nn]o space left|free space")
        box.stop()
        box.start()
        self.assertEqual(box.status()["generation"], 1)
        for size in ("700k", "100k", "4k"):
            # Ever earlier steps of the update find no room.
            ballast = box.state / "ballast"
            ballast.unlink(missing_ok=True)
            free = shutil.disk_usage(box.state).free
            ballast.write_bytes(b"x" * max(0, free - int(size[:-1]) * 1024))
            self.assert_refused(box, "pace")
        (box.state / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", box.state], check=True)
        reply = box.pull()
        self.assertEqual(reply["outcome"], "published", reply)
        self.assertEqual(box.status()["entries"], 100_002)


if __name__ == "__main__":
    main()
