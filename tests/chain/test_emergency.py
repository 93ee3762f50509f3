"""An emergency list is there within a minute, whatever else an appliance waits for: it asks hourly as
configured, a list waits for a person, the mirror was away for long."""
import subprocess

from emergency_case import EmergencyCase
from harness import BIN, eventually, main


class Emergency(EmergencyCase):
    def test_while_a_list_waits_for_a_person(self):
        self.import_names(3000)
        self.box.pull()
        self.release_wiped()
        self.assertEqual(self.box.pull()["outcome"], "held")
        # Asked in vain often enough for the pauses to be as long as they get.
        for _ in range(8):
            self.assertEqual(self.box.pull()["outcome"], "held")
        self.decree("first.example")
        self.assertIn("release-held", self.box.alarms())
        self.assertEqual(self.departments()["cyberspace"]["entries"], 3000)

    def test_what_a_guard_holds_of_it_is_told_and_approved(self):
        """Beside a list that waits for a person as well."""
        self.protect("school.example")
        self.import_names(3000)
        self.box.pull()
        self.release_wiped()
        self.assertEqual(self.box.pull()["outcome"], "held")
        self.assertIsNone(self.box.status()["held_urgent"])
        self.authority.run("emergency", "school.example", "--category", "fraud", "--order", "E-1")
        self.assertEqual(self.box.pull()["outcome"], "held")
        told = self.ctl("status", exit=None)["control"]["status"]
        self.assertEqual({alarm["id"] for alarm in told["alarms"]}, {"release-held", "urgent-held"})
        self.assertIn("must never be listed", " ".join(self.box.alarms()["urgent-held"].split()))
        self.assertNotEqual(told["held_urgent"]["release"], told["held_release"]["release"])
        self.assertEqual(self.ctl("list", "generations")["held_urgent"], told["held_urgent"])
        text = subprocess.run([BIN / "sluicectl", "--config", self.box.config, "list", "generations"],
                              capture_output=True, text=True, check=True).stdout
        self.assertIn("what is urgent alone, " + told["held_urgent"]["release"], text)
        self.assertIn("list approve " + told["held_urgent"]["release"], text)
        self.ctl("list", "approve", told["held_urgent"]["release"], "--reason", "it is so")
        eventually(lambda: self.departments().get("emergency", {}).get("entries") == 1, 30)
        self.assertIsNone(self.box.status()["held_urgent"])
        self.assertEqual(set(self.box.alarms()), {"release-held"})

    def test_what_is_withdrawn_waits_no_longer(self):
        self.protect("school.example")
        self.authority.release()
        self.box.pull()
        self.authority.run("emergency", "school.example", "--category", "fraud", "--order", "E-1")
        self.assertEqual(self.box.pull()["outcome"], "held")
        self.assertIn("urgent-held", self.box.alarms())
        self.authority.run("remove", "school.example")
        self.authority.release()
        self.box.pull()
        self.assertNotIn("urgent-held", self.box.alarms())

    def test_after_a_mirror_that_was_away_for_long(self):
        self.mirror.behaviours[""] = lambda request: request.reply(503, b"busy")
        for _ in range(12):
            self.box.pull()
        self.mirror.behaviours.clear()
        self.decree("first.example")


if __name__ == "__main__":
    main()
