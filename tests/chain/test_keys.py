"""Keys: encrypted at rest, replaced, revoked; and what an appliance makes of their changes."""
import json
import os
import pty
import re
import shutil
import subprocess

from harness import BIN, ChainTest, eventually, main

SECRET = "four words that nobody says"


class KeyTest(ChainTest):
    def setUp(self):
        super().setUp()
        self.keys = self.authority.folder / "keys"
        self.secret = self.folder / "secret"
        self.secret.write_text(SECRET + "\n")
        self.secret.chmod(0o600)

    def tool(self, *arguments, ok=True, **options):
        command = [str(c) for c in (BIN / "sluice-authority", *arguments)]
        # A session of its own has no terminal to ask on.
        options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                              start_new_session=True, **options)
        self.assertEqual(done.returncode == 0, ok, done.stdout + done.stderr)
        return done

    def box(self):
        box = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        box.start()
        eventually(lambda: box.status()["generation"] == 1)
        return box

    def key_id(self, name):
        return re.search(r"keyid\s+(\S+)", self.tool("key", "show", self.keys / name).stdout)[1]


class AtRest(KeyTest):
    def test_authority_with_encrypted_keys(self):
        office = self.folder / "office"
        self.tool("init", office, "--passphrase-file", self.secret)
        for pem in (office / "keys").iterdir():
            online = pem.name.split("-")[0] in ("snapshot", "timestamp", "log")
            self.assertEqual("ENCRYPTED" in pem.read_text(), not online, pem.name)
            self.assertEqual(pem.stat().st_mode & 0o777, 0o600)
        add = ("--dir", office, "add", "casino.example", "--category", "gambling", "--order", "X-1")
        self.tool(*add)
        refused = self.tool("--dir", office, "sign", ok=False)
        self.assertIn("is encrypted, and no passphrase was given", refused.stderr)
        other = self.folder / "other"
        other.write_text("another passphrase\n")
        other.chmod(0o600)
        refused = self.tool("--dir", office, "sign", "--passphrase-file", other, ok=False)
        self.assertIn("the passphrase is wrong, or the file is damaged", refused.stderr)
        read, write = os.pipe()
        os.write(write, SECRET.encode())
        os.close(write)
        self.tool("--dir", office, "sign", "--passphrase-fd", read, pass_fds=[read])
        os.close(read)
        # What is signed hourly asks nobody.
        self.tool("--dir", office, "publish")

    def test_openssl_reads_and_writes_them(self):
        mine = self.folder / "mine.pem"
        made = self.tool("key", "generate", mine, "--passphrase-file", self.secret).stdout
        subprocess.run(["openssl", "pkey", "-in", mine, "-passin", f"pass:{SECRET}", "-noout"], check=True)
        scheme = subprocess.run(["openssl", "asn1parse", "-in", mine], capture_output=True, text=True).stdout
        for part in ("PBES2", ":scrypt", "aes-256-cbc", ":4000", ":05"):
            self.assertIn(part, scheme)
        theirs = self.folder / "theirs.pem"
        subprocess.run(["openssl", "pkcs8", "-topk8", "-in", mine, "-passin", f"pass:{SECRET}",
                        "-passout", "pass:other words of them", "-v2", "aes-128-cbc", "-out", theirs],
                       check=True)
        other = self.folder / "other"
        other.write_text("other words of them")
        other.chmod(0o600)
        shown = self.tool("key", "show", theirs, "--passphrase-file", other).stdout
        self.assertIn(re.search(r"keyid\s+(\S+)", made)[1], shown)

    def test_encrypting_and_changing_the_passphrase(self):
        pem = self.keys / "list-police-1.pem"
        plain = pem.read_bytes()
        before = self.key_id(pem.name)
        self.tool("key", "encrypt", pem, "--passphrase-file", self.secret)
        other = self.folder / "other"
        other.write_text("quite another sentence")
        other.chmod(0o600)
        sealed = pem.read_bytes()
        for options, reason in (([], "no passphrase was given"),
                                (["--old-passphrase-file", other], "the passphrase is wrong")):
            done = self.tool("key", "encrypt", pem, "--passphrase-file", other, *options, ok=False)
            self.assertIn(reason, done.stderr)
            self.assertEqual(pem.read_bytes(), sealed)
        self.tool("key", "encrypt", pem, "--passphrase-file", other, "--old-passphrase-file", self.secret)
        shown = self.tool("key", "show", pem, "--passphrase-file", other, "--name", "a.example/w").stdout
        self.assertIn(before, shown)
        self.assertIn("witness a.example/w+", shown)
        self.assertNotIn(plain[40:80], pem.read_bytes())

    def test_bad_passphrases_and_files(self):
        for text, mode, reason in (("short", 0o600, "shorter than 12 octets"),
                                   ("", 0o600, "the passphrase is empty"),
                                   ("x" * 600, 0o600, "longer than 512 octets"),
                                   (SECRET, 0o644, "others can read the passphrase")):
            self.secret.write_text(text)
            self.secret.chmod(mode)
            done = self.tool("key", "generate", self.folder / "k.pem", "--passphrase-file",
                             self.secret, ok=False)
            self.assertIn(reason, done.stderr)
            self.assertFalse((self.folder / "k.pem").exists())
        self.assertIn("no terminal to ask on",
                      self.tool("key", "generate", self.folder / "k.pem", ok=False).stderr)
        self.tool("key", "generate", self.folder / "k.pem", "--plain")
        self.assertIn("a key is already there",
                      self.tool("key", "generate", self.folder / "k.pem", "--plain", ok=False).stderr)
        rsa = self.folder / "rsa.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "rsa", "-out", rsa], check=True,
                       capture_output=True)
        for pem, reason in ((rsa, "is neither an Ed25519 nor an SM2 key"), (self.secret, "is not a private key"),
                            ("pkcs11:object=x", "OpenSSL cannot open this key")):
            self.assertIn(reason, self.tool("key", "show", pem, ok=False).stderr)

    def test_terminal_is_asked_twice_and_shows_nothing(self):
        pem = self.folder / "asked.pem"
        for answers, good in (((SECRET, "a slip of the hand"), False), ((SECRET, SECRET), True)):
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(BIN / "sluice-authority", ["sluice-authority", "key", "generate", str(pem)])
            shown = b""
            for question, answer in zip((b"New passphrase: ", b"Once more: "), answers):
                while not shown.endswith(question):
                    shown += os.read(terminal, 1024)
                os.write(terminal, answer.encode() + b"\n")
            try:
                while piece := os.read(terminal, 4096):
                    shown += piece
            except OSError:
                pass  # the other side has closed the terminal
            _, status = os.waitpid(pid, 0)
            os.close(terminal)
            self.assertEqual(os.waitstatus_to_exitcode(status) == 0, good, shown)
            self.assertEqual(pem.exists(), good)
            self.assertNotIn(SECRET.encode(), shown)


