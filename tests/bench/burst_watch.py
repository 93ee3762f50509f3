"""How long the longest burst of a worker takes, seen from outside: reads the worker's rx_packets in
the memory of its process again and again, and times how long it stands still.

    python3 -m tests.bench.burst_watch PID TID ADDRESS SECONDS       (prints JSON)

While all frames that come are taken, rx_packets moves once a burst. What is no burst's doing is
kept apart: a worker that the kernel had taken its CPU from, and a watcher that did not look. The
clock of a virtual machine runs on while its host runs another one, so that a quiet time has to be
watched for comparison.
"""
import gc
import json
import os
import sys
import time

BOUNDS_US = (10, 50, 200, 1000)
HOLE_NS = 15_000      # the watcher looks about every 2 µs; longer than this it was away
SUSPECT_NS = 10_000   # shorter gaps are not looked into
PREEMPTED = 0.3       # of a gap that the worker waited for a CPU


class Gaps:
    """Sorts the times between two steps of the counter."""

    def __init__(self):
        self.bursts = 0
        self.longest_ns = 0
        self.over = dict.fromkeys(BOUNDS_US, 0)
        self.preempted = 0
        self.unseen = 0

    def add(self, gap_ns, hole_ns, waited_ns):
        """`hole_ns`: the watcher's longest absence within the gap; `waited_ns`: how long the worker
        was ready to run and did not."""
        self.bursts += 1
        if gap_ns < SUSPECT_NS:
            self.longest_ns = max(self.longest_ns, gap_ns)
        elif hole_ns > HOLE_NS:
            self.unseen += 1
        elif waited_ns > PREEMPTED * gap_ns:
            self.preempted += 1
        else:
            self.longest_ns = max(self.longest_ns, gap_ns)
            for bound in BOUNDS_US:
                self.over[bound] += gap_ns > bound * 1000

    def told(self):
        return {"steps": self.bursts, "longest_us": self.longest_ns / 1000,
                "over_us": self.over, "preempted": self.preempted, "unseen": self.unseen}


def watch(pid, tid, address, seconds):
    gaps, clock = Gaps(), time.perf_counter_ns
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    sched = os.open(f"/proc/{pid}/task/{tid}/schedstat", os.O_RDONLY)

    def waited():
        return int(os.pread(sched, 128, 0).split()[1])
    gc.disable()
    pread = os.pread
    last, before_wait = pread(memory, 8, address), waited()
    step = looked = clock()
    hole = away = 0
    end = step + int(seconds * 1e9)
    while looked < end:
        value, now = pread(memory, 8, address), clock()
        if now - looked > hole:
            hole = now - looked
        if now - looked > HOLE_NS:
            away += now - looked
        looked = now
        if value == last:
            continue
        gap = now - step
        wait = 0
        if gap >= SUSPECT_NS:
            total = waited()
            wait, before_wait = total - before_wait, total
        gaps.add(gap, hole, wait)
        # After a look at the worker's waiting, the next gap starts now, not when it was seen.
        last, step, hole = value, now if gap < SUSPECT_NS else clock(), 0
        looked = step
    os.close(memory)
    os.close(sched)
    return {**gaps.told(), "seconds": seconds, "watched": 1 - away / (seconds * 1e9)}


def find_counter(pid, near):
    """The address of rx_packets in a stopped process, by the counters' order (stats/counters.h): a
    word within the bounds `near`, then as many octets as so many frames may have, then tx_packets,
    at most a few bursts behind. None where that is not at one place only.
    """
    low, high = near
    found = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            span, rights, _, _, inode, *_ = line.split(maxsplit=5)
            begin, end = (int(at, 16) for at in span.split("-"))
            if rights[:2] != "rw" or inode != "0":
                continue
            mem.seek(begin)
            try:
                data = mem.read(end - begin)
            except OSError:  # regions of devices
                continue
            found += [begin + at for at in _places(data, low, high)]
    return found[0] if len(found) == 1 else None


def _places(data, low, high):
    words = memoryview(data)[:len(data) // 8 * 8].cast("Q")
    # Counters begin a cache line.
    for at in range(0, len(words) - 2, 8):
        received = words[at]
        if low <= received <= high and 60 * received <= words[at + 1] <= 9728 * received and \
                0 <= received - words[at + 2] <= 4096:
            yield at * 8


if __name__ == "__main__":
    PID, TID, ADDRESS = (int(word) for word in sys.argv[1:4])
    json.dump(watch(PID, TID, ADDRESS, float(sys.argv[4])), sys.stdout)
