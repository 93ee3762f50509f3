"""What a list costs: to compile, to load, to hold, and to change while frames pour in."""
import itertools
import os
import pathlib
import re
import statistics
import time

from . import dpdk, measure, rows

CHANGES = 1000  # of a delta
DELTAS = 5      # that are measured
TURNS = 5       # of swapping, and of quiet between
READINGS = 21  # of counters that move meanwhile: rx is read before tx, a burst may lie between


def process_cpu(pid):
    """User and kernel seconds of all its threads, ended ones too."""
    words = pathlib.Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return tuple(int(word) / os.sysconf("SC_CLK_TCK") for word in words[11:13])


def in_flight(sluice):
    """Frames received and not (yet) sent, dropped or answered, by the workers' own counters: at
    most a burst, unless some were lost. The median of several readings."""
    differences = []
    for _ in range(READINGS):
        c = sluice.counters()
        differences.append(c["rx_packets"] + c["resets_sent"] - c["tx_packets"]
                           - c["tx_full_dropped"])
        time.sleep(0.01)
    return statistics.median(differences)


def device_losses(sluice):
    return sum(stats["imissed"] + stats["rx_nombuf"] + stats["ierrors"] + stats["oerrors"]
               for stats in sluice.port_stats())


def compile_and_load(bench):
    """From a plain list to an activated generation, and what it holds in memory afterwards."""
    entries = bench.entries
    with bench.folder("load") as folder:
        captures, _ = bench.captures(next(r for r in rows.TABLE if r.key == "dns-miss"), folder)
        generation = folder / "compiled.lmdb"
        compiled = dpdk.compile_list(bench.binaries, bench.names.listed(entries), generation,
                                     number=2)
        # It starts with a list of one name, since no list may be empty.
        with bench.sluice("sluice", captures, folder, [bench.cpu], 1) as sluice:
            empty = sluice.memory()
            before = sum(process_cpu(sluice.process.pid)) - sluice.sample().cpu_seconds
            seconds = sluice.load(generation)
            cpu = sum(process_cpu(sluice.process.pid)) - sluice.sample().cpu_seconds - before
            loaded = sluice.memory()
            sluice.load(generation)  # again: what the former one held has to be given back
            after_swap = sluice.memory()
        octets = generation.stat().st_size
    held = loaded["held"] - empty["held"]
    return {"entries": entries, "compile": compiled,
            "load_seconds": seconds, "load_cpu_seconds": max(0.0, cpu),
            "activated_seconds": compiled["seconds"] + seconds,
            "file_octets": octets, "resident_empty": empty["resident"],
            "resident_loaded": loaded["resident"],
            "held_after_swap_octets": after_swap["held"] - empty["held"],
            "peak_octets": after_swap["peak"],
            "held_octets": held, "file_octets_an_entry": octets / entries,
            "index_octets_an_entry": (held - octets) / entries}


def write_changes(names, entries, path):
    """Half of them take names off the list, half put on names that are asked for."""
    half = min(CHANGES // 2, entries // 2)
    with open(names.listed(entries), encoding="ascii") as file:
        gone = [line.rstrip("\n") for line in itertools.islice(file, half)]
    path.write_text("".join([*(f"-{name}\n" for name in gone),
                             *(f"+{name}\n" for name in names.sample_misses(half))]))
    return 2 * half


def delta(bench):
    """Changes to a list, from the start of their compiler to the first frame that they block; the
    list runs already, and none of the names that are asked for is in it."""
    entries = bench.entries
    with bench.folder("delta") as folder:
        captures, _ = bench.captures(next(r for r in rows.TABLE if r.key == "dns-miss"), folder)
        base, changed = folder / "1.lmdb", folder / "2.lmdb"
        dpdk.compile_list(bench.binaries, bench.names.listed(entries), base)
        changes = write_changes(bench.names, entries, folder / "changes.txt")
        seconds, cpu_seconds, loads = [], [], []
        with dpdk.Sluice("sluice", bench.binaries, captures, folder / "sluice", [bench.cpu],
                         base) as sluice:
            for _ in range(DELTAS):
                blocked = sluice.counters()["dns_blocked"]
                before = sum(process_cpu(sluice.process.pid)) - sluice.sample().cpu_seconds
                cost = dpdk.change_list(bench.binaries, base, folder / "changes.txt", changed, 2)
                begin = time.monotonic()
                loads.append(sluice.load(changed))
                while sluice.counters()["dns_blocked"] == blocked:
                    pass
                seconds.append(cost["seconds"] + time.monotonic() - begin)
                after = sum(process_cpu(sluice.process.pid)) - sluice.sample().cpu_seconds
                cpu_seconds.append(cost["cpu_seconds"] + max(0.0, after - before))
                sluice.load(base)
        octets = changed.stat().st_size
    return {"entries": entries, "changes": changes, "seconds": statistics.median(seconds),
            "cpu_seconds": statistics.median(cpu_seconds), "load_seconds": statistics.median(loads),
            "file_octets": octets}


def bursts(sluice, before=None):
    """How many came how late since `before`, and how often the kernel gave their CPU to others."""
    told = {name: count for name, count in sluice.counters().items() if name.startswith("burst")}
    status = (sluice.lcore_threads()[0] / "status").read_text()
    told["preempted"] = int(re.search(r"^nonvoluntary_ctxt_switches:\s*(\d+)", status, re.M)[1])
    return {name: count - before[name] for name, count in told.items()} if before else told


def swap_under_load(bench, entries, swaps):
    """Swaps between two generations of a list while every frame of an endless burst is judged."""
    with bench.folder("swap") as folder:
        captures, _ = bench.captures(next(r for r in rows.TABLE if r.key == "dns-miss"), folder)
        files = []
        for number in (1, 2):
            files.append(folder / f"{number}.lmdb")
            dpdk.compile_list(bench.binaries, bench.names.listed(entries), files[-1],
                              number=number)
        with dpdk.Sluice("sluice", bench.binaries, captures, folder / "sluice", [bench.cpu],
                         files[0]) as sluice:
            sluice.load(files[1])
            one = sluice.load(files[0])
            # We keep off the worker's CPU. Quiet and swapping in turn: a neighbour's doing falls on
            # both.
            allowed = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {int(bench.other_cpu)})
            gaps = {"quiet": [], "swapping": []}
            rates = {"quiet": [], "swapping": []}
            took = []
            before = in_flight(sluice), device_losses(sluice)
            counters = sluice.counters()
            for turn in range(TURNS):
                for when in gaps:
                    sample, seen = sluice.sample(), bursts(sluice)
                    if when == "quiet":
                        time.sleep(one * swaps / TURNS)
                    else:
                        for _ in range(turn, swaps, TURNS):
                            took.append(sluice.load(files[(len(took) + 1) % 2]))
                    gaps[when].append(bursts(sluice, seen))
                    rates[when].append(measure.rate(sample, sluice.sample()).lcore)
            counted = measure.delta(counters, sluice.counters())
            after = in_flight(sluice), device_losses(sluice)
            os.sched_setaffinity(0, allowed)
    return {"entries": entries, "swaps": swaps, "frames": counted["rx_packets"],
            "lost": after[0] - before[0], "lost_by_devices": after[1] - before[1],
            "dropped": counted.get("tx_full_dropped", 0),
            "judged": counted.get("dns_queries", 0), "seconds_median": statistics.median(took),
            "seconds_most": max(took),
            "rate_kept": statistics.median(rates["swapping"]) / statistics.median(rates["quiet"]),
            "bursts": {when: {name: sum(one[name] for one in turns) for name in turns[0]}
                       for when, turns in gaps.items()}}