class Roles(KeyTest):
    def roles(self):
        told = self.authority.run("role", "show").stdout
        return {m[1]: (m[2], m[3].split()) for m in
                re.finditer(r"^(\S+): (\d+ of \d+)\n((?:  \S+\n)*)", told, re.M)}

    def test_root_goes_from_hand_to_hand(self):
        box = self.box()
        before = self.roles()["root"][1]
        self.authority.run("role", "rotate", "root", "--key", self.keys / "root-1.pem")
        self.assertIn("root.json, by the keys of root before: has 1 of 3",
                      self.authority.run("publish", check=False).stderr)
        for number in (2, 3):
            self.authority.run("role", "sign", "--key", self.keys / f"root-{number}.pem")
        self.assertIn("by its own keys: has 0 of 3", self.authority.run("publish", check=False).stderr)
        for number in (6, 7, 8):
            told = self.authority.run("role", "sign", "--key", self.keys / f"root-{number}.pem").stdout
        self.assertNotIn("not enough", told)
        foreign = self.authority.run("role", "sign", "--key", self.keys / "targets-1.pem", check=False)
        self.assertIn("does not belong to the role root", foreign.stderr)
        self.authority.run("publish")
        after = self.roles()["root"][1]
        self.assertEqual((len(after), set(after) & set(before)), (5, set()))
        self.authority.add("more.example")
        self.authority.release()
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(box.status()["release"]["root"], 2)
        # An appliance that is installed only now begins with the new root.
        late = self.control(f"file://{self.authority.repo}/", "/etc/hosts")
        self.assertEqual(late.once().returncode, 0)
        # The next one is signed by the keys of this.
        self.authority.run("role", "change", "root", "--threshold", "2")
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "unchanged")
        self.assertEqual(self.roles()["root"][0], "2 of 5")

    def test_online_keys_are_revoked(self):
        box = self.box()
        stolen = self.folder / "stolen"
        shutil.copytree(self.authority.folder, stolen)
        for role in ("timestamp", "snapshot"):
            self.authority.run("role", "rotate", role)
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "unchanged")
        self.authority.add("more.example")
        self.authority.release()
        self.assertEqual(box.pull()["outcome"], "published")
        # What the old keys sign is worth nothing now, whatever its number.
        for i in range(4):
            self.tool("--dir", stolen, "publish")
        shutil.copy(stolen / "repo/metadata/timestamp.json", self.authority.repo / "metadata")
        self.assert_refused(box, "has 0 of 1 signatures that it needs, 1 by keys that are not the role's")

    def test_an_officials_key_is_revoked(self):
        box = self.box()
        lost = self.key_id("list-police-1.pem")
        self.authority.run("role", "change", "list-police", "--revoke", lost[:12], "--new", "1")
        refused = self.authority.run("publish", check=False)
        # Two keys of the list's last signatures are still good.
        self.assertEqual(refused.returncode, 0, refused.stderr)
        self.assertEqual(box.pull()["outcome"], "unchanged")
        self.authority.add("more.example")
        foreign = self.authority.run("sign", "--department", "police", "--key",
                                     self.keys / "list-police-1.pem", check=False)
        self.assertIn("does not belong to the role list-police", foreign.stderr)
        self.authority.run("sign", "--department", "police", "--key", self.keys / "list-police-4.pem")
        self.assertIn("has 1 of 2", self.authority.run("publish", check=False).stderr)
        self.authority.run("sign", "--department", "police", "--key", self.keys / "list-police-2.pem")
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "published")

    def test_all_keys_of_a_department_are_replaced(self):
        box = self.box()
        self.authority.run("role", "rotate", "list-police")
        refused = self.authority.run("publish", check=False)
        self.assertIn("list-police: has 0 of 2", refused.stderr)
        self.assertIn("sign --renew --department police", refused.stderr)
        self.authority.run("sign", "--renew", "--department", "police")
        self.authority.run("publish")
        self.assertEqual(box.pull()["outcome"], "unchanged")
        self.authority.add("more.example")
        self.authority.release()
        self.assertEqual(box.pull()["outcome"], "published")

    def test_keys_of_targets_and_rules_beside_them(self):
        box = self.box()
        self.authority.run("role", "rotate", "targets")
        self.assertIn("sign --policy", self.authority.run("publish", check=False).stderr)
        (self.authority.folder / "policy").mkdir()
        (self.authority.folder / "policy/guards.yaml").write_text("guards: 1\n")
        self.authority.run("sign", "--policy")
        self.authority.run("role", "change", "list-press", "--threshold", "3")
        self.authority.run("publish")
        self.assertEqual(self.roles()["list-press"][0], "3 of 3")
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(box.status()["alarms"], [])

    def test_a_key_that_was_made_elsewhere(self):
        token = self.folder / "token.pem"
        told = self.tool("key", "generate", token, "--plain").stdout
        public = json.loads(re.search(r"public\s+(\{.*\})", told)[1])["keyval"]["public"]
        self.authority.run("role", "change", "list-press", "--add", public, "--threshold", "3")
        self.authority.run("sign", "--renew", "--department", "press")
        self.authority.run("sign", "--renew", "--department", "press", "--key", token)
        self.authority.run("publish")
        self.assertEqual(self.roles()["list-press"][0], "3 of 4")

    def test_changes_that_make_no_sense(self):
        for arguments, reason in ((["list-nobody", "--new", "1"], "there is no such role"),
                                  (["list-press", "--threshold", "4"], "would be 4 of 3 keys"),
                                  (["root", "--threshold", "0"], "would be 0 of 5 keys"),
                                  (["root", "--revoke", "ab"], "at least 8 digits"),
                                  (["root", "--revoke", "0123456789ab"], "is not the key id"),
                                  (["root", "--add", "zz"], "64 lower-case hexadecimal digits")):
            refused = self.authority.run("role", "change", *arguments, check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(reason, refused.stderr)
        self.assertFalse((self.authority.folder / "staged").exists())


if __name__ == "__main__":
    main()
