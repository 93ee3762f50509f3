"""Where a worker's time goes: perf's samples of the forwarding thread, gathered by what the
functions belong to. The kernel's clock drives the samples, so that it works in virtual machines
without hardware counters; a single instruction is not to be trusted, a group's share is.
"""
import collections
import re

from tests.lab.process import LabError, run

from . import measure

SECONDS = 3
FREQUENCY = 4999
GROUPS = (  # the first that matches "object symbol"
    ("driver: net_pcap, net_null", r"librte_(net|mempool|ethdev|bus)|librte_mbuf"),
    ("look-up", r"liblmdb|sluice::index::|sluice::generation::"),
    ("names", r"sluice::name::"),
    ("find names: DNS", r"sluice::inspect::dns::"),
    ("find names: TLS, HTTP, proxies", r"sluice::inspect::(tls|http|proxy)::"),
    ("find names: QUIC", r"sluice::inspect::quic::|IPSec|ipsec_mb|libcrypto"),
    ("headers, checksums", r"sluice::packet::"),
    ("flows", r"sluice::flow::"),
    ("decide", r"sluice::policy::"),
    ("answers", r"sluice::act::"),
    ("pipeline", r"sluice::pipeline::"),
    ("worker: bursts in and out", r"sluice::worker::|sluice::stats::"),
    ("libc: copy, compare, search", r"libc\.so"),
    ("kernel", r"\[kernel|\[unknown\]"),
)


def group_of(text):
    return next((name for name, pattern in GROUPS if re.search(pattern, text)), "other")


def parse(report):
    """Shares by group, and the functions that take most, of `perf report -t ;` lines."""
    groups, functions = collections.Counter(), collections.Counter()
    for line in report.splitlines():
        found = re.match(r"\s*([\d.]+)%\s*;([^;]+);([^;]+)", line)
        if not found:
            continue
        share, place, symbol = float(found[1]) / 100, found[2].strip(), found[3].strip()
        groups[group_of(f"{place} {symbol}")] += share
        if not re.search(r"0x[0-9a-f]{8,}", symbol):  # of a library without symbols
            functions[re.sub(r"^\[.\]\s*", "", symbol)] += share
    if not groups:
        raise LabError("perf told no samples:\n" + report[:500])
    return {"groups": dict(groups.most_common()), "functions": dict(functions.most_common(8))}


def of_row(bench, row):
    """One row's frames through the program alone, its list the run's own."""
    with bench.folder(f"profile-{row.key}") as folder:
        captures, _ = bench.captures(row, folder)
        data = folder / "perf.data"
        with bench.sluice("sluice", captures, folder, [bench.cpu], bench.entries) as sluice:
            before = sluice.sample()
            run("perf", "record", "--quiet", "--event", "cpu-clock", "--freq", FREQUENCY, "--tid",
                sluice.lcore_threads()[0].name, "--output", data, "--", "sleep", SECONDS)
            rate = measure.rate(before, sluice.sample())
        report = run("perf", "report", "--input", data, "--no-children", "--stdio", "--sort",
                     "dso,symbol", "-t", ";", "--demangle").stdout
    return {"key": row.key, "title": row.title, "entries": bench.entries,
            "cycles": bench.hertz / rate.lcore, **parse(report)}
