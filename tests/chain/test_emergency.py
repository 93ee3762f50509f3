"""An emergency list is there within a minute, whatever else an appliance waits for: it asks hourly as
configured, its mirror is slow, a list waits for a person, the mirror was away for long."""
import json
import random
import time

from harness import ChainTest, eventually, main
from mirror import Mirror, make_ca

MINUTE = 60
OCTETS_A_SECOND = 4000


class Emergency(ChainTest):
    def setUp(self):
        super().setUp()
        ca, certificate, key = make_ca(self.folder / "tls")
        self.mirror = Mirror(self.authority.repo, certificate, key)
        self.addCleanup(self.mirror.close)
        self.box = self.control(self.mirror.url, ca, poll=3600)
        self.box.start()
        eventually(lambda: self.box.status()["generation"] == 1)

    def import_names(self, count):
        choice = random.Random(count)
        names = self.folder / "names.txt"
        names.write_text("".join(f"{choice.randbytes(12).hex()}.example\n" for _ in range(count)))
        self.authority.run("import", names, "--category", "pornography", "--order", "CAC-1")
        self.authority.release()

    def departments(self):
        return {one["department"]: one for one in self.box.status()["lists"]}

    def decree(self, name, entries=1):
        """Publishes it, and waits until it is in force."""
        begin = time.monotonic()
        self.authority.run("emergency", name, "--category", "fraud", "--order", f"E-{name}")
        eventually(lambda: self.departments().get("emergency", {}).get("entries") == entries, MINUTE,
                   f"{name}: " + self.box.log.read_text())
        print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)

    def slow(self, request):
        """So slow that the list takes minutes; it goes on where it was cut."""
        body = (self.mirror.repo / request.path.lstrip("/")).read_bytes()
        begin = 0
        if wanted := request.headers.get("Range"):
            begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        else:
            request.send_response(200)
        self.begun.append(begin)
        request.send_header("Content-Length", str(len(body) - begin))
        request.end_headers()
        while begin < len(body):
            step = len(body) if self.fast else OCTETS_A_SECOND // 10
            request.wfile.write(body[begin:begin + step])
            request.wfile.flush()
            begin += step
            time.sleep(0 if self.fast else 0.1)

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
