"""Modes that a teacher switches, as clients meet them, over restarts and deaths of both processes."""
import os
import shutil
import signal
import time
import unittest

from .case import BINARIES
from .lab import SERVER, Lab
from .process import wait_until

MORE = """\
calendar: {time_zone: Asia/Shanghai, trust_clock: always}
curated:
  lessons: {names: [library.example], except: [game.library.example]}
modes: {study: lesson}
"""
POLICIES = """\
  lesson: {block: defaults, only: {lists: [lessons]}}
"""
CLIENT_MAC = "02:00:00:00:00:02"


class Modes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(BINARIES))
        cls.appliance = cls.lab.appliance
        cls.lab.start_servers()
        cls.lab.authority.init()
        cls.lab.authority.add("casino.example", category="gambling")
        cls.lab.authority.publish()

    def setUp(self):
        shutil.rmtree(self.appliance.folder / "state", ignore_errors=True)
        self.appliance.configure(more=MORE, policies=POLICIES,
                                 authority=self.lab.authority_settings())
        self.appliance.start_dataplane()
        self.addCleanup(self.appliance.stop)
        self.appliance.start_control()
        self.appliance.wait_for_generation()

    def mode(self, *arguments):
        return self.appliance.ctl("mode", *arguments, "--reason", "lesson 4", "--who", "li").stdout

    def verdict(self, name="www.school.example"):
        text = self.lab.dig(name, "A", check=False)
        self.assertIn("status: ", text)
        return "block" if "; incident " in text else "pass"

    def code(self, name):
        """Of curl's own; 0 where the page came."""
        return self.lab.curl(f"https://{name}/", "--resolve", f"{name}:443:{SERVER[0]}").returncode

    def test_study(self):
        self.assertEqual(self.verdict(), "pass")
        self.assertIn("default: mode study until", self.mode("set", "default", "study", "--for", "1h"))
        self.assertEqual(self.verdict(), "block")  # in force once `mode set` has returned
        answer = self.lab.dig("www.school.example", "A")
        self.assertIn("EDE: 15 (Blocked): (not-curated; incident ", answer)
        self.assertEqual(self.verdict("www.library.example"), "pass")
        self.assertEqual(self.verdict("game.library.example"), "block")
        self.assertEqual(self.code("www.library.example"), 0)
        self.assertEqual(self.code("www.school.example"), 35)  # reset in the handshake
        self.assertNotEqual(
            self.lab.curl(f"http://{SERVER[0]}/").returncode, 0)  # no name at all
        page = self.lab.curl("http://www.school.example/", "--resolve",
                             f"www.school.example:80:{SERVER[0]}").stdout
        self.assertIn("www.school.example</b> is not on the list of sites", page)
        self.assertEqual([m["mode"] for m in self.appliance.status()["modes"]], ["study"])
        self.assertIn("mode study is over", self.mode("end", "default"))
        self.assertEqual(self.verdict(), "pass")
        log = (self.appliance.folder / "control.log").read_text()
        self.assertRegex(log, r"audit: mode: default: mode study until .*, by 'li' \(uid 0\): lesson 4")

    def test_pause_ends_what_is_open_and_lets_the_network_live(self):
        with open(self.lab.folder / "www" / "big", "wb") as file:
            file.truncate(60_000_000)
        download = self.lab.client.start(
            "download", "curl", "--silent", "--show-error", "--limit-rate", "2M", "--output",
            "/dev/null", "--insecure", "--max-time", "60", "https://www.school.example/big",
            log=self.lab.folder / "download.log")
        self.addCleanup(download.stop)
        wait_until("it is under way",
                   lambda: self.appliance.counters()["tls_client_hellos"] > 0)
        self.mode("set", "default", "pause")
        wait_until("the download ends", lambda: not download.alive(), 5)
        self.assertEqual(self.verdict("www.library.example"), "block")
        self.assertNotEqual(self.lab.client.run("ping", "-c", "1", "-W", "1", SERVER[0],
                                                check=False).returncode, 0)
        # Neighbours still find each other.
        self.lab.client.run("ip", "neigh", "flush", "all")
        self.assertEqual(self.verdict(), "block")
        self.mode("end", "default")
        self.assertEqual(self.code("www.school.example"), 0)

    def test_a_mode_outlives_both_processes_and_ends_without_control(self):
        self.mode("set", "default", "pause", "--for", "12s")
        begun = time.monotonic()
        for process in (self.appliance.control, self.appliance.dataplane):
            os.kill(process.pid, signal.SIGKILL)
        self.appliance.stop()
        self.appliance.start_dataplane()
        self.assertEqual(self.verdict(), "block")
        wait_until("it ends", lambda: self.verdict() == "pass", 20)
        self.assertGreater(time.monotonic() - begun, 10.5)  # seconds of clocks that begin whole ones
        self.appliance.start_control()
        self.assertIn("no group and no device has a mode", self.appliance.ctl("mode", "list").stdout)

    def test_control_keeps_a_mode_that_it_was_given_before_it_died(self):
        self.mode("set", "default", "pause")
        os.kill(self.appliance.control.pid, signal.SIGKILL)
        self.appliance.control.stop()
        self.appliance.start_control()
        self.assertIn("default  pause", self.appliance.ctl("mode", "list").stdout)
        self.assertEqual(self.verdict(), "block")

    def test_one_device_and_what_is_refused(self):
        mac = self.lab.client.run("cat", "/sys/class/net/eth0/address").stdout.strip()
        self.mode("set", mac, "pause", "--for", "5m")
        self.assertEqual(self.verdict(), "block")
        explained = self.appliance.ctl("explain", "www.school.example", "--mac", mac).stdout
        self.assertIn("BLOCK (paused)", explained)
        self.assertIn(f"pause of {mac}", explained)
        self.mode("set", mac, "normal")
        self.assertEqual(self.verdict(), "pass")
        for arguments, reason in ((("pupil", "pause"), "neither a group nor a device"),
                                  (("teachers", "stduy"), "did you mean 'study'"),
                                  (("teachers", "pause", "--until", "2020-01-01T00:00"), "over")):
            with self.subTest(arguments):
                done = self.appliance.ctl("mode", "set", *arguments, "--reason", "x", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(reason, done.stderr)


if __name__ == "__main__":
    unittest.main()
