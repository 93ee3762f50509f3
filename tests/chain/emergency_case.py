"""An appliance that asks its mirror hourly, and an authority that decrees."""
import random
import time

from harness import ChainTest, eventually
from mirror import Mirror, make_ca

MINUTE = 60


class EmergencyCase(ChainTest):
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
