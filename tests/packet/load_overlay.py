#!/usr/bin/python3
"""Changes to a list, loaded as overlays while queries for old and new names pour in.

    load_overlay.py --bin build/release/bin

What is blocked is read from the blocks that the dataplane tells, after each load, after a damaged
or foreign overlay that it has to refuse, and after kill -9 and a new start.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import load_under_load as plain  # noqa: E402
import pcap  # noqa: E402

KEPT, GONE, NEW, BELOW = "kept.example", "gone.example", "new.example", "below.gone.example"
NAMES = (KEPT, GONE, NEW, BELOW)
SETTLE = 0.3  # seconds in which every name is asked for many times


def query_frame(name):
    """As plain.query_frame() makes it, for another name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    dns = bytes.fromhex("123401000001000000000000") + labels + b"\0\0\1\0\1"
    udp = b"\xc3\x50\0\x35" + (8 + len(dns)).to_bytes(2, "big") + b"\0\0" + dns
    ip = (b"\x45\0" + (20 + len(udp)).to_bytes(2, "big") + bytes.fromhex("000740004011") + b"\0\0" +
          bytes([192, 0, 2, 2, 192, 0, 2, 1]))
    return bytes.fromhex("020000000001" "020000000002" "0800") + ip + udp


def check(condition, text):
    if not condition:
        raise AssertionError(text)


