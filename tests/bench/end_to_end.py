"""Blocked queries end to end over veth: the gateway, and name servers with the same list.

    client                     gateway                  server
    eth0 192.0.2.2    <---->   inside | outside  <----> eth0 192.0.2.1    (nobody answers here)
    eth1 198.18.0.2   <------------------------------>  eth1 198.18.0.1   a name server at a time

The client's generator has one CPU, what answers the other one. What the kernel does to carry a
frame over veth counts for its sender: answers for the program, queries for the generator.
"""
import contextlib
import itertools
import os
import pathlib
import random
import re
import time

from tests.lab.netns import Namespace, connect, remove_abandoned
from tests.lab.process import LabError

from . import dpdk, loading, lists
from .resolvers import RESOLVERS, version

CLIENT, SERVER = "192.0.2.2", "192.0.2.1"
DIRECT_CLIENT, DIRECT_SERVER = "198.18.0.2", "198.18.0.1"
QUERIES = 100_000
PROBES = 16  # names that have to be refused before the load begins
LOAD_PATIENCE = 300.0

CONFIG = """\
site: {{name: Bench}}
ports:
  inside: {{device: "af_packet:inside"}}
  outside: {{device: "af_packet:outside"}}
pairs:
  wire: {{inside: inside, outside: outside}}
dataplane: {{workers: 1, cpus: [{cpu}], memory_mib: 256}}
policies:
  everyone: {{block: defaults}}
default_policy: everyone
state_dir: {folder}/state
run_dir: {folder}/run
"""


def parse_dnsperf(text):
    """Completed queries a second, and what share of them got NXDOMAIN."""
    rate = re.search(r"Queries per second:\s+([\d.]+)", text)
    codes = re.search(r"Response codes:\s+(.*)", text)
    if not rate or not codes:
        raise LabError("dnsperf told no figures:\n" + text)
    refused = re.search(r"NXDOMAIN (\d+) \(([\d.]+)%\)", codes[1])
    completed = re.search(r"Queries completed:\s+(\d+)", text)
    return {"rate": float(rate[1]), "answers": int(completed[1]),
            "nxdomain": float(refused[2]) / 100 if refused else 0.0}


def parse_kxdpgun(text):
    """Queries and answers, and the rates of them."""
    sent = re.search(r"total queries:\s+(\d+) \((\d+) pps\)", text)
    got = re.search(r"total replies:\s+(\d+) \((\d+) pps\)", text)
    if not sent or not got:
        raise LabError("kxdpgun told no figures:\n" + text)
    refused = re.search(r"responded NXDOMAIN:\s+(\d+)", text)
    return {"sent": int(sent[1]), "offered": int(sent[2]), "answers": int(got[1]),
            "rate": float(got[2]),
            "nxdomain": int(refused[1]) / int(got[1]) if refused and int(got[1]) else 0.0}


class Wires(contextlib.ExitStack):
    """The namespaces; gone on leaving, by whatever way."""

    def __enter__(self):
        super().__enter__()
        try:
            remove_abandoned()
            self.client, self.gateway, self.server = (
                Namespace(f"bench-{role}") for role in ("client", "gateway", "server"))
            for namespace in (self.client, self.gateway, self.server):
                self.callback(namespace.remove)
                namespace.create()
            connect(self.client, "eth0", self.gateway, "inside")
            connect(self.gateway, "outside", self.server, "eth0")
            connect(self.client, "eth1", self.server, "eth1")
            for interface in ("inside", "outside"):
                self.gateway.no_stack(interface)
                self.gateway.no_offloads(interface)
                self.gateway.up(interface)
            for namespace, addresses in ((self.client, (CLIENT, DIRECT_CLIENT)),
                                         (self.server, (SERVER, DIRECT_SERVER))):
                for interface, address in zip(("eth0", "eth1"), addresses):
                    namespace.no_offloads(interface)
                    namespace.address(interface, address + "/24")
                    namespace.up(interface)
        except BaseException:
            self.close()
            raise
        return self


