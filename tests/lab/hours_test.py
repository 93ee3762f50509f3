"""Hours: what is permitted changes as the clock of the program says, while clients ask."""
import json
import os
import shutil
import signal
import time
import unittest

from .case import BINARIES
from .lab import Lab
from .process import wait_until

MORE = """\
calendar: {time_zone: Asia/Shanghai, holidays: [cn-2026], trust_clock: synchronised}
schedules:
  play: cn-minors-games-2021
"""
PUPILS = "block: defaults, hours: [{categories: [games], only_during: play}]"
FRIDAY = "2026-12-04T"


class Hours(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(BINARIES))
        cls.appliance = cls.lab.appliance
        cls.lab.start_servers()

    def setUp(self):
        shutil.rmtree(self.appliance.folder / "state", ignore_errors=True)

    def start(self, clock, pupils=PUPILS):
        self.appliance.configure(pupils=pupils, more=MORE)
        self.appliance.compile(["play.example"], category="games")
        self.appliance.start_dataplane("--clock-for-tests", clock)
        self.addCleanup(self.appliance.dataplane.stop)

    def verdict(self):
        text = self.lab.dig("www.play.example", "A", check=False)
        self.assertIn("status: ", text)
        return "block" if "NXDOMAIN" in text else "pass"

    def wait_for_boundary(self, before, after, within):
        """Asks all the time; returns how long it took until the verdict changed."""
        started = time.monotonic()
        self.assertEqual(self.verdict(), before)
        while self.verdict() == before:
            self.assertLess(time.monotonic() - started, within)
        self.assertEqual(self.verdict(), after)
        return time.monotonic() - started

    def test_games_begin_and_end(self):
        self.start(FRIDAY + "19:59:48")
        self.assertEqual(self.appliance.status()["schedules"], {"play": False})
        self.wait_for_boundary("block", "pass", 30)
        self.assertEqual(self.appliance.status()["schedules"], {"play": True})
        self.appliance.dataplane.stop()
        self.start(FRIDAY + "20:59:48")
        self.wait_for_boundary("pass", "block", 30)

    def download_over_the_end(self, boundary):
        """A download that begins while games may be played; what becomes of it by their end."""
        with open(self.lab.folder / "www" / "big", "wb") as file:
            file.truncate(90_000_000)  # more than the buffers on its way hold
        self.start(FRIDAY + "20:59:47", PUPILS.replace("play}", f"play, at_boundary: {boundary}}}"))
        download = self.lab.client.start(
            "download", "curl", "--silent", "--show-error", "--limit-rate", "4M", "--output",
            "/dev/null", "--insecure", "--max-time", "60",
            "https://www.play.example/big", log=self.lab.folder / f"download-{boundary}.log")
        self.addCleanup(download.stop)
        wait_until("it is under way",
                   lambda: self.appliance.counters()["tls_client_hellos"] > 0)
        self.wait_for_boundary("pass", "block", 30)
        return download

    def test_open_connections_are_cut(self):
        download = self.download_over_the_end("cut")
        wait_until("the download ends", lambda: not download.alive(), 5)
        # As it was reading, or sending what it had read before: CURLE_RECV_ERROR, CURLE_SEND_ERROR.
        self.assertRegex(download.tail(), r"\((55|56)\).*[Cc]onnection reset by peer")
        self.assertGreater(self.appliance.counters()["flow_cut"], 0)

    def test_open_connections_finish(self):
        download = self.download_over_the_end("finish")
        wait_until("the download ends", lambda: not download.alive(), 40)
        self.assertEqual(download.tail(), "")
        self.assertEqual(self.appliance.counters()["flow_cut"], 0)

    def test_other_days(self):
        self.start("2026-10-10T20:30")  # a Saturday that is worked for National Day
        self.assertEqual(self.verdict(), "block")
        self.assertEqual(self.lab.dig("www.library.example", "+short").strip(), "192.0.2.1")

    def test_unknown_time_blocks_and_is_told(self):
        self.start("unknown")
        self.assertEqual(self.verdict(), "block")
        status = self.appliance.status()
        self.assertFalse(status["time_known"])
        self.assertIn("never synchronised", " ".join(status["alarms"]))

    def test_unknown_time_passes_where_the_policy_says_so(self):
        self.start("unknown", PUPILS + ", when_time_unknown: pass")
        self.assertEqual(self.verdict(), "pass")

    def test_time_that_was_not_worked_out(self):
        self.start("2031-01-03T20:30")
        self.assertEqual(self.verdict(), "block")
        self.assertIn("not worked out", " ".join(self.appliance.status()["alarms"]))

    def test_explain_says_what_the_dataplane_does(self):
        self.start(FRIDAY + "20:30")
        self.assertEqual(self.verdict(), "pass")
        for at, action in ((FRIDAY + "20:30", "pass"), (FRIDAY + "21:00", "block")):
            document = json.loads(self.appliance.ctl(
                "-o", "json", "explain", "www.play.example", "--at", at).stdout)
            self.assertEqual(document["verdict"]["action"], action)
            self.assertEqual(document["hours"][0]["holds"], action == "pass")

    def test_control_makes_the_generation_with_hours(self):
        """As a school has it: lists of an authority, and a change of hours by SIGHUP."""
        authority = self.lab.authority
        authority.init()
        authority.add("play.example", category="games")
        authority.publish()
        self.appliance.configure(pupils=PUPILS, more=MORE,
                                 authority=self.lab.authority_settings())
        self.appliance.start_dataplane("--clock-for-tests", FRIDAY + "20:30")
        self.addCleanup(self.appliance.stop)
        self.appliance.start_control()
        number = self.appliance.wait_for_generation()
        self.assertEqual(self.verdict(), "pass")
        self.appliance.configure(
            pupils=PUPILS, authority=self.lab.authority_settings(),
            more=MORE.replace("cn-minors-games-2021",
                              '[{days: [every-day], from: "21:00", until: "22:00"}]'))
        os.kill(self.appliance.control.pid, signal.SIGHUP)
        self.appliance.wait_for_generation(number + 1)
        wait_until("new hours hold", lambda: self.verdict() == "block")


if __name__ == "__main__":
    unittest.main()
