"""From an authority's publication to the first packet that is blocked, by the real programs in the lab:
python3 -m tests.bench.release_chain [--names 5000000] [--binaries build/release/bin]. As root.

CPU seconds are told beside elapsed ones, which on a shared machine say as much of the neighbours.
"""
import argparse
import itertools
import os
import pathlib
import resource
import time

from tests.lab.lab import Lab
from tests.lab.process import run

from .lists import generated
from .loading import process_cpu

CHANGES = 1000


class Chain:
    def __init__(self, lab):
        self.lab = lab
        self.control = self.dataplane = 0.0

    def command(self, what, *arguments):
        """One of the authority's."""
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        run(self.lab.authority.program, "-d", self.lab.authority.folder, *arguments, timeout=600)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.tell(what, cpu, time.monotonic() - begin)

    def tell(self, what, cpu, seconds, more=""):
        load = os.getloadavg()[0]
        print(f"{what}: {cpu:.2f} s of CPU, {seconds:.2f} s elapsed, load {load:.1f}{more}", flush=True)

    def import_names(self, names, what):
        file = self.lab.folder / "names.txt"
        file.write_text("".join(f"{name}\n" for name in names))
        self.command(f"import of {what}", "import", file, "--category", "gambling", "--order", "PSB-1")

    def is_blocked(self, name):
        return "status: NXDOMAIN" in self.lab.dig(name, "A", check=False)

    def publish(self, what, name):
        """`name`: listed by what is published, and passed until then."""
        assert not self.is_blocked(name), name
        self.command(f"sign, {what}", "sign")
        control = sum(process_cpu(self.lab.appliance.control.pid))
        begin = time.monotonic()
        self.command(f"publish, {what}", "publish")
        published = time.monotonic()
        while not self.is_blocked(name):
            if time.monotonic() - begin > 600:
                raise SystemExit(f"{name} is not blocked: " + (self.lab.appliance.folder / "control.log").read_text())
            time.sleep(0.01)
        blocked = time.monotonic()
        cpu = sum(process_cpu(self.lab.appliance.control.pid)) - control
        self.tell(f"the appliance, {what}", cpu, blocked - published,
                  f"; {blocked - begin:.2f} s from the command `publish` to the first blocked packet")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=5_000_000)
    parser.add_argument("--binaries", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    options = parser.parse_args()
    with Lab(options.binaries) as lab:
        chain = Chain(lab)
        lab.authority.init()
        lab.authority.add("first.example")
        lab.authority.publish()
        lab.authority.serve_directly()
        lab.start_servers()
        lab.appliance.configure(authority=lab.authority_settings())
        lab.appliance.start_dataplane()
        lab.appliance.start_control()
        lab.appliance.wait_for_generation()
        names = generated()
        chain.import_names(itertools.chain(itertools.islice(names, options.names), ["last.test"]),
                           f"{options.names:,} names")
        chain.publish(f"{options.names:,} names", "last.test")
        changes = [f"new-{i}.test" for i in range(CHANGES)]
        for turn in range(3):
            chain.import_names((f"{turn}-{name}" for name in changes), f"{CHANGES:,} more")
            chain.publish(f"{CHANGES:,} changes", f"{turn}-{changes[-1]}")


if __name__ == "__main__":
    main()
