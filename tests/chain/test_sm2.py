"""Officials whose keys are of SM2, beside others of Ed25519, with OpenSSL's command line as the second
program that makes keys and verifies."""
import json
import re
import subprocess

from harness import ChainTest, eventually, main

SM2 = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]


class Sm2(ChainTest):
    def setUp(self):
        super().setUp()
        self.keys = self.authority.folder / "keys"
        self.pem = [self.folder / "li.pem", self.folder / "wang.pem"]
        self.authority.run("key", "generate", "--sm2", "--plain", self.pem[0])
        # A key of another program's.
        subprocess.run(["openssl", "genpkey", "-algorithm", "SM2", "-out", self.pem[1]], check=True)
        self.box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)

    def public(self, pem):
        return re.search(r'"public":"([0-9a-f]+)"', self.authority.run("key", "show", pem).stdout)[1]

    def enrol(self):
        """Both become officials of the police, in the place of those that were."""
        for pem in self.pem:
            self.authority.run("role", "change", "list-police", "--add", self.public(pem))
        self.authority.run("publish")

    def sign(self, *pems):
        for pem in pems:
            told = self.authority.run("sign", "--department", "police", "--key", pem).stdout
        return told

    def document(self):
        return max((self.authority.repo / "metadata").glob("*.list-police.json"),
                   key=lambda file: int(file.name.split(".")[0]))

    def test_two_officials_publish_and_appliances_believe_them(self):
        self.assertRegex(self.public(self.pem[0]), r"^04[0-9a-f]{128}$")
        der = subprocess.run(["openssl", "pkey", "-in", self.pem[1], "-pubout", "-outform", "DER"],
                             capture_output=True, check=True).stdout
        self.assertEqual(self.public(self.pem[1]), der[-65:].hex())
        self.enrol()
        self.authority.add("new.example")
        self.assertIn("2 of 2 signatures", self.sign(*self.pem))
        self.authority.run("publish")
        self.assertEqual(self.box.pull()["outcome"], "published")
        self.assertEqual((self.box.status()["entries"], self.box.alarms()), (3, {}))
        # What was signed, to the command line of OpenSSL.
        document = json.loads(self.document().read_text())
        message = self.folder / "message"
        message.write_text(json.dumps(document["signed"], sort_keys=True, separators=(",", ":")))
        verified = 0
        for pem in self.pem:
            for one in document["signatures"]:
                (self.folder / "sig").write_bytes(bytes.fromhex(one["sig"]))
                done = subprocess.run(["openssl", "pkeyutl", "-verify", "-inkey", pem, *SM2, "-in", message,
                                       "-sigfile", self.folder / "sig"], capture_output=True, text=True)
                verified += "Verified Successfully" in done.stdout
        self.assertEqual(verified, 2)

    def test_schemes_side_by_side(self):
        self.enrol()
        self.authority.add("new.example")
        self.assertIn("1 of 2 signatures so far", self.sign(self.pem[0]))
        self.assertIn("has 1 of 2", self.authority.run("publish", check=False).stderr)
        self.assertIn("2 of 2 signatures", self.sign(self.keys / "list-police-1.pem"))
        self.authority.run("publish")
        self.assertEqual(self.box.pull()["outcome"], "published")

    def test_what_is_altered_is_refused(self):
        self.enrol()
        self.authority.add("new.example")
        self.sign(*self.pem)
        staged = self.authority.folder / "staged/list-police.json"
        good = json.loads(staged.read_text())
        for change in (lambda one: one[:-2] + f"{int(one[-2:], 16) ^ 1:02x}", lambda one: one + "00",
                       lambda one: one[:-2], lambda one: "", lambda one: "00" * 64):
            bad = json.loads(json.dumps(good))
            bad["signatures"][0]["sig"] = change(bad["signatures"][0]["sig"])
            staged.write_text(json.dumps(bad))
            done = self.authority.run("publish", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("has 1 of 2 signatures that it needs, 1 wrong", done.stderr)
        staged.write_text(json.dumps(good))
        self.authority.run("publish")

    def test_where_it_is_not_taken(self):
        done = self.authority.run("key", "generate", "--sm2", "--plain", "--name", "w.example/w",
                                  self.folder / "w.pem", check=False)
        self.assertIn("sign by Ed25519 alone", done.stderr)
        done = self.authority.run("log", "witness", self.authority.repo, "--log", re.search(
            r"^key (\S+)$", self.authority.run("log", "status").stdout, re.M)[1], "--key", self.pem[0],
            "--name", "w.example/w", "--state", self.folder / "seen", check=False)
        self.assertIn("sign by Ed25519 alone", done.stderr)
        other = self.folder / "p256.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-out", other], check=True)
        done = self.authority.run("key", "show", other, check=False)
        self.assertIn("is neither an Ed25519 nor an SM2 key", done.stderr)
        done = self.authority.run("role", "change", "list-police", "--add", "04" + "11" * 64, check=False)
        self.assertIn("is a point of its curve", done.stderr)


if __name__ == "__main__":
    main()
