"""Lists that no release names any more: who still gets them, and what is there afterwards."""
import json
import threading

from harness import ChainTest, eventually, main
from mirror import Mirror, make_ca


class Retiring(ChainTest):
    def setUp(self):
        super().setUp()
        ca, certificate, key = make_ca(self.folder / "tls")
        self.mirror = Mirror(self.authority.repo, certificate, key)
        self.addCleanup(self.mirror.close)
        self.box = self.control(self.mirror.url, ca)

    def publish(self, name):
        self.authority.add(name)
        return self.authority.release()

    def full_lists(self, below="repo"):
        return sorted((self.authority.folder / below / "targets/lists/police").glob("*.full.cpl.zst"))

    def a_week_later(self):
        """What the record says, as it would be if nothing had been published for eight days."""
        record = self.authority.folder / "retiring.json"
        record.write_text(json.dumps({path: "2026-01-01T00:00:00Z"
                                      for path in json.loads(record.read_text())}))
        return self.authority.run("publish").stdout

    def test_a_download_outlasts_two_releases(self):
        begun, go_on = threading.Event(), threading.Event()

        def slow(request):
            begun.set()
            go_on.wait(30)
            self.mirror.behaviours.clear()
            request.reply(200, (self.mirror.repo / request.path.lstrip("/")).read_bytes())

        self.mirror.behaviours["full.cpl"] = slow
        self.box.start()
        self.assertTrue(begun.wait(10))
        self.publish("two.example")
        self.publish("three.example")
        go_on.set()
        eventually(lambda: self.box.status()["generation"] == 1)
        self.assertEqual((self.box.status()["entries"], self.box.alarms()), (2, {}))
        self.box.pull()
        self.assertEqual(self.box.status()["entries"], 4)

    def test_what_is_retired_is_missed_by_nobody(self):
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)
        first = self.full_lists()
        self.publish("two.example")
        self.publish("three.example")
        self.assertEqual(len(self.full_lists()), 3)
        self.assertNotIn("retired", self.authority.run("publish").stdout)
        self.assertRegex(self.a_week_later(), r"\d+ files, \d+ octets, that no release names any more: retired")
        self.assertEqual((len(self.full_lists()), len(self.full_lists("retired"))), (1, 2))
        self.assertNotIn("retired", self.authority.run("publish").stdout)
        # One that was away since the first list, and a new one.
        self.assertEqual(self.box.pull()["outcome"], "published")
        self.assertEqual(self.box.status()["entries"], 4)
        fresh = self.control(self.mirror.url, self.box.settings["ca"])
        self.assertEqual(fresh.once().returncode, 0)
        # Officials still go back to what left the mirrors.
        self.authority.run("withdraw", "--department", "police", "--to", "1", "--by", "li", "--key",
                           self.authority.folder / "keys/list-police-1.pem", "--reason", "wrong list")
        self.authority.run("approve", "--department", "police", "--by", "wang", "--key",
                           self.authority.folder / "keys/list-police-2.pem")
        self.authority.run("publish")
        self.assertEqual(self.box.pull()["outcome"], "published")
        self.assertEqual(self.box.status()["entries"], 2)
        self.assertNotIn(first[0], self.full_lists())

    def test_a_repository_that_cannot_be_changed_is_published_all_the_same(self):
        self.publish("two.example")
        record = self.authority.folder / "retired"
        record.write_text("in the way")
        told = self.a_week_later()
        self.assertIn("published, but old files stay", told)
        self.assertRegex(told, "snapshot 3, timestamp 4")
        self.assertEqual(len(self.full_lists()), 2)


if __name__ == "__main__":
    main()
