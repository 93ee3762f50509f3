"""The two programs that are compared, sluice-dataplane and dpdk-testpmd, on the same devices.

Both are asked the same way: frames by DPDK's telemetry (/ethdev/stats), the time that their
forwarding lcores had by the kernel's account of each thread. A program that is not being measured
is stopped by SIGSTOP, so that all of a row's programs are started once and take turns.
"""
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from tests.lab.process import LabError, Process, wait_until

MAX_PORTS = 32            # RTE_MAX_ETHPORTS of Debian's DPDK
BUFFERS_PER_PORT = 4096   # that sluice-dataplane makes; dataplane/gateway/gateway.cpp
WORKING_BUFFERS = 3072    # bursts, caches of buffers, and what a device holds back
INSIDE, OUTSIDE = 0, 1    # DPDK's port numbers, by the order of the devices
PATIENCE = 90.0           # a list of millions is loaded before the first answer

CONFIG = """\
site: {{name: Bench}}
ports:
  inside: {{device: "{inside}"}}
  outside: {{device: "{outside}"}}
{spare}pairs:
  wire: {{inside: inside, outside: outside}}
dataplane:
  workers: {workers}
  cpus: {cpus}
  huge_pages: automatic
  memory_mib: {memory}
  idle_sleep_us: 0
policies:
  everyone: {{block: defaults}}
default_policy: everyone
state_dir: {folder}/state
run_dir: {folder}/run
"""


