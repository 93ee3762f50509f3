"""A witness that serves (c2sp.org/tlog-witness): asked by publish, and by logs that lie. The logs that lie,
their trees, proofs and signatures are made here without the program that is tested."""
import base64
import hashlib
import http.client
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from cryptography.hazmat.primitives import serialization

from harness import BIN, main
from log_case import LogTest, vkey


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def root(leaves):
    """RFC 6962 section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def consistency(old, leaves, whole=True):
    """RFC 6962 section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return consistency(old, leaves[:half], whole) + [root(leaves[half:])]
    return consistency(old - half, leaves[half:], False) + [root(leaves[:half])]


class Log:
    def __init__(self, pem, name="liar.example/log"):
        self.name, self.vkey = name, vkey(pem, name, 1)
        self.key = serialization.load_pem_private_key(pem.read_bytes(), None)
        self.leaves = [leaf(b"%d" % i) for i in range(200)]

    def note(self, size, leaves=None, name=None, key=None, extension=""):
        leaves = self.leaves if leaves is None else leaves
        text = f"{name or self.name}\n{size}\n{base64.b64encode(root(leaves[:size])).decode()}\n{extension}"
        octets = bytes.fromhex(self.vkey.split("+", 2)[1]) + (key or self.key).sign(text.encode())
        return f"{text}\n\u2014 {name or self.name} {base64.b64encode(octets).decode()}\n"

    def request(self, old, size, leaves=None, proof=None, **note):
        leaves = self.leaves if leaves is None else leaves
        if proof is None:
            proof = consistency(old, leaves[:size]) if 0 < old <= size else []
        lines = "".join(base64.b64encode(one).decode() + "\n" for one in proof)
        return f"old {old}\n{lines}\n{self.note(size, leaves, **note)}".encode()


