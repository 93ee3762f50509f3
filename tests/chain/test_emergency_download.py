"""An emergency list is there within a minute, whatever else an appliance waits for: it asks hourly as
configured, and its mirror is slow or lies."""
import json
import time

from emergency_case import MINUTE, OCTETS_A_SECOND, EmergencyCase
from harness import eventually, main


class BesideADownload(EmergencyCase):
    def test_beside_a_download_that_lasts(self):
        self.fast, self.begun = False, []
        self.mirror.behaviours["targets/lists/cyberspace"] = self.slow
        self.import_names(60_000)
        self.box.ask("pull", wait_seconds=0)
        eventually(lambda: self.begun and self.departments() and True)
        time.sleep(3)
        self.decree("first.example")
        self.decree("second.example", 2)
        status = self.box.status()
        self.assertEqual((status["entries"], status["pull"]["running"]), (4, True))
        self.fast = True
        eventually(lambda: self.box.status()["entries"] == 60_004, MINUTE, self.box.log.read_text())
        # Of the orders and the list nothing that had come was thrown away.
        self.assertGreater(len(self.begun), 3)
        self.assertGreater(min(self.begun[-1], self.begun[-2]), 3 * OCTETS_A_SECOND)
        self.assertEqual(self.box.alarms(), {})

    def lie(self, request):
        """Announces what nobody has signed."""
        said = json.loads((self.mirror.repo / "metadata/timestamp.json").read_text())
        said["signed"]["version"] = said["signed"]["meta"]["snapshot.json"]["version"] = 2 ** 60
        self.lies += 1
        request.reply(200, json.dumps(said).encode())

    def test_a_mirror_that_lies_beside_a_download(self):
        self.fast, self.begun, self.lies = False, [], 0
        self.mirror.behaviours["targets/lists/cyberspace"] = self.slow
        self.import_names(60_000)
        self.box.ask("pull", wait_seconds=0)
        eventually(lambda: self.begun)
        self.mirror.behaviours["timestamp.json"] = self.lie
        eventually(lambda: self.lies, MINUTE)
        time.sleep(2)
        self.assertNotIn("meanwhile", self.box.log.read_text())
        self.fast = True
        eventually(lambda: self.box.status()["entries"] == 60_002, MINUTE, self.box.log.read_text())
        # Orders and list, each in one go.
        self.assertEqual(self.begun, [0, 0], self.box.log.read_text())


if __name__ == "__main__":
    main()
