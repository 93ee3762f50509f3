"""Witnesses that publish asks over HTTP (c2sp.org/tlog-witness), made here without the program that is
tested: they check signature and consistency of what they are sent, and misbehave on request."""
import base64
import hashlib
import http.server
import json
import threading
import time

from cryptography.hazmat.primitives import serialization

from harness import main
from log_case import LogTest, vkey


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def consistent(old, old_root, new, new_root, proof):
    """RFC 9162 section 2.1.4.2."""
    proof = list(proof)
    if old in (0, new):
        return not proof and (old == 0 or old_root == new_root)
    if old & (old - 1) == 0:
        proof.insert(0, old_root)
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_hash = new_hash = proof[0]
    for one in proof[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_hash, new_hash = node(one, old_hash), node(one, new_hash)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new_hash = node(new_hash, one)
        first, last = first >> 1, last >> 1
    return (old_hash, new_hash, last) == (old_root, new_root, 0)


class Witness:
    def __init__(self, name, pem, log_key):
        self.name = f"{name}.example/w"
        self.vkey = vkey(pem, self.name)
        self.key = serialization.load_pem_private_key(pem.read_bytes(), None)
        self.log_name, log_id, log_public = log_key.split("+", 2)
        self.log_id = bytes.fromhex(log_id)
        self.log_public = base64.b64decode(log_public)[1:]
        self.size, self.root = 0, None
        self.asked = []  # old sizes
        self.misbehave = None
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = witness.answer(self.path, body)
                self.send_response(status)
                if status == 409:
                    self.send_header("Content-Type", "text/x.tlog.size")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/submit"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, body):
        head, _, note = body.partition(b"\n\n")
        first, *lines = head.decode().split("\n")
        word, old = first.split(" ")
        self.asked.append(int(old))
        if self.misbehave:
            return self.misbehave(note)
        text, signatures = note.decode().split("\n\n")
        text += "\n"
        origin, size, root = text.split("\n")[:3]
        if path != "/submit/add-checkpoint" or word != "old" or origin != self.log_name:
            return 404, b""
        for line in signatures.split("\n"):
            octets = base64.b64decode(line.rsplit(" ", 1)[1])
            if octets[:4] == self.log_id:
                public = serialization.load_der_public_key(
                    bytes.fromhex("302a300506032b6570032100") + self.log_public)
                public.verify(octets[4:], text.encode())  # raises
                break
        else:
            return 403, b""
        if int(old) > int(size):
            return 400, b""
        if int(old) != self.size:
            return 409, f"{self.size}\n".encode()
        root = base64.b64decode(root)
        if not consistent(self.size, self.root, int(size), root, map(base64.b64decode, lines)):
            return 422, b""
        self.size, self.root = int(size), root
        return 200, self.cosign(text)

    def cosign(self, text, key=None):
        now = int(time.time())
        octets = (key or self.key).sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        number = bytes.fromhex(self.vkey.split("+", 2)[1])
        line = base64.b64encode(number + now.to_bytes(8, "big") + octets).decode()
        other = base64.b64encode(b"\1\2\3\4" + bytes(72)).decode()
        return f"\u2014 stranger.example/w {other}\n\u2014 {self.name} {line}\n".encode()


class Asking(LogTest):
    def setUp(self):
        super().setUp()
        self.witnesses = {}
        for name in ("auditor", "ngo", "isp"):
            self.witnesses[name] = Witness(name, self.make_witness(name), self.key)
            self.addCleanup(self.witnesses[name].close)
        self.write_policy()
        self.authority.run("sign", "--policy")

    def write_policy(self):
        lines = [f"log {self.key}\n"]
        lines += [f"witness {name} {one.vkey} {one.url}\n" for name, one in self.witnesses.items()]
        folder = self.authority.folder / "policy"
        folder.mkdir(exist_ok=True)
        (folder / "tlog-policy.txt").write_text(
            "".join(lines) + "group outside 2 auditor ngo isp\nquorum outside\n")

    def publish(self, name, check=True):
        self.authority.add(name)
        self.authority.run("sign")
        return self.authority.run("publish", check=check)

    def test_one_publish_does_it_all(self):
        self.authority.run("publish")
        box = self.box()
        self.assertEqual(box.status()["entries"], 2)
        for number in range(9):
            self.publish(f"n{number}.example")
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual((box.status()["entries"], box.alarms()), (11, {}))
        self.assertRegex(box.status()["pull"]["witnessed"], r"^20\d\d-")
        auditor, ngo, isp = self.witnesses.values()
        # A quorum is asked, who says once what it has seen before.
        self.assertEqual((auditor.size, ngo.size, isp.asked), (12, 12, []))
        self.assertEqual(auditor.asked, [2, 0, *range(3, 12)])

    def test_others_step_in_for_one_that_was_away(self):
        auditor, ngo, isp = self.witnesses.values()
        self.authority.run("publish")
        ngo.misbehave = lambda note: (503, b"busy")
        for number in range(5):
            self.publish(f"n{number}.example")
        self.assertEqual((auditor.size, ngo.size, isp.size), (8, 3, 8))
        ngo.misbehave = None
        auditor.misbehave = lambda note: (503, b"busy")
        # Each is asked from where it stands.
        self.publish("last.example")
        self.assertEqual((auditor.size, ngo.size, isp.size), (8, 9, 9))
        self.assertEqual(ngo.asked[-2:], [8, 3])

    def test_what_is_no_cosignature(self):
        auditor, ngo, isp = self.witnesses.values()
        self.authority.run("publish")
        snapshot, size = self.snapshot(), auditor.size
        ngo.misbehave = isp.misbehave = lambda note: (500, b"")
        self.publish("more.example", check=False)
        stranger = serialization.load_pem_private_key(self.make_witness("stranger").read_bytes(), None)
        older = auditor.cosign("other.example/log\n3\n" + base64.b64encode(bytes(32)).decode() + "\n")
        for answer, reason in (
                (lambda note: (200, b""), "ngo: http://127.0.0.1"),
                (lambda note: (200, b""), "gives no cosignature of its key"),
                (lambda note: (200, b"\xff\0 noise\n\n\xe2\x80\x94 \n" * 9), "gives no cosignature of its key"),
                (lambda note: (200, ngo.cosign(note.decode().split("\n\n")[0] + "\n", stranger)),
                 "gives no cosignature of its key"),
                (lambda note: (200, older), "gives no cosignature of its key"),
                (lambda note: (200, b"x" * 70_000), "answers with more than 65536 octets"),
                (lambda note: (403, b""), "answers with status 403"),
                (lambda note: (409, b"many\n"), "answers 409 without the size that it has seen"),
                (lambda note: (409, b"2"), "answers 409 without the size that it has seen"),
                (lambda note: (409, b"2\n"), "answers with status 409"),
                (lambda note: (409, b"900\n"), "has cosigned a log of 900 entries, where this one has 4"),
                (lambda note: (409, b"900\n"), "nobody has signed this answer; ask the witness, and compare")):
            ngo.misbehave = answer
            told = self.authority.run("publish", check=False)
            self.assertEqual(told.returncode, 1)
            self.assertIn("has 1 cosignatures of witnesses, which is no quorum", told.stderr)
            self.assertIn(reason, told.stderr)
            self.assertIn("isp: ", told.stderr)
            self.assertEqual(self.snapshot(), snapshot)
        # It cosigned once, and is not asked again for the same.
        self.assertEqual((auditor.size, len(auditor.asked)), (size + 1, 3))
        ngo.misbehave = None
        self.authority.run("publish")
        self.assertEqual(self.snapshot(), snapshot + 1)
        self.verify()

    def test_nobody_is_there(self):
        for one in self.witnesses.values():
            one.close()
            one.close = lambda: None
        told = self.authority.run("publish", check=False)
        self.assertEqual(told.returncode, 1)
        self.assertIn("has 0 cosignatures of witnesses, which is no quorum; auditor: ", told.stderr)
        self.assertIn("see that the witness is there under its URL in policy/tlog-policy.txt", told.stderr)
        self.assertNotIn("authority.", told.stderr)
        # What they give by hand counts all the same.
        self.cosign("auditor", "isp")
        self.assertEqual(json.loads((self.repo / "metadata/timestamp.json").read_text())["signed"]["version"], 2)
        self.authority.run("publish")


if __name__ == "__main__":
    main()
