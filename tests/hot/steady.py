#!/usr/bin/python3
"""Watches workers while frames pass: they may not allocate, lock, or call the kernel.

    steady.py --bin build/release/bin --probe build/release/tests/hot/libprobe.so

The frames are those of all packet cases, at both ports and in two queues, over and over: every
inspector, refusals of every kind, fragments, tunnels, junk; and flows that begin and end in each
round. What the workers do is watched from the first burst on that they judge, once with a list that
blocks what the cases name, and once with one that blocks nothing of it. Allocations and locks are
counted by probe.cpp, system calls by strace. Both are held against the main thread at work, too, of
which they have to tell: they see what there is.
"""
import argparse
import contextlib
import ctypes
import json
import mmap
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import yaml

ROOT = pathlib.Path(__file__).parents[2]
CASES = ROOT / "tests" / "packet" / "cases"
sys.path.insert(0, str(ROOT))
from tests.bench import traffic  # noqa: E402
from tests.packet import pcap  # noqa: E402

PATIENCE = 60
WATCHED = 2.0  # seconds
WORKERS = 2
MOST_OCTETS = 2048  # a frame of one buffer
LISTED = "listed.example"


class Probe(ctypes.Structure):
    """What probe.cpp shares."""
    _fields_ = (("armed", ctypes.c_uint32), ("threads", ctypes.c_int32 * 8),
                ("allocations", ctypes.c_uint64), ("locks", ctypes.c_uint64),
                ("first", ctypes.c_char * 2048))


def frames_of_cases():
    """{side: frames of each queue}, a case in one queue; and the names that the cases block."""
    sides = {side: [[] for _ in range(WORKERS)] for side in ("inside", "outside")}
    names = set()
    for queue, folder in enumerate(sorted(CASES.iterdir())):
        spec = yaml.safe_load((folder / "case.yaml").read_text())
        names.update(spec["block"])
        outside = set(spec.get("from_outside", []))
        for number, frame in enumerate(pcap.read(folder / "in.pcap"), 1):
            if len(frame) <= MOST_OCTETS:
                sides["outside" if number in outside else "inside"][queue % WORKERS].append(frame)
    return sides, names


def frames_that_renew():
    """{side: frames of each queue} of flows that begin anew in every round: their servers answer,
    or another SYN ends the refused one; and QUIC with more connections than are kept."""
    permitted = traffic.hellos(["permitted.example"] * 64)
    refused = []
    for number in range(64, 128):
        flow = traffic.Flow(number, 443)
        hello = traffic.tls_record(traffic.client_hello(LISTED))
        for start in (1_000_000, 2_000_000):  # the same one again is no other connection
            refused += [flow.tcp(b"", sequence=start, flags=2), flow.tcp(hello, sequence=start + 1)]
    inside = permitted + refused + traffic.initials(["permitted.example"] * 128, 16) + \
        traffic.dns_queries([LISTED, "permitted.example"] * 16)
    return {"inside": traffic.by_flow(inside, WORKERS),
            "outside": traffic.by_flow(traffic.server_hellos(64), WORKERS)}


