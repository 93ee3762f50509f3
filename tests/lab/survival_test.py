"""Lists that change, and everything that can go wrong on the way: the gateway carries on."""
import json
import re
import shutil
import unittest

from .authority import Authority
from .case import BINARIES
from .lab import CLIENT, SERVER, Lab
from .process import wait_until


class Survival(unittest.TestCase):
    """A lab a test: each one breaks its own."""

    def setUp(self):
        self.lab = self.enterContext(Lab(BINARIES))
        self.appliance = self.lab.appliance
        self.authority = self.lab.authority
        self.authority.init()
        self.authority.add("casino.example")
        self.authority.publish()
        self.lab.start_servers()
        self.appliance.configure(authority=self.lab.authority_settings())

    def verdict(self, name):
        text = self.lab.dig(name, "A", check=False)
        for status, verdict in (("NXDOMAIN", "block"), ("NOERROR", "pass")):
            if f"status: {status}" in text:
                return verdict
        return "nothing"

    def assert_works(self):
        self.assertEqual(self.verdict("www.casino.example"), "block")
        self.assertEqual(self.verdict("www.library.example"), "pass")

    def wait_for_verdict(self, name, verdict):
        wait_until(f"{name}: {verdict}", lambda: self.verdict(name) == verdict)

    def alarms(self):
        status = self.appliance.control_status()
        return {alarm["id"]: alarm["text"] for alarm in status["alarms"]} if status else {}

    def start_both(self):
        self.appliance.start_dataplane()
        self.appliance.start_control()
        self.appliance.wait_for_generation()

    def test_an_incident_is_told_by_its_id(self):
        self.start_both()
        text = self.lab.dig("secret.casino.example")
        incident = re.search(r"incident (\w{8})", text)[1]
        told = self.appliance.ctl("incident", incident).stdout
        for word in ("casino.example", "gambling", "police", "dns"):
            self.assertIn(word, told)
        self.assertIn(incident, self.appliance.ctl("events").stdout)
        # What was asked for, and by whom, is not kept.
        for word in ("secret", CLIENT[0]):
            self.assertNotIn(word, told + self.appliance.ctl("-o", "json", "events").stdout)
        unknown = self.appliance.ctl("incident", "00000000", check=False)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("no such incident", unknown.stderr)

    def test_control_s_missing_files_are_not_the_dataplane_s_business(self):
        settings = {**self.lab.authority_settings(), "root": "/nowhere/root.json"}
        self.appliance.configure(authority=settings)
        self.appliance.compile(["casino.example"])
        self.appliance.start_dataplane()
        self.assert_works()

    # ----- lists

    def test_a_signed_change_is_felt_without_a_restart(self):
        self.start_both()
        before = self.appliance.generation()
        pids = (self.appliance.dataplane.pid, self.appliance.control.pid)
        self.assert_works()
        self.assertEqual(self.verdict("www.news.test"), "pass")
        ping = self.lab.client.start("ping", "ping", "-n", "-q", "-i", "0.01", SERVER[0],
                                     log=self.lab.folder / "ping.log")
        self.authority.add("news.test", category="fraud")
        self.authority.publish()
        self.wait_for_verdict("www.news.test", "block")
        self.authority.remove("news.test")
        self.authority.publish()
        self.wait_for_verdict("www.news.test", "pass")
        ping.kill(2)
        self.assertIn(" 0% packet loss", ping.log.read_text())
        self.assert_works()
        self.assertGreaterEqual(self.appliance.generation(), before + 2)
        self.assertEqual(pids, (self.appliance.dataplane.pid, self.appliance.control.pid))
        self.assertTrue(self.appliance.dataplane.alive() and self.appliance.control.alive())

    def test_blocks_are_counted_by_whose_rule_they_were(self):
        self.start_both()
        counted = lambda: self.appliance.ask("stats")["blocks"]
        self.assertEqual(counted(), {"authority": 0, "site": 0})
        self.assertEqual(self.verdict("www.casino.example"), "block")
        wait_until("the authority's is counted", lambda: counted() == {"authority": 1, "site": 0})
        self.appliance.ctl("site", "block", "news.test", "--category", "gambling", "--who", "li",
                           "--reason", "x")
        self.assertEqual(self.verdict("www.news.test"), "block")
        wait_until("the site's is counted", lambda: counted() == {"authority": 1, "site": 1})

    def test_an_order_is_told_to_the_client_and_explained(self):
        self.start_both()
        self.assertIn("EDE: 16 (Censored)", self.lab.dig("www.casino.example"))
        text = self.appliance.explain("www.casino.example")
        for fact in ("BLOCK", "gambling", "by authority", "department police", "PSB-2026-0117",
                     "Lab Act, section 7", "https://appeal.authority.example/"):
            self.assertIn(fact, text)

    def refuse(self, spoil):
        """A release that must not be taken: the running generation stays, the reason is told."""
        self.start_both()
        before = self.appliance.generation()
        self.assertEqual(self.alarms(), {})
        self.authority.add("news.test")
        self.authority.publish(spoil)
        wait_until("control refuses the release", self.alarms)
        self.assertIn("pull-failed", self.alarms())
        self.assertEqual(self.appliance.generation(), before)
        self.assertEqual(self.verdict("www.news.test"), "pass")
        self.assert_works()
        return self.alarms()["pull-failed"]

    def test_bad_signature(self):
        def spoil(repository):
            file = repository / "metadata" / "timestamp.json"
            document = json.loads(file.read_text())
            for signature in document["signatures"]:
                first = signature["sig"][0]
                signature["sig"] = ("1" if first == "0" else "0") + signature["sig"][1:]
            file.write_text(json.dumps(document))
        self.assertIn("timestamp", self.refuse(spoil))

    def test_release_of_another_authority(self):
        other = Authority(self.lab.binaries, self.lab.folder / "other")
        other.init()
        for number in range(5):
            other.add(f"site{number}.test")
            other.publish()

        def spoil(repository):
            shutil.rmtree(repository)
            shutil.copytree(other.served, repository)
        self.refuse(spoil)

    def test_list_file_that_was_changed(self):
        def spoil(repository):
            newest = max((repository / "targets" / "lists" / "police").glob("*.cpl.zst"),
                         key=lambda file: file.stat().st_mtime_ns)
            newest.write_bytes(newest.read_bytes()[:-1] + b"\0")
        self.refuse(spoil)

    def test_repository_that_is_gone(self):
        self.refuse(shutil.rmtree)

    # ----- processes

    def test_control_starts_first(self):
        self.appliance.start_control()
        wait_until("control has a generation",
                   lambda: self.appliance.control_status()["generation"] >= 1)
        self.appliance.start_dataplane()
        self.appliance.wait_for_generation()
        self.assert_works()

    def test_dataplane_starts_first(self):
        self.appliance.start_dataplane()
        self.assertIsNone(self.appliance.generation())
        self.assertEqual(self.verdict("www.casino.example"), "pass")  # fail: open
        self.assertTrue(self.appliance.status()["alarms"])
        self.appliance.start_control()
        self.appliance.wait_for_generation()
        self.assert_works()

    def test_control_is_killed(self):
        self.start_both()
        self.appliance.control.kill()
        self.assert_works()
        text = self.appliance.ctl("status", check=False)
        self.assertEqual(text.returncode, 1)
        self.assertIn("control: NOT RUNNING", text.stdout)
        self.assertIn("dataplane: running", text.stdout)
        self.appliance.start_control()
        self.authority.add("news.test")
        self.authority.publish()
        self.wait_for_verdict("www.news.test", "block")
        self.assertEqual(self.appliance.ctl("status").returncode, 0)

    def test_dataplane_is_killed(self):
        self.start_both()
        before = self.appliance.generation()
        self.appliance.dataplane.kill()
        self.assertEqual(self.verdict("www.library.example"), "nothing")
        self.assertTrue(self.appliance.control.alive())
        self.appliance.start_dataplane()
        self.assertEqual(self.appliance.generation(), before)
        self.assert_works()
        self.authority.add("news.test")
        self.authority.publish()
        self.wait_for_verdict("www.news.test", "block")

    def test_both_are_killed_and_control_stays_dead(self):
        self.start_both()
        self.appliance.control.kill()
        self.appliance.dataplane.kill()
        self.appliance.start_dataplane()
        self.assert_works()

    def test_processes_end_when_asked(self):
        self.start_both()
        self.assertEqual(self.appliance.control.stop(), 0)
        self.assertEqual(self.appliance.dataplane.stop(), 0)

    # ----- generation files

    def test_truncated_file_at_the_start(self):
        """The newest good one is taken, whatever the newest one is."""
        self.appliance.configure()
        self.appliance.compile(["casino.example"], number=1)
        newest = self.appliance.compile(["casino.example", "news.test"], number=2)
        whole = newest.read_bytes()
        for length in (0, 1, 4096, len(whole) // 2, len(whole) - 1):
            with self.subTest(length=length):
                newest.write_bytes(whole[:length])
                self.appliance.start_dataplane()
                self.assertEqual(self.appliance.generation(), 1)
                self.assert_works()
                self.assertEqual(self.verdict("www.news.test"), "pass")
                self.assertTrue(self.appliance.status()["alarms"])
                self.appliance.dataplane.stop()

    def test_damaged_file_while_running(self):
        self.appliance.configure()
        self.appliance.compile(["casino.example"], number=1)
        self.appliance.start_dataplane()
        second = self.appliance.compile(["news.test"], number=2, file=self.lab.folder / "2.lmdb")
        data = bytearray(second.read_bytes())
        data[len(data) // 2] ^= 1
        second.write_bytes(data)
        self.assertFalse(self.appliance.ask("load", path=str(second))["ok"])
        self.assertFalse(self.appliance.ask("load", path="/nonexistent")["ok"])
        self.assertEqual(self.appliance.generation(), 1)
        # What was read is in memory: losing the file does not matter either.
        (self.appliance.generations / "1.lmdb").write_bytes(b"")
        self.assert_works()

    def test_no_generation_and_fail_closed(self):
        self.appliance.configure(fail="closed")
        self.appliance.start_dataplane()
        self.assertEqual(self.verdict("www.library.example"), "nothing")
        self.assertTrue(self.appliance.status()["alarms"])
        self.appliance.load(self.appliance.compile(["casino.example"], number=1))
        wait_until("frames pass", lambda: self.verdict("www.library.example") == "pass")
        self.assert_works()


if __name__ == "__main__":
    unittest.main(verbosity=2)
