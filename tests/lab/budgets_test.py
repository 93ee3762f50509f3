"""Minutes that a device spends, as its own traffic makes them, over restarts and kill -9."""
import json
import os
import shutil
import signal
import time
import unittest

from .case import BINARIES
from .lab import SERVER, Lab
from .process import wait_until

MORE = """\
calendar: {time_zone: Asia/Shanghai, day_begins: "04:00"}
budgets:
  play: {categories: [games], minutes_a_day: 2, warn_at: 1}
"""
PUPILS = "block: defaults, budgets: [play]"
FRIDAY = "2026-12-04T"
SATURDAY = "2026-12-05T"


class Budgets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(BINARIES))
        cls.appliance = cls.lab.appliance
        cls.lab.start_servers()
        cls.mac = cls.lab.client.run("cat", "/sys/class/net/eth0/address").stdout.strip()

    def setUp(self):
        shutil.rmtree(self.appliance.folder / "state", ignore_errors=True)
        self.configure()

    def configure(self, more=MORE):
        self.appliance.configure(pupils=PUPILS, more=more)
        self.appliance.compile(["library.example"], category="games")

    def start(self, clock):
        if self.appliance.dataplane:
            self.appliance.dataplane.stop()
        self.appliance.start_dataplane("--clock-for-tests", clock)
        self.addCleanup(self.appliance.dataplane.stop)

    def verdict(self, *at):
        text = self.lab.dig("www.library.example", "A", *at, check=False)
        self.assertIn("status: ", text)
        return "block" if "; incident " in text else "pass"

    def spent(self):
        document = json.loads(self.appliance.ctl("-o", "json", "budget", "list").stdout)
        return {one["device"]: one for one in document["spent"]}

    def kept(self):
        file = self.appliance.folder / "state" / "budgets.json"
        return json.loads(file.read_text())["devices"] if file.exists() else []

    def test_a_day(self):
        self.start(FRIDAY + "12:00:10")
        self.assertEqual(self.verdict(), "pass")
        self.assertEqual(self.verdict(f"@2001:db8:7::1"), "pass")  # the same device, minute and all
        spent = self.spent()[self.mac]
        self.assertEqual((spent["used_today"], spent["left"], spent["state"]), (1, 1, "warned"))
        self.assertEqual(spent["day_ends"], "2026-12-05 04:00:00 +0800")
        # What was counted is on the disk within the time that is promised, whoever dies.
        wait_until("it is kept", self.kept, 20)
        os.kill(self.appliance.dataplane.pid, signal.SIGKILL)
        self.start(FRIDAY + "12:01:10")
        self.assertEqual(self.spent()[self.mac]["used_today"], 1)
        self.assertEqual(self.verdict(), "pass")
        self.assertEqual(self.spent()[self.mac]["used_today"], 2)
        self.assertEqual(self.verdict(), "pass")  # its last minute goes on
        self.start(FRIDAY + "12:02:10")
        answer = self.lab.dig("www.library.example", "A")
        self.assertIn("EDE: 15 (Blocked): (games; time is used up; incident ", answer)
        page = self.lab.curl("http://www.library.example/", "--resolve",
                             f"www.library.example:80:{SERVER[0]}").stdout
        self.assertIn("and the time for that is used up", page)
        self.assertEqual(self.spent()[self.mac]["state"], "exhausted")
        explained = self.appliance.ctl("explain", "www.library.example", "--mac", self.mac,
                                       "--at", FRIDAY + "12:02:10").stdout
        self.assertIn("BLOCK (budget: games", explained)
        self.assertIn("'play': 2 of 2 minutes a day, 0 left", explained)
        notices = json.loads(self.appliance.ctl("-o", "json", "budget", "list").stdout)["notices"]
        self.assertEqual([n["state"] for n in notices], ["exhausted"])

        done = self.appliance.ctl("budget", "add", self.mac, "play", "30", "--reason", "good marks",
                                  "--who", "mum").stdout
        self.assertIn("30 minutes more of play today, which leaves 30", done)
        self.assertEqual(self.verdict(), "pass")
        self.assertRegex((self.appliance.folder / "dataplane.log").read_text(),
                         r"audit: budget: .*30 minutes more of play.*by 'mum' \(uid 0\): good marks")
        self.start(SATURDAY + "03:59:10")
        self.assertEqual(self.spent()[self.mac]["added_today"], 30)
        self.start(SATURDAY + "04:00:10")
        self.assertEqual(self.spent(), {self.mac: {**self.spent()[self.mac], "used_today": 0,
                                                   "added_today": 0, "left": 2}})
        self.appliance.ctl("budget", "reset", self.mac, "--reason", "x")
        refused = self.appliance.ctl("budget", "add", self.mac, "chess", "5", "--reason", "x",
                                     check=False)
        self.assertIn("no budget is named 'chess'; known are: ", refused.stderr)

    def test_an_open_connection_ends_with_the_budget(self):
        self.configure(MORE.replace("minutes_a_day: 2", "minutes_a_day: 1"))
        with open(self.lab.folder / "www" / "big", "wb") as file:
            file.truncate(90_000_000)
        self.start(FRIDAY + "12:00:42")
        download = self.lab.client.start(
            "download", "curl", "--silent", "--show-error", "--limit-rate", "2M", "--output",
            "/dev/null", "--insecure", "--max-time", "60", "--resolve",
            f"www.library.example:443:{SERVER[0]}", "https://www.library.example/big",
            log=self.lab.folder / "download.log")
        self.addCleanup(download.stop)
        started = time.monotonic()
        wait_until("the download ends", lambda: not download.alive(), 30)
        self.assertGreater(time.monotonic() - started, 3)
        # As it was reading, or sending what it had read before: CURLE_RECV_ERROR, CURLE_SEND_ERROR.
        self.assertRegex(download.tail(), r"\((55|56)\).*[Cc]onnection reset by peer")
        self.assertEqual(self.spent()[self.mac]["used_today"], 1)
        self.assertGreater(self.appliance.counters()["flow_cut"], 0)
        # What goes by on other names costs nothing, and passes.
        self.assertIn("NOERROR", self.lab.dig("www.school.example", "A"))


if __name__ == "__main__":
    unittest.main()
