"""tuf-js, a client that others wrote, reads what sluice-authority publishes, and refuses what it must.

npm installs it, of the versions and hashes in tufjs/package-lock.json, into the folder of the build.
"""
import functools
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading

from harness import BIN, ChainTest, main

HERE = pathlib.Path(__file__).parent / "tufjs"
INSTALLED = BIN.parent / "tests/chain/tufjs"
LIST = "lists/police/full.cpl.zst"


def install():
    """Once for each lock file; a folder that is not finished begins anew."""
    lock = (HERE / "package-lock.json").read_bytes()
    stamp = INSTALLED / "installed"
    if stamp.exists() and stamp.read_bytes() == lock:
        return
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, INSTALLED)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=INSTALLED,
                   check=True, timeout=240)
    stamp.write_bytes(lock)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class TufJs(ChainTest):
    @classmethod
    def setUpClass(cls):
        install()

    def setUp(self):
        super().setUp()
        handler = functools.partial(Quiet, directory=str(self.authority.repo))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}/"
        self.trusted = self.folder / "tufjs"
        self.trusted.mkdir()
        shutil.copy(self.authority.folder / "root.json", self.trusted / "root.json")

    def client(self, *targets):
        done = subprocess.run(["node", HERE / "client.cjs", self.trusted, self.url, *targets],
                              capture_output=True, text=True, timeout=60,
                              env={**os.environ, "NODE_PATH": str(INSTALLED / "node_modules")})
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refuses(self, reason, *targets):
        said = self.client(*targets)
        self.assertIn("refused", said)
        self.assertIn(reason, said["refused"])

    def document(self, role):
        """The newest document of a role."""
        files = (self.authority.repo / "metadata").glob(f"*.{role}.json")
        return max(files, key=lambda file: int(file.name.split(".")[0]))

    def payload(self):
        role = json.loads(self.document("list-police").read_text())["signed"]
        sha256 = role["targets"][LIST]["hashes"]["sha256"]
        return self.authority.repo / f"targets/lists/police/{sha256}.full.cpl.zst"

    def test_accepts_what_is_published(self):
        (self.authority.folder / "policy").mkdir()
        (self.authority.folder / "policy/guards.yaml").write_text("guards: 1\n")
        self.authority.run("sign", "--policy")
        self.authority.run("publish")
        said = self.client(LIST, "policy/guards.yaml", "lists/police/none", "lists/none/full.cpl.zst")
        self.assertEqual(said["targets"], {
            LIST: hashlib.sha256(self.payload().read_bytes()).hexdigest(),
            "policy/guards.yaml": hashlib.sha256(b"guards: 1\n").hexdigest(),
            "lists/police/none": None, "lists/none/full.cpl.zst": None})
        self.assertEqual(said["versions"], {"root": 1, "timestamp": 3, "snapshot": 3, "targets": 2})

    def test_follows_changes_of_lists_and_of_all_keys(self):
        self.client(LIST)
        self.authority.add("more.example")
        self.authority.release()
        for role in ("root", "timestamp", "snapshot", "targets", "list-police"):
            self.authority.run("role", "rotate", role)
            if role == "targets":
                self.authority.run("sign", "--policy")
        self.authority.run("sign", "--renew", "--department", "police")
        self.authority.run("publish")
        self.authority.run("role", "change", "root", "--threshold", "2")
        self.authority.run("publish")
        said = self.client(LIST)
        self.assertEqual(said["versions"]["root"], 3)
        self.assertEqual(said["targets"][LIST], hashlib.sha256(self.payload().read_bytes()).hexdigest())

    def test_refuses_what_was_tampered_with(self):
        def flip(text):
            at = text.index('"sig": "') + 8
            return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]

        def one_signature(text):
            envelope = json.loads(text)
            del envelope["signatures"][1:]
            return json.dumps(envelope)

        timestamp = self.authority.repo / "metadata/timestamp.json"
        for file, change, reason in (
                (timestamp, flip, "timestamp was signed by 0/1 keys"),
                (timestamp, lambda text: text.replace('"version": 2', '"version": 9'), "signed by 0/1"),
                (self.document("snapshot"), flip, "Expected hash"),
                (self.document("targets"), one_signature, "Expected length"),
                (self.document("list-police"), lambda text: text + " ", "")):
            good = file.read_text()
            file.write_text(change(good))
            self.refuses(reason, LIST)
            file.write_text(good)
        payload = self.payload()
        good = payload.read_bytes()
        payload.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        self.refuses("Expected hash", LIST)
        payload.write_bytes(good)
        self.assertIsNotNone(self.client(LIST)["targets"][LIST])

    def test_refuses_to_go_back(self):
        old = self.folder / "old"
        shutil.copytree(self.authority.repo / "metadata", old)
        self.authority.add("more.example")
        self.authority.release()
        self.client(LIST)
        shutil.copy(old / "timestamp.json", self.authority.repo / "metadata")
        said = self.client(LIST)
        # It stays with what it has seen, or refuses: never the older one.
        self.assertTrue("refused" in said or said["versions"]["timestamp"] == 3, said)

    def test_a_root_without_the_old_keys_is_refused(self):
        self.authority.run("role", "rotate", "root")
        staged = json.loads((self.authority.folder / "staged/root.json").read_text())
        old = json.loads((self.trusted / "root.json").read_text())["signed"]["roles"]["root"]["keyids"]
        staged["signatures"] = [one for one in staged["signatures"] if one["keyid"] not in old]
        (self.authority.repo / "metadata/2.root.json").write_text(json.dumps(staged))
        self.refuses("root was signed by 0/3 keys")


if __name__ == "__main__":
    main()