class Serving(LogTest):
    def setUp(self):
        super().setUp()
        self.log = Log(self.make_witness("liar"))
        self.pem = self.make_witness("auditor")
        self.name = "auditor.example/w"
        self.policy = self.folder / "logs.txt"
        self.policy.write_text(f"log {self.key}\nlog {self.log.vkey}\nquorum none\n")
        self.state = self.folder / "state"
        self.process = None
        self.addCleanup(self.stop, signal.SIGKILL)
        self.start()

    def command(self, port=0):
        return [str(word) for word in (
            BIN / "sluice-authority", "log", "serve-witness", "--policy", self.policy, "--key", self.pem,
            "--name", self.name, "--state", self.state, "--listen", f"127.0.0.1:{port}")]

    def start(self, port=0):
        self.errors = (self.folder / "witness.err").open("ab")
        self.process = subprocess.Popen(self.command(port), stdout=subprocess.PIPE, stderr=self.errors, text=True)
        line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+", line)[0]
        self.port = int(self.url.rstrip("/").rsplit(":", 1)[1])

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(number)
        code = self.process.wait(10)
        self.process.stdout.close()
        self.errors.close()
        self.process = None
        return code

    def told(self):
        return (self.folder / "witness.err").read_text()

    def post(self, body, path="/add-checkpoint", method="POST"):
        peer = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            peer.request(method, path, body)
            answer = peer.getresponse()
            return answer.status, answer.read().decode(), answer.headers["Content-Type"]
        finally:
            peer.close()

    def ask(self, old, size, **more):
        return self.post(self.log.request(old, size, **more))

    def assert_cosigned(self, answer, text):
        status, line, _ = answer
        self.assertEqual(status, 200, line)
        dash, name, octets = line.split(" ")
        octets = base64.b64decode(octets)
        _, number, public = vkey(self.pem, self.name).split("+", 2)
        self.assertEqual((dash, name, octets[:4].hex()), ("\u2014", self.name, number))
        when = int.from_bytes(octets[4:12], "big")
        self.assertLess(abs(when - time.time()), 60)
        key = serialization.load_der_public_key(
            bytes.fromhex("302a300506032b6570032100") + base64.b64decode(public)[1:])
        key.verify(octets[12:], f"cosignature/v1\ntime {when}\n{text}".encode())

    def text(self, size, **more):
        return self.log.note(size, **more).split("\n\n")[0] + "\n"

    def test_a_log_that_grows(self):
        self.assertEqual(self.ask(5, 5)[:2], (409, "0\n"))
        before = 0
        for size in (1, 1, 2, 7, 8, 64, 65, 200):
            self.assert_cosigned(self.ask(before, size), self.text(size))
            before = size
        self.assertEqual(self.ask(7, 100), (409, "200\n", "text/x.tlog.size"))
        self.assertEqual(self.ask(0, 200)[:2], (409, "200\n"))
        self.assertEqual(self.ask(200, 100)[0], 400)
        # What stands behind the root is cosigned too.
        extended = {"extension": "more of it\n"}
        self.assert_cosigned(self.ask(200, 200, **extended), self.text(200, **extended))
        self.assertEqual(self.stop(), 0)
        self.start()
        self.assertEqual(self.ask(0, 1)[:2], (409, "200\n"))

    def test_a_log_that_was_forked(self):
        self.assert_cosigned(self.ask(0, 10), self.text(10))
        other = [leaf(b"other")] * 30
        self.assertEqual(self.ask(10, 20, leaves=other)[0], 422)
        self.assertEqual(self.ask(10, 20, proof=[])[0], 422)
        self.assertEqual(self.ask(10, 20, proof=consistency(10, self.log.leaves[:20])[::-1])[0], 422)
        self.assertEqual(self.ask(10, 20, proof=consistency(10, self.log.leaves[:20]) + [bytes(32)])[0], 422)
        self.assertEqual(self.ask(10, 10, proof=[bytes(32)])[0], 422)
        self.assertEqual(self.ask(10, 10, leaves=other)[:2], (409, "10\n"))
        self.assertIn("ALARM liar.example/log: two trees of 10 entries are signed", self.told())
        self.assert_cosigned(self.ask(10, 20), self.text(20))
        self.assertEqual(self.ask(0, 30, proof=[bytes(32)])[0], 409)

    def test_what_is_no_log_of_its_own(self):
        self.assertEqual(self.ask(0, 1, name="strange.example/log")[0], 404)
        stranger = serialization.load_pem_private_key(self.make_witness("stranger").read_bytes(), None)
        self.assertEqual(self.ask(0, 1, key=stranger)[0], 403)
        # Signatures of others, as of other witnesses, neither help nor harm.
        body = self.log.request(0, 1).decode() + \
            f"\u2014 other.example/w {base64.b64encode(bytes(76)).decode()}\n"
        self.assert_cosigned(self.post(body.encode()), self.text(1))
        self.assertEqual(self.ask(1, 2, proof=[bytes(32)] * 63)[0], 422)
        for broken in (b"", b"old 1", b"old 01\n\n", b"old -1\n\nx\n", b"new 1\n\n", b"old 1\nAAAA\n\n",
                       b"old 1\n" + base64.b64encode(bytes(32)) + b"\n" * 1, b"old 1\n\nno note\n",
                       self.log.request(1, 2, proof=[bytes(32)] * 64), b"old 1\n\n" + b"\xff" * 300,
                       self.log.request(1, 2)[:-1], b"old 99999999999999999999\n\n"):
            self.assertEqual(self.post(broken)[0], 400, broken[:60])
        self.assertEqual(self.post(b"x" * 100_000)[0], 413)
        self.assertEqual(self.post(b"", "/other")[0], 404)
        self.assertEqual(self.post(None, method="GET")[0], 405)
        self.assert_cosigned(self.ask(1, 2), self.text(2))

    def test_who_asks_again_and_again_keeps_no_disk_busy(self):
        self.assert_cosigned(self.ask(0, 10), self.text(10))
        file = next(self.state.glob("*.seen"))
        kept = file.stat().st_ino, file.stat().st_mtime_ns
        for _ in range(5):
            self.assert_cosigned(self.ask(10, 10), self.text(10))
        self.assertEqual((file.stat().st_ino, file.stat().st_mtime_ns), kept)
        # What another process wrote may not outlast a power cut: it is kept anew, once.
        self.stop(signal.SIGKILL)
        self.start()
        self.assert_cosigned(self.ask(10, 10), self.text(10))
        again = file.stat().st_ino, file.stat().st_mtime_ns
        self.assertNotEqual(again, kept)
        self.assert_cosigned(self.ask(10, 10), self.text(10))
        self.assertEqual((file.stat().st_ino, file.stat().st_mtime_ns), again)
        self.assert_cosigned(self.ask(10, 11), self.text(11))
        self.assertEqual(self.ask(0, 1)[:2], (409, "11\n"))

    def test_one_process_has_the_state(self):
        done = subprocess.run(self.command(), capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another process has this state", done.stderr)

    def test_a_state_that_cannot_be_read_cosigns_nothing(self):
        self.assert_cosigned(self.ask(0, 10), self.text(10))
        file = next(self.state.glob("*.seen"))
        whole = file.read_bytes()
        for spoilt in (b"", whole[:20], b"\xff" * 40):
            file.write_bytes(spoilt)
            self.assertEqual(self.ask(0, 10)[0], 500)
        file.write_bytes(whole)
        self.assert_cosigned(self.ask(10, 11), self.text(11))

    def test_two_that_ask_at_once(self):
        """Of many that continue one checkpoint, one is cosigned, and nothing goes back."""
        self.assert_cosigned(self.ask(0, 1), self.text(1))
        for base in (1, 20, 40):
            sizes = [base + 1 + i for i in range(10)]
            answers = {}
            asked = [threading.Thread(target=lambda s=size: answers.update({s: self.ask(base, s)}))
                     for size in sizes]
            for one in asked:
                one.start()
            for one in asked:
                one.join()
            won = [size for size in sizes if answers[size][0] == 200]
            self.assertEqual(len(won), 1, answers)
            self.assertEqual({a[:2] for a in answers.values() if a[0] != 200}, {(409, f"{won[0]}\n")})
            self.ask(won[0], base + 19 if base == 1 else 40)

    def test_killed_at_any_instant(self):
        """Nobody ever has a cosignature that the witness does not know of."""
        chance = random.Random(random.randrange(1 << 32))
        had = 0
        for size in range(1, 41):
            got = []

            def ask():
                try:
                    got.append(self.ask(had, size))
                except (OSError, http.client.HTTPException):
                    pass  # it was killed
            asked = threading.Thread(target=ask)
            asked.start()
            time.sleep(chance.uniform(0, 0.008))
            self.stop(signal.SIGKILL)
            asked.join()
            self.start()
            status, seen, _ = self.ask(199, 200)
            self.assertEqual(status, 409)
            if got and got[0][0] == 200:
                self.assertEqual(int(seen), size)
            self.assertIn(int(seen), (had, size))
            had = int(seen)
            # The log, which may have no answer, asks again.
            self.assert_cosigned(self.ask(had, size), self.text(size))
            had = size

    def test_killed_when_it_has_kept_what_it_has_not_answered(self):
        # On a disk, which takes its time to keep the folder, once the new content can be read.
        self.stop()
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="sluice-witness-", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, self.state, ignore_errors=True)
        self.start()
        self.assert_cosigned(self.ask(0, 1), self.text(1))
        file = next(self.state.glob("*.seen"))
        unanswered = 0
        for size in range(2, 22):
            got = []

            def ask():
                try:
                    got.append(self.ask(size - 1, size)[0])
                except (OSError, http.client.HTTPException):
                    pass  # it was killed
            asked = threading.Thread(target=ask)
            asked.start()
            while file.read_text().split("\n")[1] != str(size):
                pass
            self.stop(signal.SIGKILL)
            asked.join()
            self.start()
            unanswered += not got
            # Whether it had answered or not, it knows what it may have signed.
            self.assertEqual(self.ask(size - 1, size)[:2], (409, f"{size}\n"))
            self.assert_cosigned(self.ask(size, size), self.text(size))
        print(f"{unanswered} of 20 without an answer", flush=True)

    def test_publish_asks_it(self):
        folder = self.authority.folder / "policy"
        folder.mkdir(exist_ok=True)
        (folder / "tlog-policy.txt").write_text(
            f"log {self.key}\nwitness auditor {vkey(self.pem, self.name)} {self.url}\nquorum auditor\n")
        self.authority.run("sign", "--policy")
        self.authority.run("publish")
        box = self.box()
        self.assertEqual((box.status()["entries"], box.alarms()), (2, {}))
        for number in range(3):
            self.authority.add(f"n{number}.example")
            self.authority.release()
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertIsNotNone(box.status()["pull"]["witnessed"])
        # While it is away nothing is announced; back on its port, it is asked again.
        port = self.port
        self.stop()
        self.authority.add("late.example")
        self.authority.run("sign")
        self.assertNotEqual(self.authority.run("publish", check=False).returncode, 0)
        self.start(port)
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual((box.status()["entries"], box.alarms()), (6, {}))


if __name__ == "__main__":
    main()
