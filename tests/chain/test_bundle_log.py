"""Bundles of an authority whose releases are logged."""
import io
import re
import shutil
import tarfile

from carried import Carried
from harness import Authority, main
from log_case import LogTest


class Logged(Carried, LogTest):
    """Under a signed log policy a stick is held against the log as a mirror is."""

    def setUp(self):
        super().setUp()
        self.prepare()

    def release(self, name):
        self.authority.add(name)
        self.authority.release()

    def names(self):
        with tarfile.open(self.stick) as archive:
            return [member.name for member in archive if member.isfile()]

    def altered(self, name, change):
        """The stick with some of its files other than they were, or, by None, without them."""
        out = self.folder / "altered.tar"
        changed = 0
        with tarfile.open(self.stick) as old, \
                tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as new:
            for member in old:
                octets = old.extractfile(member).read()
                if re.search(name, member.name):
                    changed += 1
                    octets = change(octets) if change else None
                if octets is not None:
                    member.size = len(octets)
                    new.addfile(member, io.BytesIO(octets))
        self.assertGreater(changed, 0, name)
        return out

    def test_the_log_check_of_a_mirror(self):
        self.sign_policy()
        self.authority.run("publish")
        self.bundle()
        self.refused("has no proof that it was logged", self.altered("tlog-proof$", None))
        self.assertIn("release-not-logged", self.box.alarms())
        self.assertEqual(self.imported()["outcome"], "published")
        fork = Authority.__new__(Authority)
        fork.folder = self.folder / "fork"
        shutil.copytree(self.authority.folder, fork.folder)
        older = self.proof().read_bytes()
        self.release("one.example")
        self.bundle()
        for change, reason in ((None, "has no proof that it was logged"),
                               (lambda proof: b"", "is no proof of a log"),
                               (lambda proof: older, "does not lead from the release"),
                               (lambda proof: b"x" * 70_000, "longer than the 65536")):
            self.refused(reason, self.altered("tlog-proof$", change))
        # Nobody but this appliance has seen the log grow: no witness is asked.
        self.refused("no such file", self.altered("^log/tile/0/", None))
        self.refused("log that was forked",
                     self.altered("^log/tile/0/", lambda tile: bytes(len(tile))))
        self.assertIn("release-not-logged", self.box.alarms())
        self.assertEqual(self.imported()["outcome"], "published")
        self.assertEqual((self.box.status()["entries"], self.box.alarms()), (3, {}))
        for name in ("a.example", "b.example", "c.example"):
            fork.add(name)
            fork.release()
        fork.run("bundle", "--out", self.folder / "fork.tar")
        self.refused("log that was forked", self.folder / "fork.tar")

    def test_what_is_on_it(self):
        self.sign_policy()
        self.release("one.example")
        older = self.proof().read_bytes()
        self.release("two.example")
        self.bundle()
        names = self.names()
        # One release, whatever the repository keeps, and no entries: these are for auditors.
        for pattern in (r"snapshot\.json$", "tlog-proof$", r"full\.cpl\.zst$", "^log/tile/0/",
                        "^log/", r"1\.root\.json$", r"tlog-policy\.txt$"):
            found = [name for name in names if re.search(pattern, name)]
            self.assertEqual(len(found), 1, f"{pattern}: {found}")
        # What an appliance would refuse is not written.
        whole = self.stick.read_bytes()
        [tile] = [self.repo / name for name in names if name.startswith("log/")]
        for file, octets, reason in ((self.proof(), None, "has no proof that it was logged"),
                                     (self.proof(), older, "does not lead from the release"),
                                     (tile, None, "a tile of the log is not there")):
            good = file.read_bytes()
            file.unlink()
            if octets is not None:
                file.write_bytes(octets)
            told = self.authority.run("bundle", "--out", self.stick, check=False)
            self.assertEqual((told.returncode, self.stick.read_bytes()), (1, whole))
            self.assertIn(reason, told.stderr)
            file.write_bytes(good)

    def test_with_witnesses(self):
        self.sign_policy("2", ["auditor", "ngo"])
        # What waits for its witnesses is not on the stick; what was announced before it is.
        self.authority.run("publish", check=False)
        self.bundle()
        self.assertEqual(self.imported()["outcome"], "published")
        self.assertFalse((self.box.state / "trust/tlog-policy.txt").exists())
        self.cosign("auditor", "ngo")
        self.authority.run("publish")
        self.bundle()
        one_less = self.altered("tlog-proof$", lambda proof: proof.rsplit(b"\n", 2)[0] + b"\n")
        self.refused("has 1 cosignatures of witnesses, which is no quorum", one_less)
        self.assertEqual(self.imported()["outcome"], "unchanged")
        self.assertTrue((self.box.state / "trust/tlog-policy.txt").exists())
        self.authority.add("one.example")
        self.authority.run("sign")
        self.authority.run("publish", check=False)
        self.cosign("auditor", "ngo")
        self.authority.run("publish")
        self.bundle()
        # Their word is enough without tiles, and carries the time.
        self.assertEqual(self.imported(self.altered("^log/", None))["outcome"], "published")
        self.assertIsNotNone(self.box.status()["pull"]["witnessed"])
        self.assertEqual((self.box.status()["entries"], self.box.alarms()), (3, {}))


if __name__ == "__main__":
    main()