class Dataplane:
    """It runs, and has no list yet. `blocks`: whether load() gives it the names of the cases."""

    def __init__(self, programs, probe, work, blocks):
        self.work = work
        self.file = work / "probe"
        self.file.write_bytes(bytes(ctypes.sizeof(Probe)))
        cases, names = frames_of_cases()
        renewed = frames_that_renew()
        ports = {}
        for side, queues in cases.items():
            device = "pcap:infinite_rx=1"
            for queue, frames in enumerate(queues):
                path = work / f"{side}{queue}.pcap"
                pcap.write(path, frames + renewed[side][queue])
                device += f",rx={path}"
            ports[side] = {"device": device}
        (work / "sluice.yaml").write_text(yaml.safe_dump({
            "ports": ports,
            "pairs": {"wire": {"inside": "inside", "outside": "outside"}},
            "dataplane": {"huge_pages": "never", "memory_mib": 256, "workers": WORKERS,
                          "fail": "open"},
            "policies": {"pupils": {"block": ["gambling"]}},
            # Named by an address: ARP and Neighbor Discovery of the device cases are read, too.
            "groups": {"staff": {"policy": "pupils", "prefixes": ["192.0.2.200/32"]}},
            "default_policy": "pupils",
            "state_dir": str(work / "state"), "run_dir": str(work / "run")}))
        (work / "names").write_text("\n".join([*(sorted(names) if blocks else []), LISTED]) + "\n")
        self.generation = work / "1.lmdb"
        subprocess.run([programs / "sluicectl", "list", "compile", work / "names", "--category",
                        "gambling", "-o", self.generation, "--config", work / "sluice.yaml"],
                       check=True, capture_output=True)
        self.log = open(work / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [programs / "sluice-dataplane", "--config", work / "sluice.yaml"],
            stdout=self.log, stderr=self.log,
            env={**os.environ, "LD_PRELOAD": str(probe), "HOT_PROBE": str(self.file)})
        self.wait_until_it_forwards()
        with open(self.file, "r+b") as file:
            self.probe = Probe.from_buffer(mmap.mmap(file.fileno(), 0))

    def wait_until_it_forwards(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.counters()["no_generation_passed"] > 0:
                    return
            time.sleep(0.05)
        self.log.seek(0)
        raise AssertionError("the dataplane forwards nothing:\n" + self.log.read())

    def counters(self):
        return self.ask("stats")["counters"]

    def load(self):
        reply = self.ask("load", path=str(self.generation))
        if not reply["ok"]:
            raise AssertionError(reply)

    def ask(self, command, **fields):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(PATIENCE)
            peer.connect(str(self.work / "run" / "dataplane.sock"))
            peer.sendall(json.dumps({"command": command, **fields}).encode() + b"\n")
            return json.loads(peer.makefile().readline())

    def threads(self, pattern):
        tasks = pathlib.Path("/proc", str(self.process.pid), "task").iterdir()
        return [int(task.name) for task in tasks
                if re.match(pattern, (task / "comm").read_text())]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.log.close()

    @contextlib.contextmanager
    def probed(self, threads):
        """The probe, which has counted when the block ends."""
        self.probe.allocations = self.probe.locks = 0
        for at, thread in enumerate(threads):
            self.probe.threads[at] = thread
        self.probe.armed = 1
        yield self.probe
        self.probe.armed = 0
        for at in range(len(self.probe.threads)):
            self.probe.threads[at] = 0

    @contextlib.contextmanager
    def traced(self, threads):
        """{name of a system call: how often}, filled in when the block ends. What a thread was in
        when strace came is not counted."""
        out, calls = self.work / "strace", {}
        strace = subprocess.Popen(
            ["strace", "--output", out, *(f"--attach={thread}" for thread in threads)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in threads:
            line = strace.stderr.readline()  # "strace: Process 1 attached"
            if "attached" not in line:
                strace.communicate(timeout=PATIENCE)
                raise AssertionError("strace does not attach: " + line)
        yield calls
        strace.terminate()
        strace.communicate(timeout=PATIENCE)
        for text in out.read_text().splitlines():
            found = re.match(r"(?:\d+ +)?(\w+)\(", text)
            if found and found[1] != "restart_syscall":
                calls[found[1]] = calls.get(found[1], 0) + 1


# What has to move while the workers are watched, so that it is known what they did.
ALWAYS = ("dns_blocked", "tls_client_hellos", "tls_blocked", "quic_client_hellos", "flow_opened",
          "frame_fragment", "resets_sent", "verdict_pass", "verdict_block")
AT_FIRST = {
    True: ("http_blocked", "quic_blocked", "socks_blocked", "dns_response_blocked",
           "flow_refused_again", "fragment_datagrams", "refusals_limited"),
    False: ("http_requests", "socks_names", "dns_responses", "flow_unknown",
            "fragment_datagrams", "tls_incomplete")}


class Steady(unittest.TestCase):
    def start(self, blocks):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        dataplane = Dataplane(OPTIONS.bin.resolve(), OPTIONS.probe.resolve(),
                              pathlib.Path(folder.name), blocks)
        self.addCleanup(dataplane.stop)
        workers = dataplane.threads("rte-worker")
        self.assertEqual(len(workers), WORKERS)
        return dataplane, workers

    @contextlib.contextmanager
    def expect_to_move(self, dataplane, names):
        before = dataplane.counters()
        yield
        after = dataplane.counters()
        self.assertEqual([name for name in names if after[name] == before[name]], [])

    def watch(self, blocks):
        dataplane, workers = self.start(blocks)
        with self.expect_to_move(dataplane, ALWAYS + AT_FIRST[blocks]):
            with dataplane.probed(workers) as probe:
                dataplane.load()
                time.sleep(WATCHED)
        self.assertEqual((probe.allocations, probe.locks), (0, 0), probe.first.decode())
        with self.expect_to_move(dataplane, ALWAYS):
            with dataplane.traced(workers) as calls:
                time.sleep(WATCHED)
        self.assertEqual(calls, {})

    def test_workers_that_block(self):
        self.watch(True)

    def test_workers_that_pass(self):
        self.watch(False)

    def test_both_see_what_there_is(self):
        dataplane, _ = self.start(True)
        main = [dataplane.process.pid]
        with dataplane.probed(main) as probe:
            dataplane.load()
        self.assertGreater(probe.allocations, 100)
        self.assertIn("sluice-dataplane+0x", probe.first.decode())
        with dataplane.traced(main) as calls:
            dataplane.load()
        self.assertGreater(sum(calls.values()), 10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--probe", type=pathlib.Path, required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