class Case:
    def __init__(self, programs, work):
        self.programs = programs
        self.work = work
        self.folder = work / "state" / "generations"
        self.folder.mkdir(parents=True)
        pcap.write(work / "in.pcap", [query_frame(name) for name in NAMES] * 16)
        (work / "1.yaml").write_text(yaml.safe_dump(plain.config(work, 1)))
        self.dataplane = None

    def path(self, number):
        return self.folder / f"{number:010}.lmdb"

    def sluicectl(self, *arguments):
        done = subprocess.run([str(self.programs / "sluicectl"), "--output", "json", "list",
                               "compile", *map(str, arguments), "--category", "gambling",
                               "--config", str(self.work / "1.yaml")],
                              capture_output=True, text=True, timeout=plain.PATIENCE)
        return json.loads(done.stdout)

    def compile(self, number, names):
        (self.work / "names.txt").write_text("".join(f"{name}\n" for name in names))
        reply = self.sluicectl(self.work / "names.txt", "--generation-number", number, "-o",
                               self.path(number))
        check(reply["ok"], reply)

    def change(self, base, number, changes, *more, output=None):
        (self.work / "changes.txt").write_text("".join(f"{change}\n" for change in changes))
        return self.sluicectl("--base", self.path(base), "--changes", self.work / "changes.txt",
                              "--generation-number", number, "-o", output or self.path(number),
                              *more)

    def overlay(self, base, number, changes):
        reply = self.change(base, number, changes)
        check(reply["ok"] and reply["overlay"], reply)

    def start(self):
        self.dataplane = plain.Dataplane(self.programs, self.work)

    def kill(self):
        self.dataplane.process.kill()
        self.dataplane.process.wait()
        (self.work / "run" / "dataplane.sock").unlink(missing_ok=True)

    def blocked(self):
        """The listed names by which frames are blocked from now on."""
        events = self.dataplane.ask("events", after=0)["events"]
        after = events[-1]["sequence"] if events else 0
        time.sleep(SETTLE)
        return {event["entry"] for event in self.dataplane.ask("events", after=after)["events"]}

    def expect(self, number, names):
        status = self.dataplane.ask("status")
        check(status["generation"] == number, f"runs {status['generation']} instead of {number}")
        blocked = self.blocked()
        check(blocked == set(names), f"generation {number} blocks {blocked}")

    def load(self, number, names):
        self.dataplane.ask("load", path=str(self.path(number)))
        self.expect(number, names)

    def refuse(self, path, reason, number, names):
        """This file, for this reason, while that generation goes on."""
        try:
            self.dataplane.ask("load", path=str(path))
        except AssertionError as error:
            check(reason in str(error), f"refused for another reason: {error}")
        else:
            raise AssertionError(f"{path} was loaded")
        self.expect(number, names)

    def run(self):
        self.compile(1, [KEPT, GONE, BELOW])
        self.start()
        self.expect(1, [KEPT, GONE, BELOW])
        self.changes()
        self.refusals()
        self.restarts()

    def changes(self):
        self.overlay(1, 2, [f"-{GONE}", f"+{NEW}"])
        self.load(2, [KEPT, NEW, BELOW])
        # A change to the overlay is an overlay of the same base.
        self.overlay(2, 3, [f"-{NEW}", f"-{BELOW}", f"+{GONE}"])
        self.load(3, [KEPT, GONE])
        for number, names in ((1, [KEPT, GONE, BELOW]), (3, [KEPT, GONE]), (2, [KEPT, NEW, BELOW])):
            self.load(number, names)
        whole = self.change(3, 4, [f"+{NEW}"], "--whole")
        check(whole["ok"] and not whole["overlay"], whole)
        self.load(4, [KEPT, GONE, NEW])
        self.load(3, [KEPT, GONE])
        for changes in ([f"+{KEPT}"], ["-never.example"], ["kept.example"], ["+10.0.0.1"]):
            reply = self.change(3, 5, changes)
            check(not reply["ok"] and not self.path(5).exists(), f"{changes}: {reply}")
        reply = self.change(3, 1, [f"+{NEW}"], output=self.path(1))
        check(not reply["ok"], "an overlay replaced its own base")

    def refusals(self):
        good = self.path(2).read_bytes()
        bad = self.folder / "bad.lmdb"
        for at in (0, len(good) // 2, len(good) - 40):
            bad.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            self.refuse(bad, "damaged", 3, [KEPT, GONE])
        bad.write_bytes(good[:-1])
        self.refuse(bad, "cut short", 3, [KEPT, GONE])
        bad.unlink()
        # A fresh process, so that the base must be read from the folder.
        elsewhere = self.work / "elsewhere"
        elsewhere.mkdir()
        foreign = elsewhere / self.path(2).name
        shutil.copy(self.path(2), foreign)
        self.load(4, [KEPT, GONE, NEW])
        self.refuse(foreign, "its base cannot be used", 4, [KEPT, GONE, NEW])
        shutil.copy(self.path(4), elsewhere / self.path(1).name)
        self.refuse(foreign, "holds other content", 4, [KEPT, GONE, NEW])
        shutil.copy(self.path(3), elsewhere / self.path(1).name)
        self.refuse(foreign, "its base is an overlay itself", 4, [KEPT, GONE, NEW])
        shutil.copy(self.path(1), elsewhere / self.path(1).name)
        self.dataplane.ask("load", path=str(foreign))
        self.expect(2, [KEPT, NEW, BELOW])

    def restarts(self):
        self.path(4).unlink()
        self.kill()
        self.start()
        self.expect(3, [KEPT, GONE])  # the newest
        self.kill()
        (self.folder / "current").symlink_to(self.path(2).name)
        self.start()
        self.expect(2, [KEPT, NEW, BELOW])
        self.kill()
        self.path(2).write_bytes(self.path(2).read_bytes()[:-100])
        self.start()
        self.expect(3, [KEPT, GONE])
        check(self.dataplane.ask("status")["alarms"], "the damaged current generation is not told")
        self.kill()
        self.path(1).write_bytes(self.path(1).read_bytes()[:-100])
        self.start()
        check(self.dataplane.ask("status")["generation"] is None,
              "an overlay without its base runs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of the programs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-overlay-") as work:
        case = Case(options.bin.resolve(), pathlib.Path(work))
        try:
            case.run()
            sys.exit(case.dataplane.stop())
        except (AssertionError, OSError) as error:
            if case.dataplane:
                case.kill()
                case.dataplane.log.seek(0)
                print(case.dataplane.log.read()[-4000:], file=sys.stderr)
            sys.exit(f"load overlay: {error}")


if __name__ == "__main__":
    main()