class EndToEnd:
    def __init__(self, binaries, names: lists.Names, work: pathlib.Path, settings):
        self.binaries = pathlib.Path(binaries).resolve()
        self.entries = settings["end_to_end_entries"]
        self.seconds = settings["end_to_end_seconds"]
        self.rounds = settings["end_to_end_rounds"]
        self.cpu = settings["cpu"]
        self.generator_cpu = settings["generator_cpu"]
        self.work = work.resolve() / "end-to-end"
        self.work.mkdir(parents=True, exist_ok=True)
        self.list = names.listed(self.entries).resolve()
        self.queries = self.work / "queries.txt"
        asked = names.sample_listed(QUERIES, self.entries)
        choose = random.Random(lists.SEED)
        lists.write(self.queries, (f"{choose.choice(('', 'www.'))}{name} A" for name in asked))
        with open(self.queries, encoding="ascii") as file:
            self.probes = [line.split()[0] for line in itertools.islice(file, PROBES)]

    def run(self):
        results = []
        with Wires() as wires:
            results.append(self._gateway(wires))
            for resolver in RESOLVERS:
                results.append(self._resolver(wires, resolver))
        best = min((one["dnsperf"]["cpu_seconds_per_million"] for one in results[1:]
                    if "dnsperf" in one), default=None)
        ours = results[0]["dnsperf"]["cpu_seconds_per_million"]
        return {"entries": self.entries, "programs": results,
                "value": ours / best if best else None, "must": 1 / 3, "goal": 1 / 10}

    def _gateway(self, wires):
        folder = self.work / "sluice"
        (folder / "state" / "generations").mkdir(parents=True, exist_ok=True)
        config = folder / "sluice.yaml"
        config.write_text(CONFIG.format(folder=folder, cpu=self.cpu))
        generation = folder / "1.lmdb"
        compiled = dpdk.compile_list(self.binaries, self.list, generation)
        argv = [dpdk.program(self.binaries, "sluice-dataplane"), "--config", config,
                "--generation", generation]
        result = self._measure(wires, "sluice", argv, wires.gateway, "eth0", SERVER, folder)
        result["version"] = "this tree"
        result["compile_seconds"] = compiled["seconds"]
        return result

    def _resolver(self, wires, resolver):
        folder = self.work / resolver.package
        folder.mkdir(exist_ok=True)
        argv = ["taskset", "-c", self.cpu, *resolver.argv(folder, DIRECT_SERVER, self.list)]
        try:
            result = self._measure(wires, resolver.name, argv, wires.server, "eth1", DIRECT_SERVER,
                                   folder, resolver.loaded)
        except LabError as error:  # one that cannot is told, and the others go on
            result = {"name": resolver.name, "error": str(error).splitlines()[0]}
        result["version"] = version(resolver)
        return result

    def _measure(self, wires, name, argv, namespace, interface, address, folder, loaded=""):
        begin = time.monotonic()
        process = namespace.start(name, *argv, log=folder / "log")
        try:
            process.wait_until(
                "refuses listed names", lambda: loaded in process.log.read_text(errors="replace")
                and self._refused(wires, address), LOAD_PATIENCE)
            result = {"name": name, "load_seconds": time.monotonic() - begin}
            rounds = [self._round(process, lambda: self._dnsperf(wires, address))
                      for _ in range(self.rounds)]
            result["dnsperf"] = sorted(rounds, key=lambda r: r["cpu_seconds_per_million"])[
                len(rounds) // 2]
            try:
                result["kxdpgun"] = self._round(
                    process, lambda: self._kxdpgun(wires, interface, address))
            except LabError as error:
                result["kxdpgun"] = {"error": str(error).splitlines()[0]}
            status = pathlib.Path("/proc", str(process.pid), "status").read_text()
            for key, field in (("resident_octets", "VmRSS"), ("peak_octets", "VmHWM")):
                result[key] = int(re.search(rf"{field}:\s+(\d+)", status)[1]) * 1024
            return result
        finally:
            process.stop()

    def _refused(self, wires, address):
        asked = wires.client.run("dig", f"@{address}", *self.probes, "+tries=1", "+time=1",
                                 check=False)
        return asked.stdout.count("status: NXDOMAIN") == PROBES

    @staticmethod
    def _round(process, generate):
        before, begin = loading.process_cpu(process.pid), time.monotonic()
        figures = generate()
        user, kernel = (after - former for after, former in
                        zip(loading.process_cpu(process.pid), before))
        cpu, seconds = user + kernel, time.monotonic() - begin
        if not figures["answers"]:
            raise LabError(f"{process.name} answered nothing")
        return {**figures, "cpu_seconds_per_million": cpu / figures["answers"] * 1e6,
                "kernel_share": kernel / cpu if cpu else 0.0,
                "cpu_share": cpu / seconds}

    def _dnsperf(self, wires, address):
        return parse_dnsperf(wires.client.run(
            "taskset", "-c", self.generator_cpu, "dnsperf", "-s", address, "-d", self.queries,
            "-l", self.seconds, "-c", 8, "-q", 512, "-T", 1, "-t", 1).stdout)

    def _kxdpgun(self, wires, interface, address):
        return parse_kxdpgun(wires.client.run(
            "kxdpgun", "-t", self.seconds, "-Q", 400_000, "-b", 32, "-I", interface, "-F",
            f"{self.generator_cpu}s1", "-i", self.queries, address).stdout)


def settings_of_cpus():
    """The last CPU measures; the generator of traffic has the first."""
    cpus = sorted(os.sched_getaffinity(0))
    return {"cpu": cpus[-1], "generator_cpu": cpus[0], "cpus": cpus}
