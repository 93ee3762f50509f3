"""The real programs of the list chain, on loopback, in a folder that is removed afterwards.

Every process that is started here is stopped here, also when a test fails.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("SLUICE_BIN", "build/release/bin")).resolve()

CONFIG = """\
site: {{name: Chain test}}
ports: {{inside: "tap:chain0", outside: "tap:chain1"}}
pairs: {{main: {{inside: inside, outside: outside}}}}
policies: {{pupils: {{block: [{blocked}]}}}}
default_policy: pupils
authority:
  url: {url}
  root: {root}
  ca_file: {ca}
  poll_seconds: {poll}
state_dir: {state}
run_dir: {run}
"""


def call(path, request, timeout=60):
    """One request to a process's socket; the reply as a dict."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(timeout)
        peer.connect(str(path))
        peer.sendall(json.dumps(request).encode() + b"\n")
        reply = b""
        while not reply.endswith(b"\n"):
            piece = peer.recv(65536)
            if not piece:
                raise ConnectionError("closed without an answer")
            reply += piece
    return json.loads(reply)


def eventually(condition, seconds=10.0, what="the condition"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.run("init", folder)

    def run(self, *arguments, check=True):
        command = [BIN / "sluice-authority", "--dir", self.folder, *arguments]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return done

    def add(self, *names, category="gambling", order="PSB-1", extra=()):
        return self.run("add", *names, "--category", category, "--order", order, *extra)

    def release(self):
        self.run("sign")
        return self.run("publish").stdout

    @property
    def repo(self):
        return self.folder / "repo"


class Control:
    """sluice-control on a state folder of its own."""

    def __init__(self, folder, url, root, ca, poll=3600, blocked="defaults"):
        self.folder = folder
        self.state = folder / "state"
        self.run_dir = folder / "run"
        self.config = folder / "sluice.yaml"
        self.log = folder / "control.log"
        self.settings = dict(url=url, root=root, ca=ca, poll=poll, blocked=blocked,
                             state=self.state, run=self.run_dir)
        self.process = None
        self.configure()

    def configure(self, **changes):
        self.settings.update(changes)
        self.config.write_text(CONFIG.format(**self.settings))

    def command(self, *extra):
        return [str(BIN / "sluice-control"), "--config", str(self.config), *extra]

    def start(self, ready=True):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        if ready:
            eventually(self.answers, what="an answer of sluice-control")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError("sluice-control ended: " + self.log.read_text())
        try:
            return self.status()
        except OSError:
            return None

    def stop(self, number=signal.SIGTERM, patience=20):
        if self.process is None:
            return None
        self.process.send_signal(number)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("sluice-control did not stop")
        finally:
            self.process = None

    def cleanup(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def once(self):
        return subprocess.run(self.command("--once"), capture_output=True, text=True, timeout=120)

    def ask(self, command, **fields):
        return call(self.run_dir / "control.sock", {"command": command, **fields})

    def status(self):
        return self.ask("status")

    def pull(self):
        return self.ask("pull", wait_seconds=60)

    def alarms(self):
        return {alarm["id"]: alarm["text"] for alarm in self.status()["alarms"]}

    def current(self):
        link = self.state / "generations" / "current"
        return os.readlink(link) if link.is_symlink() else None


class ChainTest(unittest.TestCase):
    """A fresh folder, and an authority with one published list."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-chain-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.keep_what_failed)
        self.authority = Authority(self.folder / "authority")
        self.authority.add("casino.example", "bet.test")
        self.authority.release()

    def keep_what_failed(self):
        """A failure that comes once in a hundred runs has to be told by what it left."""
        result = self._outcome.result
        told = [text for test, text in result.failures + result.errors if test is self]
        if not told:
            return
        kept = BIN.parent / "failures" / f"{self.id()}-{time.time_ns()}"
        kept.mkdir(parents=True)
        (kept / "failure.txt").write_text("\n".join(told))
        for log in self.folder.rglob("*.log"):
            shutil.copy(log, kept / "-".join(log.relative_to(self.folder).parts))
        print(f"logs are kept in {kept}", file=sys.stderr)

    def control(self, url, ca, **settings):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="appliance-", dir=self.folder))
        control = Control(folder, url, self.authority.folder / "root.json", ca, **settings)
        self.addCleanup(control.cleanup)
        return control

    def ctl(self, *arguments, exit=0):
        """What sluicectl says of self.box, as JSON; `exit` is None where its code is the verdict's."""
        command = [BIN / "sluicectl", "--config", self.box.config, "--output", "json", *arguments]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60)
        if exit is not None:
            self.assertEqual(done.returncode, exit, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def assert_refused(self, control, reason):
        """A pull fails for this reason, and the generation that ran before still does."""
        before = (control.current(), control.status()["generation"], control.status()["entries"])
        reply = control.pull()
        self.assertFalse(reply["ok"], reply)
        told = " ".join(reply["error"].values())
        self.assertIn(reason, told)
        status = control.status()
        self.assertEqual((control.current(), status["generation"], status["entries"]), before)
        alarms = control.alarms()
        self.assertTrue({"pull-failed", "release-held"} & set(alarms), alarms)
        return told


def main():
    for program in ("sluice-control", "sluice-authority"):
        if not (BIN / program).exists():
            sys.exit(f"{BIN / program} is not built; set SLUICE_BIN to the folder that holds it")
    unittest.main(verbosity=2)
