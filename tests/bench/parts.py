"""The parts without ports: what Google Benchmark says of one frame in the pipeline, and of one
Initial. Their programs are built beside this file, into the build's own tests/bench.
"""
import json
import pathlib

from tests.lab.process import LabError, run

PROGRAMS = ("pipeline_bench", "quic_bench")
SECONDS = 0.5  # each
REPETITIONS = 3


def parse(program, text):
    """One line a benchmark: the median of its repetitions."""
    out = []
    for one in json.loads(text)["benchmarks"]:
        if one.get("error_occurred"):
            raise LabError(f"{program}: {one['name']}: {one['error_message']}")
        if one.get("aggregate_name") != "median":
            continue
        # An iteration is a burst where items are counted.
        rate = one.get("items_per_second", 1e9 / one["cpu_time"])
        out.append({"program": program, "name": one["run_name"], "nanoseconds": 1e9 / rate,
                    "rate": rate})
    return out


def run_all(binaries, cpu):
    folder = pathlib.Path(binaries).parent / "tests" / "bench"
    out = []
    for program in PROGRAMS:
        if not (folder / program).exists():
            raise LabError(f"{folder / program} is missing; build it with cmake --build --preset "
                           f"release --target {program}")
        out += parse(program, run(
            "taskset", "-c", cpu, folder / program, "--benchmark_format=json",
            f"--benchmark_min_time={SECONDS}", f"--benchmark_repetitions={REPETITIONS}",
            timeout=300).stdout)
    return out
