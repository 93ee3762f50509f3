"""A repository on a stick: one tar archive, through the same verification as a mirror's files."""
import io
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time

from carried import Carried
from harness import CONFIG, Authority, ChainTest, main


class Bundles(Carried, ChainTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="sluice-chain-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        office = Authority(cls.shared / "office")
        office.add("casino.example", "bet.test")
        office.release()
        cls.office = office.folder

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.shared))
        shutil.copytree(self.office, self.folder / "authority")
        self.authority = Authority.__new__(Authority)
        self.authority.folder = self.folder / "authority"
        self.prepare()

    def write(self, *members, tail=True, format=tarfile.USTAR_FORMAT):
        """An archive of (name, type, what): the octets of a file, or where a link leads."""
        with tarfile.open(self.stick, "w", format=format) as archive:
            for name, kind, what in members:
                info = tarfile.TarInfo(name)
                info.type = kind
                if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                    info.linkname = what
                    archive.addfile(info)
                else:
                    info.size = len(what)
                    archive.addfile(info, io.BytesIO(what))

    def test_lists_come_by_it_alone(self):
        self.assertEqual(self.box.status()["generation"], 0)
        self.bundle()
        self.assertEqual(self.imported()["outcome"], "published")
        self.assertEqual(self.box.status()["entries"], 2)
        self.assertEqual(self.imported()["outcome"], "unchanged")
        self.authority.add("new.example")
        self.authority.release()
        self.bundle()
        self.assertEqual(self.imported()["generation"], 2)
        self.assertRegex(self.box.log.read_text(), r"audit: import bundle .*lists.tar, by 'li'")
        self.box.stop(signal.SIGKILL)
        self.box.start()
        self.assertIsNotNone(self.box.status()["pull"]["fresh_until"])
        self.assertEqual((self.box.status()["entries"], self.box.alarms()), (3, {}))

    def test_any_tar_of_a_repository_will_do(self):
        subprocess.run(["tar", "--format=ustar", "-cf", self.stick, "-C", self.authority.repo, "."],
                       check=True)
        self.assertEqual(self.imported()["outcome"], "published")

    def test_the_same_rules_as_for_mirrors(self):
        self.bundle()
        old = self.folder / "old.tar"
        shutil.copy(self.stick, old)
        self.imported()
        self.authority.add("new.example")
        self.authority.release()
        self.bundle()
        whole = self.stick.read_bytes()
        at = whole.index(b"metadata/3.snapshot.json\0") + 512 + 40
        self.stick.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        self.refused("SHA-256")
        self.stick.write_bytes(whole)
        self.imported()
        self.refused("older than", old)
        stranger = Authority(self.folder / "stranger")
        stranger.run("bundle", "--out", self.stick)
        self.refused("signature")

    def test_what_is_no_bundle(self):
        self.bundle()
        whole = self.stick.read_bytes()
        self.imported()
        root = (self.authority.repo / "metadata/1.root.json").read_bytes()
        file = tarfile.REGTYPE
        for members, reason in (
                ([("../escape", file, b"x")], "no part of it"),
                ([("/tmp/sluice-escape", file, b"x")], "no part of it"),
                ([("metadata/../../escape", file, b"x")], "no part of it"),
                ([("metadata/..", file, b"x")], "no part of it"),
                ([("metadata//a", file, b"x")], "no part of it"),
                ([("keys/root.pem", file, b"x")], "no part of it"),
                ([("metadata/a b", file, b"x")], "no part of it"),
                ([("/".join("metadata" for _ in range(9)), file, b"x")], "no part of it"),
                ([("metadata", tarfile.SYMTYPE, "/etc"), ("metadata/x", file, b"x")], "neither"),
                ([("metadata/x", tarfile.LNKTYPE, "/etc/shadow")], "neither"),
                ([("metadata/x", tarfile.SYMTYPE, "1.root.json")], "neither"),
                ([("metadata/x", tarfile.FIFOTYPE, b"")], "neither"),
                ([("metadata/x", tarfile.CHRTYPE, b"")], "neither"),
                ([("metadata/x", file, b"x"), ("metadata/x", file, b"y")], "twice"),
                ([("metadata/x", file, b"x"), ("metadata/x/y", file, b"y")], "metadata/x"),
                ([(f"metadata/{n}", file, b"") for n in range(20_001)], "too many"),
                ([("metadata/1.root.json", file, root)], "no such file")):
            self.write(*members)
            self.refused(reason)
        self.write(("metadata/x", file, b"x"))
        huge = bytearray(self.stick.read_bytes())
        huge[124:136] = b"77777777777\0"
        huge[148:156] = b" " * 8
        huge[148:156] = b"%06o\0 " % sum(huge[:512])
        self.stick.write_bytes(huge)
        self.refused("too long")
        for cut in (0, 100, 512, 700, len(whole) // 2, len(whole) - 1024):
            self.stick.write_bytes(whole[:cut])
            self.refused("is cut")
        self.stick.write_bytes(os.urandom(4096))
        self.refused("no tar archive")
        self.write(("metadata/x", file, b"x"), format=tarfile.PAX_FORMAT)
        self.refused("no such file", self.stick)
        self.refused("cannot be read", self.folder / "nothing.tar")
        self.refused("cannot be read", self.folder)
        os.mkfifo(self.folder / "pipe")  # as a shell makes of <(ssh …)
        self.refused("cannot be read", self.folder / "pipe")
        self.assertFalse(pathlib.Path("/tmp/sluice-escape").exists())
        self.assertEqual([p for p in self.box.state.parent.rglob("escape")], [])
        self.stick.write_bytes(whole)
        self.assertEqual(self.imported()["outcome"], "unchanged")

    def test_killed_at_random_instants(self):
        self.authority.add(*[f"n{n}.example" for n in range(2000)])
        self.authority.release()
        self.bundle()
        for step in range(6):
            request = {"path": str(self.stick), "who": "li", "reason": "x"}
            asked = threading.Thread(target=lambda: self.ask_and_forget(request))
            asked.start()
            time.sleep(0.01 * step)
            self.box.stop(signal.SIGKILL)
            asked.join()
            self.box.start()
            self.assertFalse((self.box.state / "bundle").exists())
            self.assertIn(self.box.status()["entries"], (0, 2002))
        self.imported()
        self.assertEqual(self.box.status()["entries"], 2002)

    def ask_and_forget(self, request):
        try:
            self.box.ask("import-bundle", **request)
        except OSError:
            pass


if __name__ == "__main__":
    assert CONFIG
    main()
