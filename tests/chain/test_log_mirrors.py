"""The tiles of the log as mirrors have them: partial ones gone, not there yet, or not those of a log."""
import shutil

from carried import Carried
from harness import eventually, main
from log_case import LogTest
from mirror import Mirror, make_ca


class LogMirrors(Carried, LogTest):
    """Nobody but the appliance sees the log grow: no witness is asked."""

    def setUp(self):
        super().setUp()
        self.sign_policy()
        self.authority.run("publish")
        self.ca, self.certificate, self.key_file = make_ca(self.folder / "tls")

    def publish(self, name):
        self.authority.add(name)
        self.authority.release()

    def mirror(self, repo=None):
        mirror = Mirror(repo or self.repo, self.certificate, self.key_file)
        self.addCleanup(mirror.close)
        return mirror

    def start(self, first, *others):
        box = self.control(first.url, self.ca)
        if others:
            listed = ", ".join(f"'{mirror.url}'" for mirror in others)
            box.config.write_text(box.config.read_text().replace(
                "  poll_seconds", f"  mirrors: [{listed}]\n  poll_seconds"))
        box.start()
        eventually(lambda: not box.status()["pull"]["running"])
        self.assertEqual(box.status()["entries"], 2, box.log.read_text())
        return box

    def widths(self, kind):
        """Of a tile that is not full yet: its folder, and the numbers of its files."""
        folder = self.repo / f"log/tile/{kind}/000.p"
        return folder, max(int(file.name) for file in folder.iterdir())

    def fill(self, kind, rest):
        """The mirror is of later than its timestamp: the tile is full, so its parts are gone."""
        folder, width = self.widths(kind)
        begin = (folder / str(width)).read_bytes()
        (folder.parent / "000").write_bytes(begin + rest(256 - width))
        shutil.rmtree(folder)
        return begin

    def test_a_full_tile_stands_for_its_parts(self):
        mirror = self.mirror()
        box = self.start(mirror)
        self.publish("new.example")
        begin = self.fill("0", lambda count: b"\5" * 32 * count)
        reply = box.pull()
        self.assertEqual((reply.get("outcome"), box.alarms()), ("published", {}))
        tiles = [path for path in mirror.requests if "/log/tile/" in path]
        self.assertEqual([path.split("/")[-1] for path in tiles[-2:]], [str(len(begin) // 32), "000"])

    def test_a_full_tile_that_is_none(self):
        box = self.start(self.mirror())
        self.publish("new.example")
        begin = self.fill("0", lambda count: b"\5" * 32 * count)
        full = self.repo / "log/tile/0/000"
        # Cut short, of another log, and longer than any tile.
        for octets, reason in ((begin[:-32], "octets where a tile has"), (bytes(8192), "was forked"),
                               (begin + bytes(8192), "is longer than the 8192 octets")):
            full.write_bytes(octets)
            self.assert_refused(box, reason)
            self.assertIn("release-not-logged", box.alarms())
        full.write_bytes(begin + bytes(8192 - len(begin)))
        self.assertEqual(box.pull()["outcome"], "published")
        self.assertEqual(box.alarms(), {})

    def test_auditors_take_a_full_tile_too(self):
        self.make_witness("auditor")
        self.witness("auditor")
        self.publish("new.example")
        self.fill("0", lambda count: b"\5" * 32 * count)
        # One more entry than the checkpoint tells, and then what cannot be entries at all.
        self.fill("entries", lambda count: b"\0\3abc" * count)
        self.verify()
        self.witness("auditor")
        full = self.repo / "log/tile/entries/000"
        full.write_bytes(full.read_bytes()[:40])
        self.assertIn("is not the", self.verify(check=False).stdout)

    def test_a_bundle_has_the_full_tile(self):
        self.prepare()
        self.bundle()
        self.assertEqual(self.imported()["outcome"], "published")
        self.publish("new.example")
        self.fill("0", lambda count: b"\5" * 32 * count)
        self.bundle()
        self.assertEqual(self.imported()["outcome"], "published")
        self.assertEqual((self.box.status()["entries"], self.box.alarms()), (3, {}))

    def test_a_mirror_without_the_newest_tiles_gives_way(self):
        """Whose log/ comes after its metadata/: what it lacks another one has."""
        shutil.copytree(self.repo, self.folder / "late")
        late, good = self.mirror(self.folder / "late"), self.mirror()
        box = self.start(good, late)
        for number in range(40):
            asked = len(late.requests)
            self.publish(f"n{number}.example")
            for folder in ("metadata", "targets"):
                shutil.copytree(self.repo / folder, late.repo / folder, dirs_exist_ok=True)
            reply = box.pull()
            self.assertEqual((reply.get("outcome"), box.alarms()), ("published", {}), reply)
            if any("/log/tile/" in path for path in late.requests[asked:]):
                return
        self.fail("the late mirror was never asked first")


if __name__ == "__main__":
    main()
