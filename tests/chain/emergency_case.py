"""An appliance that asks its mirror hourly, and an authority that decrees."""
import random
import time

from harness import ChainTest, eventually
from mirror import Mirror, make_ca

MINUTE = 60
OCTETS_A_SECOND = 4000  # of a mirror that is slow


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

    def release_wiped(self):
        """The same list, but for its first 30 names: a guard holds it."""
        draft = self.authority.folder / "lists/cyberspace/names.tsv"
        draft.write_text("".join(draft.read_text().splitlines(True)[:30]))
        self.authority.release()

    def protect(self, name):
        """A guard that holds whatever lists it."""
        folder = self.authority.folder / "policy"
        folder.mkdir(exist_ok=True)
        (folder / "guards.yaml").write_text(f"probes: {{must_miss: [{name}]}}\n")
        self.authority.run("sign", "--policy")

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
        """Until self.fast, so slow that the list takes minutes; self.begun: where it was begun or went on."""
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
