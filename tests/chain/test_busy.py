"""What a person asks for while a download lasts: it is done at once, and the download goes on."""
import datetime
import threading
import time

from emergency_case import MINUTE, OCTETS_A_SECOND, EmergencyCase
from harness import eventually, main

LATE = 5  # seconds, of a busy machine
AT_ONCE = 10  # seconds, of a busy machine; the download lasts minutes


class Busy(EmergencyCase):
    def setUp(self):
        super().setUp()
        self.fast, self.begun = False, []

    def download(self):
        """Begins one that lasts."""
        self.mirror.behaviours["targets/lists/cyberspace"] = self.slow
        self.import_names(60_000)
        self.box.ask("pull", wait_seconds=0)
        eventually(lambda: self.begun)
        time.sleep(2)

    def end(self, entries):
        """Lets it end: what had come was kept."""
        self.assertTrue(self.box.status()["pull"]["running"])
        self.fast = True
        eventually(lambda: self.box.status()["entries"] == entries, MINUTE, self.box.log.read_text())
        self.assertGreater(max(self.begun), OCTETS_A_SECOND, self.begun)
        self.assertEqual(self.box.alarms(), {})

    def at_once(self, what):
        begin = time.monotonic()
        done = what()
        self.assertLess(time.monotonic() - begin, AT_ONCE, self.box.log.read_text())
        return done

    def test_a_configuration_is_taken_over(self):
        self.download()
        text = self.box.config.read_text().replace("[defaults]", "[defaults, social]")
        self.box.config.write_text(text)
        reply = self.at_once(lambda: self.box.ask("config-reload", who="li", reason="x"))
        self.assertTrue(reply["ok"], reply)
        self.assertEqual(self.box.status()["generation"], 2)
        self.end(60_002)

    def test_a_trial_ends_with_its_time(self):
        self.download()
        text = self.box.config.read_text().replace("[defaults]", "[defaults, social]")
        reply = self.at_once(lambda: self.box.ask("config-try", who="li", reason="x", seconds=5, text=text))
        self.assertTrue(reply["ok"], reply)
        self.assertIn("config-trial", self.box.alarms())
        self.at_once(lambda: eventually(lambda: "config-trial" not in self.box.alarms()))
        self.end(60_002)

    def test_a_bundle_is_imported(self):
        stick = self.folder / "lists.tar"
        self.authority.add("carried.example")
        self.authority.release()
        self.authority.run("bundle", "--out", stick)
        self.box.pull()
        self.download()
        reply = self.at_once(lambda: self.box.ask("import-bundle", path=str(stick), who="li", reason="x"))
        # It is older than what the mirror has announced: refused, and that at once.
        self.assertFalse(reply["ok"], reply)
        self.fast = True
        eventually(lambda: self.box.status()["entries"] == 60_003, MINUTE)

    def test_an_approval_counts(self):
        self.protect("school.example")
        self.authority.release()
        self.box.pull()
        self.authority.run("emergency", "school.example", "--category", "fraud", "--order", "E-1")
        self.download()
        held = eventually(lambda: self.box.status()["held_urgent"], 10, self.box.log.read_text())
        begin = time.monotonic()
        self.ctl("list", "approve", held["release"], "--reason", "it is so")
        eventually(lambda: self.departments().get("emergency", {}).get("entries") == 1, AT_ONCE)
        self.assertLess(time.monotonic() - begin, AT_ONCE)
        self.assertTrue(self.box.status()["pull"]["running"])

    def test_what_begins_or_ends_does_so_in_its_time(self):
        begin = datetime.datetime.now(datetime.timezone.utc)
        end = (begin + datetime.timedelta(seconds=30)).replace(microsecond=0)
        start = end - datetime.timedelta(seconds=6)
        for name, option, when in (("ends.example", "--expires", end), ("begins.example", "--effective", start)):
            self.authority.add(name, order=name, extra=(option, when.strftime("%Y-%m-%dT%H:%M:%SZ")))
        self.authority.release()
        self.box.pull()
        layer = self.box.folder / "li.yaml"
        layer.write_text("block: [malware]\n")
        with self.box.config.open("a") as config:
            config.write(f"layers: {{li: {{file: {layer}, owner: Ms Li, groups: all}}}}\n")
        self.box.ask("config-reload", who="li", reason="x")
        self.download()
        for name, before, after, when in (("begins.example", "pass", "block", start),
                                          ("ends.example", "block", "pass", end)):
            self.assertEqual(self.action(name), before)
            self.assertLess(datetime.datetime.now(datetime.timezone.utc), when)
            eventually(lambda: self.action(name) == after, 30, self.box.log.read_text())
            late = (datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()
            print(f"{name}: {late:.1f} s late", flush=True)
            self.assertLess(late, LATE)
        self.assertEqual(self.action("chat.example"), "pass")
        self.ctl("site", "block", "chat.example", "--category", "social", "--who", "li", "--reason", "x")
        self.assertEqual(self.action("chat.example"), "pass")
        layer.write_text("block: [malware, social]\n")
        self.at_once(lambda: eventually(lambda: self.action("chat.example") == "block", AT_ONCE))
        self.assertTrue(self.box.status()["pull"]["running"])
        self.end(60_004)

    def test_a_mirror_that_says_nothing_keeps_no_time_waiting(self):
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=10)
        self.authority.add("ends.example", order="E", extra=("--expires", end.strftime("%Y-%m-%dT%H:%M:%SZ")))
        self.authority.release()
        self.box.pull()
        silent = threading.Event()
        self.addCleanup(silent.set)
        self.mirror.behaviours["metadata/timestamp.json"] = lambda request: silent.wait(60)
        self.box.ask("pull", wait_seconds=0)
        self.assertEqual(self.action("ends.example"), "block")
        eventually(lambda: self.action("ends.example") == "pass", 30)
        late = (datetime.datetime.now(datetime.timezone.utc) - end).total_seconds()
        self.assertLess(late, LATE)
        self.assertTrue(self.box.status()["pull"]["running"])

    def action(self, name):
        return self.ctl("explain", name, exit=None)["verdict"]["action"]

    def test_nobody_waits_for_who_waits(self):
        self.download()
        asked = threading.Thread(target=lambda: self.box.ask("pull", wait_seconds=50))
        asked.start()
        time.sleep(0.5)
        for _ in range(20):
            begin = time.monotonic()
            self.box.status()
            self.ctl("list", "generations")
            self.assertLess(time.monotonic() - begin, 5)
        self.ctl("site", "block", "chat.example", "--category", "social", "--who", "li", "--reason", "x")
        self.assertEqual(self.ctl("explain", "chat.example", exit=None)["records"][0]["list"], "own")
        self.assertTrue(asked.is_alive())
        self.fast = True
        asked.join()

    def test_it_ends_when_asked_whoever_waits(self):
        self.download()
        asked = [threading.Thread(target=self.ask_in_vain, args=one, daemon=True)
                 for one in (("pull", {"wait_seconds": 600}),) * 3]
        for one in asked:
            one.start()
        time.sleep(1)
        begin = time.monotonic()
        self.assertEqual(self.box.stop(), 0)
        self.assertLess(time.monotonic() - begin, AT_ONCE)
        for one in asked:
            one.join(AT_ONCE)

    def ask_in_vain(self, command, fields):
        try:
            self.box.ask(command, **fields)
        except (OSError, ValueError):
            pass  # it ended


if __name__ == "__main__":
    main()