@dataclasses.dataclass(frozen=True)
class Captures:
    """What the two devices replay, over and over; a file a queue. Without `outside` nothing comes
    from there."""
    inside: tuple
    outside: tuple
    frames: int  # of all

    @property
    def queues(self):
        return len(self.inside)

    def devices(self):
        """net_pcap copies a capture into buffers once and then sends from those; what it is given
        to send it drops, as net_null does."""
        def replay(paths):
            return ",".join([*(f"rx_pcap={path}" for path in paths), "infinite_rx=1"])
        return ["net_pcap", replay(self.inside),
                *(("net_pcap", replay(self.outside)) if self.outside else ("net_null", "no-rx=1"))]

    def pool_ports(self):
        """Ports' worth of buffers that hold the captures and what is on its way besides."""
        return max(2, -(-(self.frames + WORKING_BUFFERS) // BUFFERS_PER_PORT))

    def memory_mib(self):
        return 256 + self.pool_ports() * BUFFERS_PER_PORT * 2560 // (1 << 20) * 5 // 4


@dataclasses.dataclass(frozen=True)
class Sample:
    seconds: float      # of the clock
    cpu_seconds: float  # of the forwarding lcores
    packets: int        # received on both ports


class Forwarder:
    """A DPDK program that forwards; stopped between pause() and resume(), and ended on leaving."""

    def __init__(self, name, folder, telemetry):
        self.name = name
        self.folder = folder
        self.process = None
        self._telemetry = telemetry
        self._threads = []

    def __enter__(self):
        return self

    def __exit__(self, *_details):
        self.stop()

    def stop(self):
        if self.process and self.process.alive():
            self.resume()
            self.process.stop()

    def _started(self, argv, log, ready):
        self.process = Process(self.name, argv, log, at_our_death=signal.SIGKILL)
        try:
            self.process.wait_until("is ready", ready, PATIENCE)
            self._threads = wait_until(f"{self.name}: its lcores", self.lcore_threads)
        except BaseException:
            self.stop()
            raise

    def lcore_threads(self):
        return [task for task in tasks(self.process.pid)
                if thread_name(task).startswith("rte-worker")]

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def telemetry(self, command):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.settimeout(10)
            peer.connect(str(self._telemetry))
            peer.recv(1 << 16)  # its greeting
            peer.sendall(command.encode())
            return json.loads(peer.recv(1 << 16))[command.partition(",")[0]]

    def port_stats(self):
        return [self.telemetry(f"/ethdev/stats,{port}") for port in (INSIDE, OUTSIDE)]

    def sample(self):
        before = time.monotonic()
        inside, outside = self.port_stats()
        after = time.monotonic()
        cpu = sum(map(on_cpu_ns, self._threads))
        return Sample((before + after) / 2, cpu / 1e9, inside["ipackets"] + outside["ipackets"])

    def memory(self):
        """Octets: resident, the most that ever was, and held: anonymous memory, huge pages, and
        the memory files that are mapped, whose pages stay also where they are not resident here."""
        folder = pathlib.Path("/proc", str(self.process.pid))
        fields = dict(line.split(":", 1) for line in
                      (folder / "status").read_text().splitlines())
        files = {}
        for line in (folder / "maps").read_text().splitlines():
            span, _, _, _, inode, *path = line.split(maxsplit=5)
            if path and path[0].startswith("/memfd:"):
                low, high = (int(end, 16) for end in span.split("-"))
                files[inode] = max(high - low, files.get(inode, 0))
        octets = {key: int(fields[key].split()[0]) * 1024
                  for key in ("RssAnon", "HugetlbPages", "VmRSS", "VmHWM")}
        return {"held": octets["RssAnon"] + octets["HugetlbPages"] + sum(files.values()),
                "resident": octets["VmRSS"], "peak": octets["VmHWM"]}


class Testpmd(Forwarder):
    """`mode`: io, which looks at no octet, or macswap, which writes the addresses of each frame. A
    queue for each of `cpus`, as the captures are."""

    def __init__(self, name, mode, captures, folder, cpus):
        folder.mkdir(parents=True, exist_ok=True)
        prefix = f"sluice-bench-{os.getpid()}-{folder.name}"
        super().__init__(name, folder, folder / "dpdk" / prefix / "dpdk_telemetry.v2")
        devices = captures.devices()
        # --in-memory cannot stand beside --no-huge, which implies --legacy-mem; --no-shconf is the
        # part of it that leaves nothing behind.
        huge = [] if free_huge_mib() >= captures.memory_mib() else ["--no-huge", "--no-shconf"]
        argv = ["env", f"RUNTIME_DIRECTORY={folder}", "dpdk-testpmd", "--no-pci",
                "--iova-mode=va", *(huge or ["--in-memory"]), "-m", captures.memory_mib(),
                f"--file-prefix={prefix}", "--lcores=" + ",".join(
                    [f"0@({allowed_cpus()})",
                     *(f"{lcore}@{cpu}" for lcore, cpu in enumerate(cpus, 1))]),
                f"--vdev={devices[0]}0,{devices[1]}", f"--vdev={devices[2]}1,{devices[3]}", "--",
                f"--nb-cores={len(cpus)}", f"--forward-mode={mode}", "--no-mlockall",
                f"--rxq={captures.queues}", f"--txq={captures.queues}",
                f"--total-num-mbufs={captures.pool_ports() * BUFFERS_PER_PORT - 1}",
                "--mbcache=256", "--auto-start", "--stats-period=3600"]
        self._started(argv, folder / f"testpmd-{mode}.log", self._ready)

    def _ready(self):
        try:
            return self.port_stats()[INSIDE]["ipackets"] > 0
        except OSError:
            return False


class Sluice(Forwarder):
    """`clock`: the time that it takes for the start's, or its own."""

    def __init__(self, name, binaries, captures, folder, cpus, generation=None, clock=None):
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(name, folder, folder / "run" / "dpdk" / "sluice" / "dpdk_telemetry.v2")
        devices = captures.devices()
        kind = {"net_pcap": "pcap", "net_null": "null"}
        # A port that is in no pair is never read; each brings its share of buffers to the pool.
        spare = "".join(f'  spare{number}: {{device: "null:no-rx=1"}}\n'
                        for number in range(2, captures.pool_ports()))
        self.config = folder / "sluice.yaml"
        self.config.write_text(CONFIG.format(
            inside=f"{kind[devices[0]]}:{devices[1]}", outside=f"{kind[devices[2]]}:{devices[3]}",
            spare=spare, workers=len(cpus), cpus=list(cpus), memory=captures.memory_mib(),
            folder=folder))
        (folder / "state" / "generations").mkdir(parents=True, exist_ok=True)
        argv = [program(binaries, "sluice-dataplane"), "--config", self.config]
        if generation:
            argv += ["--generation", generation]
        if clock:
            argv += ["--clock-for-tests", clock]
        self._started(argv, folder / "dataplane.log", lambda: self.ask("status") is not None)
        running = self.ask("status")["generation"]
        if generation and running is None:
            self.stop()
            raise LabError(f"{name}: the generation {generation} was not taken\n"
                           + self.process.tail())

    def ask(self, command, patience=PATIENCE, **fields):
        """The reply, or None while nobody serves the socket."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(patience)
            try:
                peer.connect(str(self.folder / "run" / "dataplane.sock"))
                peer.sendall(json.dumps({"command": command, **fields}).encode() + b"\n")
                return json.loads(peer.makefile().readline() or "null")
            except OSError:
                return None

    def counters(self):
        return self.ask("stats")["counters"]

    def load(self, generation):
        """Seconds until every worker judges by it."""
        begin = time.monotonic()
        reply = self.ask("load", path=str(generation))
        if not reply or not reply["ok"]:
            raise LabError(f"{self.name} did not load {generation}: {reply}")
        return time.monotonic() - begin


def tasks(pid):
    return list(pathlib.Path("/proc", str(pid), "task").iterdir())


def thread_name(task):
    try:
        return (task / "comm").read_text().strip()
    except OSError:  # it has ended since
        return ""


def on_cpu_ns(task):
    return int((task / "schedstat").read_text().split()[0])


def program(binaries, name):
    path = pathlib.Path(binaries) / name
    if not path.exists():
        raise LabError(f"{path} is missing; run ./sluice build")
    return path


# The kernel counts the memory of whoever starts a program as the program's own at its peak, so it
# is started by one that is small.
METER = """
import json, os, subprocess, sys, time
begin = time.monotonic()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr)
_, status, usage = os.wait4(child.pid, 0)
print(json.dumps({"exit_code": os.waitstatus_to_exitcode(status),
                  "seconds": time.monotonic() - begin,
                  "cpu_seconds": usage.ru_utime + usage.ru_stime,
                  "peak_octets": usage.ru_maxrss * 1024}))
"""


def metered(*argv):
    """What a program cost, its start included: seconds, CPU seconds, octets at most."""
    done = subprocess.run([sys.executable, "-ISc", METER, *map(str, argv)], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=True)
    cost = json.loads(done.stdout)
    if cost.pop("exit_code") != 0:
        raise LabError(" ".join(map(str, argv)) + ": " + done.stderr.strip())
    return cost


def compile_list(binaries, names, generation, number=1, category="gambling", config=None):
    """What it cost, as metered() tells. `config`: whose policy goes into the generation."""
    return metered(program(binaries, "sluicectl"), *(("--config", config) if config else ()),
                   "list", "compile", names, "--category", category,
                   "--generation-number", number, "-o", generation)


def change_list(binaries, base, changes, generation, number, category="gambling", config=None):
    """What it cost to write changes to a generation that the dataplane runs, as metered() tells."""
    return metered(program(binaries, "sluicectl"), *(("--config", config) if config else ()),
                   "list", "compile", "--base", base,
                   "--verified-base", "--changes", changes, "--category", category,
                   "--generation-number", number, "-o", generation)


def allowed_cpus():
    return ",".join(map(str, sorted(os.sched_getaffinity(0))))


def free_huge_mib():
    fields = dict(line.split(":", 1) for line in
                  pathlib.Path("/proc/meminfo").read_text().splitlines())
    pages = int(fields["HugePages_Free"].split()[0])
    return pages * int(fields["Hugepagesize"].split()[0]) // 1024
