"""An authority with a log, and witnesses: what tests of the log have in common."""
import base64
import hashlib
import json
import re
import subprocess

from harness import BIN, ChainTest, eventually


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
