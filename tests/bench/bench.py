"""Measures sluice-dataplane beside dpdk-testpmd, and the whole beside name servers.

  ./sluice bench            every figure of docs/PERFORMANCE.md
  ./sluice bench --quick    the main rows with a short list, in about a minute

Writes JSON, Markdown and a plot below build/bench.
"""
import argparse
import datetime
import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
import time

from tests.lab.process import LabError

from . import end_to_end, forwarding, latency, lists, loading, machine, parts, policy, profile, \
    report, rows

FULL = {"entries": 5_000_000, "rounds": 15, "seconds": 0.4, "sweep_rounds": 7,
        "swaps": ((100_000, 100), (5_000_000, 10)), "end_to_end_entries": 1_000_000,
        "end_to_end_seconds": 5, "end_to_end_rounds": 3, "latency_queries": 60_000}
QUICK = {"entries": 100_000, "rounds": 5, "seconds": 0.3, "sweep_rounds": 3,
         "swaps": ((100_000, 20),), "end_to_end_entries": 100_000, "end_to_end_seconds": 2,
         "end_to_end_rounds": 1, "latency_queries": 5_000}
PARTS = ("table", "profile", "policy", "parts", "lcores", "loading", "swaps", "sweeps", "latency",
         "end-to-end")
ROW_KEYS = list(dict.fromkeys(row.key for row in (*rows.TABLE, *policy.ROWS)))
QUICK_PARTS = ("table", "loading", "swaps")
FOLDER_PREFIX = "sluice-bench-"  # and the pid of the bench's process


def remove_abandoned_folders():
    """Of benches whose process is gone, as after kill -9."""
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX)
        if owner.isdigit() and not pathlib.Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


