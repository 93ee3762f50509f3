"""How much later a DNS query arrives because of the gateway: sent one by one over veth, timed from
before the sender's system call to the kernel's stamp at the receiver. A kernel bridge in the same
place is what is compared with.
"""
import contextlib
import os
import pathlib
import socket
import struct
import time

from tests.lab.frames import inside
from tests.lab.process import LabError

from . import dpdk, traffic
from .end_to_end import CLIENT, CONFIG, SERVER, Wires

SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
BATCH = 100
QUIET_S = 0.3  # after the last query, for those that are on their way
QUANTILES = (0.5, 0.99, 0.999)
_TIMESPEC = struct.Struct("qq")


def quantile(sorted_values, share):
    """The least value that `share` of all values do not exceed."""
    index = max(0, -(-len(sorted_values) * share // 1) - 1)
    return sorted_values[min(int(index), len(sorted_values) - 1)]


def summary(nanoseconds, sent):
    if not nanoseconds:
        raise LabError("no query arrived")
    ordered = sorted(nanoseconds)
    return {"sent": sent, "lost": sent - len(ordered),
            **{f"p{share * 100:g}_us": quantile(ordered, share) / 1000 for share in QUANTILES}}


def _udp_socket(namespace, address, port=0):
    with inside(namespace):
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    out.bind((address, port))
    return out


def _drain(receiver, stamps, timeout):
    receiver.settimeout(timeout)
    with contextlib.suppress(TimeoutError, BlockingIOError):
        while True:
            data, controls, _, _ = receiver.recvmsg(2048, 128)
            for level, kind, value in controls:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, nanoseconds = _TIMESPEC.unpack_from(value)
                    stamps[data[:2]] = seconds * 1_000_000_000 + nanoseconds


def time_queries(wires, name, count, interval):
    """`count` queries (at most 65,536), one each `interval` seconds."""
    sent, stamps = {}, {}
    sender = _udp_socket(wires.client, CLIENT)
    receiver = _udp_socket(wires.server, SERVER, 53)
    receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    with contextlib.closing(sender), contextlib.closing(receiver):
        sender.connect((SERVER, 53))
        sender.send(b"\xff\xffwarm")  # ARP is asked before the first query that counts
        _drain(receiver, {}, QUIET_S)
        due = time.monotonic()
        for number in range(count):
            query = traffic.dns_query(name, number)
            due += interval
            while time.monotonic() < due:  # awake: a sleeping CPU wakes late, whatever the path
                pass
            sent[query[:2]] = time.time_ns()
            sender.send(query)
            if number % BATCH == BATCH - 1:
                _drain(receiver, stamps, 0)
        _drain(receiver, stamps, QUIET_S)
    return summary([stamps[key] - sent[key] for key in stamps if key in sent], len(sent))


def _bridge(wires):
    gateway = wires.gateway
    gateway.run("ip", "link", "add", "bridge", "type", "bridge")
    for interface in ("inside", "outside"):
        gateway.run("ip", "link", "set", interface, "master", "bridge")
    gateway.run("ip", "link", "set", "bridge", "up")


def _no_bridge(wires):
    wires.gateway.run("ip", "link", "del", "bridge")


class Latency:
    def __init__(self, binaries, names, work: pathlib.Path, settings):
        self.binaries = pathlib.Path(binaries).resolve()
        self.cpu, self.sender_cpu = settings["cpu"], settings["generator_cpu"]
        self.count, self.interval = settings["latency_queries"], 0.0002
        self.entries = settings["end_to_end_entries"]
        self.folder = work.resolve() / "latency"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.list = names.listed(self.entries).resolve()
        self.name = names.sample_misses(1)[0]

    def run(self):
        generation = self.folder / "1.lmdb"
        dpdk.compile_list(self.binaries, self.list, generation)
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self.sender_cpu})
        try:
            with Wires() as wires:
                _bridge(wires)
                paths = [{"path": "kernel bridge", **self._time(wires)}]
                _no_bridge(wires)
                for path, sleep in (("gateway, waits when idle", 250),
                                    ("gateway, always polls", 0)):
                    paths.append({"path": path,
                                  **self._gateway(wires, generation, sleep, allowed)})
        finally:
            os.sched_setaffinity(0, allowed)
        return {"entries": self.entries, "paths": paths}

    def _time(self, wires):
        return time_queries(wires, self.name, self.count, self.interval)

    def _gateway(self, wires, generation, idle_sleep_us, cpus):
        folder = self.folder / f"idle-{idle_sleep_us}"
        (folder / "state" / "generations").mkdir(parents=True)
        config = folder / "sluice.yaml"
        text = CONFIG.format(folder=folder, cpu=self.cpu)
        config.write_text(text.replace("memory_mib: 256",
                                       f"memory_mib: 256, idle_sleep_us: {idle_sleep_us}"))
        process = wires.gateway.start(
            "sluice", "taskset", "-c", ",".join(map(str, sorted(cpus))),
            dpdk.program(self.binaries, "sluice-dataplane"), "--config", config, "--generation",
            generation, log=folder / "log")
        try:
            process.wait_until("is ready", lambda: (folder / "run" / "dataplane.sock").exists())
            return self._time(wires)
        finally:
            process.stop()
