"""The rows of the table: which frames, which list, which figure of docs/PERFORMANCE.md."""
import dataclasses
from collections.abc import Callable

from . import lists, traffic

SMALL = 1024   # frames: what both programs read stays in their caches, which is the hard case
LARGE = 65536  # frames: frames and the index's lines come from memory


@dataclasses.dataclass(frozen=True)
class Target:
    must: float
    goal: float
    unit: str = "× macswap"  # or "M/s a core", "× one lcore"


@dataclasses.dataclass(frozen=True)
class Frames:
    inside: list
    outside: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Row:
    key: str
    title: str
    frames: Callable  # (names, entries) -> Frames
    target: Target | None = None
    entries: tuple = (None,)  # lists to compare on the same frames; None: the run's own size
    # Counters that must move for this share of all frames, or the row shows something else.
    expect: dict = dataclasses.field(default_factory=dict)
    tell: tuple = ()  # counters that the table shows, as shares of all frames
    quick: bool = False


def _misses(count):
    return lambda names, _entries: Frames(traffic.dns_queries(names.sample_misses(count)))


def hits(count):
    """Queries of listed names."""
    return lambda names, entries: Frames(traffic.dns_queries(names.sample_listed(count, entries)))


def _campus(names, _entries):
    return Frames(traffic.campus(names.sample_misses(96), 3200))


def _campus_both(names, _entries):
    asked = names.sample_misses(96)
    return Frames(traffic.campus(asked, 3200), traffic.campus(asked, 3200, upward=False))


def _hellos_of(count):
    return lambda names, _entries: Frames(traffic.hellos(names.sample_misses(count)),
                                          traffic.server_hellos(count))


def _hellos_alone(names, _entries):
    return Frames(traffic.hellos(names.sample_misses(SMALL)))


def _initials(flows, count=SMALL):
    return lambda names, _entries: Frames(traffic.initials(names.sample_misses(count), flows))


def _zipf(names, _entries):
    return Frames(traffic.dns_queries(lists.zipf(names.sample_misses(500_000), LARGE)))


def _share(percent):
    def frames(names, entries):
        misses, listed = names.sample_misses(SMALL * 4), names.sample_listed(SMALL * 4, entries)
        chosen = [listed[i] if i * percent // 100 != (i + 1) * percent // 100 else misses[i]
                  for i in range(SMALL * 4)]
        return Frames(traffic.dns_queries(chosen))
    return frames


def _depth(labels):
    return lambda names, _entries: Frames(
        traffic.dns_queries(lists.deepen(names.sample_misses(SMALL), labels)))


TABLE = (
    Row("campus", "campus mix (2 % DNS, 1 % ClientHello), pass-through", _campus,
        Target(0.60, 0.80), expect={"dns_queries": 0.019}, quick=True),
    Row("campus-both", "campus mix, both directions", _campus_both,
        expect={"dns_queries": 0.009, "tls_client_hellos": 0.0045}),
    Row("dns-miss", "DNS queries, none listed", _misses(SMALL), Target(0.30, 0.50),
        entries=(1, None),
        expect={"dns_queries": 0.99, "verdict_pass": 0.99}, quick=True),
    Row("dns-hit", "DNS queries, all listed and answered", hits(SMALL), Target(0.22, 0.35),
        expect={"dns_blocked": 0.99}, quick=True),
    Row("hello", "single-segment ClientHellos, none listed, servers answer",
        _hellos_of(SMALL),
        Target(0.30, 0.45), expect={"tls_client_hellos": 0.49}, quick=True),
    Row("hello-repeated", "the same ClientHellos again and again, no server answers",
        _hellos_alone, expect={"inspected": 0.99}, tell=("tls_client_hellos",)),
    Row("quic-new", "QUIC v1 Initials, new keys, all kept ones tried before", _initials(64),
        Target(0.6, 1.0, "M/s a core"), expect={"quic_client_hellos": 0.99}, quick=True),
    Row("quic-kept", "QUIC v1 Initials, kept keys", _initials(SMALL),
        Target(0.6, 1.0, "M/s a core"), expect={"quic_initials": 0.99}),
    Row("quic-flood", "QUIC v1 Initials of 8,192 connections that no server answers",
        _initials(8192, 8192), expect={"inspected": 0.99}, tell=("flow_table_full",)),
)

LCORES = (
    Row("lcores-dns", "DNS queries, none listed", _misses(2 * SMALL),
        Target(1.8, 1.95, "× one lcore"), expect={"dns_queries": 0.99}),
    Row("lcores-hello", "single-segment ClientHellos, none listed, servers answer",
        _hellos_of(2 * SMALL), Target(1.8, 1.95, "× one lcore"),
        expect={"tls_client_hellos": 0.49}),
)

SWEEPS = {
    "list-size": ("entries in the list", (
        Row("list-size", "DNS queries, none listed, 65,536 names", _misses(LARGE),
            entries=(1, 10_000, 100_000, 1_000_000, None), expect={"dns_queries": 0.99}),)),
    "names": ("different names asked for", (
        Row("1 k", "DNS queries, none listed, 1,024 names", _misses(SMALL),
            expect={"dns_queries": 0.99}),
        Row("8 k", "DNS queries, none listed, 8,192 names", _misses(8192),
            expect={"dns_queries": 0.99}),
        Row("64 k", "DNS queries, none listed, 65,536 names", _misses(LARGE),
            expect={"dns_queries": 0.99}),
        Row("Zipf", "DNS queries, none listed, 65,536 draws of Zipf's law out of 500,000 names",
            _zipf, expect={"dns_queries": 0.99}),
        Row("64 k listed", "DNS queries, all listed and answered, 65,536 names", hits(LARGE),
            expect={"dns_blocked": 0.99}))),
    "share": ("share of blocked names", tuple(
        Row(f"{percent} %", f"DNS queries of 4,096 names, {percent} % of them listed",
            _share(percent), expect={"dns_queries": 0.99})
        for percent in (0, 1, 10, 50, 100))),
    "depth": ("labels of the name", tuple(
        Row(f"{labels}", f"DNS queries, none listed, names of at least {labels} labels",
            _depth(labels), expect={"dns_queries": 0.99})
        for labels in (2, 4, 8, 16, 32))),
}
