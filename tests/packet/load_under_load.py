#!/usr/bin/python3
"""Loads generations while blocked queries pour in, the first one into a dataplane that has none.

    load_under_load.py --bin build/release/bin

Every block has to be told with the group's name in the generation that judged it: the two that are
loaded in turn name the same index differently.
"""
import argparse
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import pcap  # noqa: E402

PATIENCE = 30
SWAPS = 20
LONG = (300 << 20, 1200 << 20)  # octets to hash, and where that is done too soon
GROUPS = {1: "pupils-of-one", 2: "pupils-of-two"}


def query_frame():
    dns = bytes.fromhex("123401000001000000000000") + b"\7blocked\7example\0" + b"\0\1\0\1"
    udp = b"\xc3\x50\0\x35" + (8 + len(dns)).to_bytes(2, "big") + b"\0\0" + dns
    ip = (b"\x45\0" + (20 + len(udp)).to_bytes(2, "big") + bytes.fromhex("000740004011") + b"\0\0" +
          bytes([192, 0, 2, 2, 192, 0, 2, 1]))
    return bytes.fromhex("020000000001" "020000000002" "0800") + ip + udp


def config(work, generation):
    return {
        "site": {"name": "load under load"},
        "ports": {"inside": {"device": f"pcap:rx={work}/in.pcap,infinite_rx=1"},
                  "outside": {"device": "null:no-rx=1"}},
        "pairs": {"wire": {"inside": "inside", "outside": "outside"}},
        "dataplane": {"huge_pages": "never", "memory_mib": 128, "fail": "open",
                      "cpus": [max(os.sched_getaffinity(0))]},
        "policies": {"pupils": {"block": ["gambling"]}},
        "groups": {GROUPS[generation]: {"policy": "pupils", "prefixes": ["192.0.2.0/24"]}},
        "default_policy": "pupils",
        "state_dir": str(work / "state"),
        "run_dir": str(work / "run"),
    }


class Dataplane:
    def __init__(self, programs, work):
        self.socket = work / "run" / "dataplane.sock"
        self.log = open(work / "dataplane.log", "w+")
        self.process = subprocess.Popen([str(programs / "sluice-dataplane"), "--config",
                                         str(work / "1.yaml")], stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + PATIENCE
        while not self.socket.exists() and time.monotonic() < deadline and self.alive():
            time.sleep(0.02)

    def alive(self):
        return self.process.poll() is None

    def begin(self, command, **fields):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        client.connect(str(self.socket))
        client.sendall(json.dumps({"command": command, **fields}).encode() + b"\n")
        return client

    @staticmethod
    def answer(client):
        reply = b""
        while not reply.endswith(b"\n"):
            piece = client.recv(1 << 20)
            if not piece:
                raise AssertionError("no answer")
            reply += piece
        return json.loads(reply)

    def ask(self, command, **fields):
        with self.begin(command, **fields) as client:
            reply = self.answer(client)
        if not reply["ok"]:
            raise AssertionError(f"{command}: {reply}")
        return reply

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def check_events(dataplane, after):
    events = dataplane.ask("events", after=after)["events"]
    for event in events:
        if event["group"] != GROUPS[event["generation"]]:
            raise AssertionError(f"a block told under the wrong group: {event}")
    return events[-1]["sequence"] if events else after


def check_cpus(dataplane):
    """Nothing but its worker may run on the CPU that was given to it, if there is another one."""
    allowed = os.sched_getaffinity(0)
    given = max(allowed)
    for task in pathlib.Path(f"/proc/{dataplane.process.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        on = os.sched_getaffinity(int(task.name))
        right = on == {given} if name.startswith("rte-worker") else given not in on
        if not right and len(allowed) > 1:
            raise AssertionError(f"{name} may run on {sorted(on)}, the worker has {given}")


def others_wait(dataplane, work, octets):
    """Whether the trial of something long is over before other commands and two loads are."""
    long = work / "long.lmdb"
    with long.open("wb") as file:
        file.seek(octets)
        file.write(struct.pack("<8sIIQ32sQ", b"SLUICEG1", 1, 64, octets, b"wrong", 0))
    with dataplane.begin("trial", path=str(long)) as trial:
        for number in GROUPS:
            dataplane.ask("status")
            dataplane.ask("load", path=str(work / f"{number}.lmdb"))
        check_cpus(dataplane)
        over = bool(select.select([trial], [], [], 0)[0])
        reply = dataplane.answer(trial)
        if reply["ok"] or "seal" not in reply["error"]["what"]:
            raise AssertionError(f"a trial of what is no generation: {reply}")
    return over


def check_trial(dataplane, work):
    """What is long in coming keeps neither other commands nor a load waiting, and keeps off the worker's CPU."""
    if all(others_wait(dataplane, work, octets) for octets in LONG):
        raise AssertionError("others had to wait for a trial")
    reply = dataplane.ask("trial", path=str(work / "1.lmdb"))
    if (reply["running"], reply["blocked"]) != (2, 0):
        raise AssertionError(f"a trial of the other: {reply}")


def check_gaps(dataplane):
    """A burst that is held up for 50 ms is told, once for each bound below that."""
    before = dataplane.ask("stats")["counters"]
    dataplane.process.send_signal(signal.SIGSTOP)
    time.sleep(0.05)
    dataplane.process.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + PATIENCE
    gaps = [0]
    # Until the worker has a CPU again, and is not about to count.
    while (gaps[-1] == 0 or sorted(gaps, reverse=True) != gaps) and time.monotonic() < deadline:
        after = dataplane.ask("stats")["counters"]
        gaps = [after[name] - before[name]
                for name in (f"burst_gap_{bound}us" for bound in (10, 50, 200, 1000))]
    if gaps[-1] == 0 or sorted(gaps, reverse=True) != gaps:
        raise AssertionError(f"a burst that came 50 ms late is not told: {gaps}")
    if after["bursts"] - before["bursts"] < gaps[0]:
        raise AssertionError("fewer bursts than gaps")


def run(programs, work):
    pcap.write(work / "in.pcap", [query_frame()] * 64)
    names = work / "names.txt"
    names.write_text("blocked.example\n")
    for number in GROUPS:
        (work / f"{number}.yaml").write_text(yaml.safe_dump(config(work, number)))
        subprocess.run([str(programs / "sluicectl"), "list", "compile", str(names), "--category",
                        "gambling", "-o", str(work / f"{number}.lmdb"), "--config",
                        str(work / f"{number}.yaml"), "--generation-number", str(number)],
                       check=True, capture_output=True, timeout=PATIENCE)
    dataplane = Dataplane(programs, work)
    try:
        if dataplane.ask("status")["generation"] is not None:
            raise AssertionError("there should be no generation yet")
        after = 0
        for swap in range(SWAPS):
            dataplane.ask("load", path=str(work / f"{swap % 2 + 1}.lmdb"))
            after = check_events(dataplane, after)
        if dataplane.ask("stats")["counters"]["dns_blocked"] == 0 or after == 0:
            raise AssertionError("nothing was blocked")
        check_cpus(dataplane)
        check_trial(dataplane, work)
        check_gaps(dataplane)
    finally:
        status = dataplane.stop()
        if status != 0:
            dataplane.log.seek(0)
            print(f"the dataplane ended with {status}\n{dataplane.log.read()[-4000:]}",
                  file=sys.stderr)
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of the programs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-load-") as work:
        try:
            sys.exit(run(options.bin.resolve(), pathlib.Path(work)))
        except (AssertionError, OSError) as error:
            sys.exit(f"load under load: {error}")


if __name__ == "__main__":
    main()
