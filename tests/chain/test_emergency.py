"""An emergency list is there within a minute, whatever else an appliance waits for: it asks hourly as
configured, a list waits for a person, the mirror was away for long."""
from emergency_case import EmergencyCase
from harness import main


class Emergency(EmergencyCase):
    def test_while_a_list_waits_for_a_person(self):
        self.import_names(3000)
        self.box.pull()
        draft = self.authority.folder / "lists/cyberspace/names.tsv"
        draft.write_text("".join(draft.read_text().splitlines(True)[:30]))
        self.authority.release()
        self.assertEqual(self.box.pull()["outcome"], "held")
        # Asked in vain often enough for the pauses to be as long as they get.
        for _ in range(8):
            self.assertEqual(self.box.pull()["outcome"], "held")
        self.decree("first.example")
        self.assertIn("release-held", self.box.alarms())
        self.assertEqual(self.departments()["cyberspace"]["entries"], 3000)

    def test_after_a_mirror_that_was_away_for_long(self):
        self.mirror.behaviours[""] = lambda request: request.reply(503, b"busy")
        for _ in range(12):
            self.box.pull()
        self.mirror.behaviours.clear()
        self.decree("first.example")


if __name__ == "__main__":
    main()