class Session:
    def __init__(self, options):
        self.options = options
        self.settings = {**(QUICK if options.quick else FULL), **end_to_end.settings_of_cpus(),
                         "hertz": machine.hertz()}
        if options.entries:
            self.settings["entries"] = options.entries
        self.names = lists.Names(options.lists, options.out / "cache")
        # Not below options.out: sockets have paths of at most 107 octets.
        self.work = pathlib.Path(tempfile.gettempdir()) / f"{FOLDER_PREFIX}{os.getpid()}"
        self.figures = {"machine": machine.describe(options.bin),
                        "entries": self.settings["entries"], "table": [], "profiles": [],
                        "policy": [], "policy_cost": None, "parts": [], "lcores": [], "loading": None, "delta": None, "swaps": [],
                        "sweeps": [], "latency": None, "end_to_end": None, "faults": []}
        self.bench = forwarding.Bench(options.bin, self.names, self.work, self.settings)

    def step(self, what, function, *arguments):
        """Its answer; a fault is told and kept, and the next step goes on."""
        begin = time.monotonic()
        try:
            answer = function(*arguments)
        except LabError as error:
            self.figures["faults"].append(f"{what}: {str(error).splitlines()[0]}")
            print(f"✗ {what}: {error}", file=sys.stderr, flush=True)
            return None
        print(f"✓ {what}  {time.monotonic() - begin:.1f} s", flush=True)
        return answer

    def wants(self, part):
        chosen = self.options.only or (QUICK_PARTS if self.options.quick else PARTS)
        return part in chosen

    def wants_row(self, row):
        if self.options.rows:
            return row.key in self.options.rows
        return row.quick or not self.options.quick

    def prepare(self):
        self.names.listed(self.settings["entries"])
        self.bench.generations.of(self.settings["entries"])

    def rows(self, chosen):
        for row in chosen:
            yield from self.step(row.title, self.bench.run, row) or []

    def measure_policy(self):
        policies = policy.Policies(self.bench)
        for row in policy.ROWS:
            if not self.options.rows or row.key in self.options.rows:
                result = self.step(f"full policy: {row.title}", policy.run_row, self.bench,
                                   policies, row)
                self.figures["policy"] += [result] if result else []
        self.figures["policy_cost"] = self.step("full policy: compile, load, change", policy.cost,
                                                self.bench, policies)

    def run(self):
        figures = self.figures
        self.step(f"a list of {report.count(self.settings['entries'])} names", self.prepare)
        if self.wants("table"):
            figures["table"] = list(self.rows(filter(self.wants_row, rows.TABLE)))
        if self.wants("profile"):
            for row in rows.TABLE:
                if self.wants_row(row) and (row.quick or self.options.rows):
                    result = self.step(f"profile: {row.title}", profile.of_row, self.bench, row)
                    figures["profiles"] += [result] if result else []
        if self.wants("policy"):
            self.measure_policy()
        if self.wants("parts"):
            figures["parts"] = self.step("parts without ports", parts.run_all, self.options.bin,
                                         self.settings["cpu"]) or []
        if self.wants("lcores") and len(self.settings["cpus"]) > 1:
            for row in rows.LCORES:
                result = self.step(row.title, self.bench.run_lcores, row, self.settings["cpus"])
                figures["lcores"] += [result] if result else []
        if self.wants("loading"):
            figures["loading"] = self.step("compile and load", loading.compile_and_load,
                                           self.bench)
            figures["delta"] = self.step("a delta, to the first blocked frame", loading.delta,
                                         self.bench)
        if self.wants("swaps"):
            for entries, swaps in self.settings["swaps"]:
                result = self.step(f"{swaps} swaps of {report.count(entries)} names under load",
                                   loading.swap_under_load, self.bench, entries, swaps)
                figures["swaps"] += [result] if result else []
        if self.wants("sweeps"):
            self.bench.rounds = self.settings["sweep_rounds"]
            for key, (about, chosen) in rows.SWEEPS.items():
                print(f"cost by {about}:")
                figures["sweeps"].append(
                    {"key": key, "about": about, "results": list(self.rows(chosen))})
        if self.wants("latency"):
            figures["latency"] = self.step("latency over veth", lambda: latency.Latency(
                self.options.bin, self.names, self.work, self.settings).run())
        if self.wants("end-to-end"):
            figures["end_to_end"] = self.step("end to end beside name servers", lambda:
                                              end_to_end.EndToEnd(self.options.bin, self.names,
                                                                  self.work, self.settings).run())

    def whole(self):
        begun, begin = datetime.datetime.now(datetime.timezone.utc), time.monotonic()
        load = machine.load_average()
        remove_abandoned_folders()
        try:
            self.run()
        finally:
            shutil.rmtree(self.work, ignore_errors=True)
        shares = [result["programs"]["sluice"]["core_share"] for result in self.figures["table"]]
        self.figures["run"] = {
            "command": "./sluice bench" + "".join(f" {word}" for word in self.options.words),
            "begun": begun.strftime("%Y-%m-%d %H:%M UTC"), "seconds": time.monotonic() - begin,
            "load_before": load, "load_after": machine.load_average(),
            "rounds": self.settings["rounds"], "slice": self.settings["seconds"],
            "core_share": statistics.median(shares) if shares else float("nan")}
        return self.figures


def parse(words):
    parser = argparse.ArgumentParser(
        prog="sluice bench", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the main rows, in about a minute")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts")
    parser.add_argument("--rows", nargs="+", metavar="ROW", choices=ROW_KEYS,
                        help="of the table, the profile and the policy these rows: "
                             + ", ".join(ROW_KEYS))
    parser.add_argument("--entries", type=int, help="names in the list (5000000, quick: 100000)")
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"),
                        help="where the programs are")
    parser.add_argument("--lists", type=pathlib.Path, default=pathlib.Path("../shared/lists"),
                        help="where the real lists are")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench"),
                        help="where the figures go")
    parser.add_argument("--document", type=pathlib.Path,
                        help="put the figures into this document too, such as docs/PERFORMANCE.md")
    options = parser.parse_args(words)
    if options.entries is not None and options.entries < 1:
        parser.error("--entries: a list has at least one name")
    options.words = words
    return options


def leave(_signal, _frame):
    raise SystemExit(143)


def main():
    options = parse(sys.argv[1:])
    if os.geteuid() != 0:
        raise LabError("the bench needs root: it starts DPDK and makes network namespaces")
    signal.signal(signal.SIGTERM, leave)
    figures = Session(options).whole()
    paths = report.write(figures, options.out, "quick" if options.quick else "bench")
    text = report.markdown(figures)
    print("\n" + text)
    if options.document:
        report.put_into(options.document, text)
    print("written: " + ", ".join(map(str, paths)))
    return 1 if figures["faults"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; everything was ended", file=sys.stderr)
        sys.exit(130)
    except (LabError, ValueError) as error:
        sys.exit(f"sluice bench: {error}")
