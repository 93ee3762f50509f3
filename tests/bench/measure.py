"""Turns and what is made of them: each program of a row runs alone for a slice, again and again,
and the row's figures are the medians over all its turns."""
import dataclasses
import statistics
import time

from .dpdk import Sample

SETTLE = 0.1  # seconds that a program runs before its slice counts: caches are another's until then


@dataclasses.dataclass(frozen=True)
class Rate:
    """Frames a second that the lcore had (`lcore`), and of the clock (`clock`)."""
    lcore: float
    clock: float


def rate(before: Sample, after: Sample):
    frames = after.packets - before.packets
    cpu, clock = after.cpu_seconds - before.cpu_seconds, after.seconds - before.seconds
    if frames <= 0 or cpu <= 0 or clock <= 0:
        raise ValueError(f"nothing was forwarded between {before} and {after}")
    return Rate(frames / cpu, frames / clock)


def turn(forwarder, seconds):
    """One slice of one program, which is stopped before and after."""
    forwarder.resume()
    try:
        time.sleep(SETTLE)
        before = forwarder.sample()
        time.sleep(seconds)
        return rate(before, forwarder.sample())
    finally:
        forwarder.pause()


def take_turns(forwarders, rounds, seconds):
    """{name: [Rate a round]}; in every second round the other way round, so that nobody always
    follows the same one."""
    for forwarder in forwarders:
        forwarder.pause()
    rates = {forwarder.name: [] for forwarder in forwarders}
    for number in range(rounds):
        for forwarder in forwarders if number % 2 == 0 else reversed(forwarders):
            rates[forwarder.name].append(turn(forwarder, seconds))
    return rates


@dataclasses.dataclass(frozen=True)
class Ratio:
    """Median over median, and the least and most of the rounds taken one by one."""
    value: float
    least: float
    most: float


def ratio(rates, base_rates):
    value = statistics.median(r.lcore for r in rates) / \
        statistics.median(r.lcore for r in base_rates)
    each = [r.lcore / b.lcore for r, b in zip(rates, base_rates, strict=True)]
    return Ratio(value, min(each), max(each))


def median_rate(rates):
    return statistics.median(r.lcore for r in rates)


def cycles_per_frame(rates, hertz):
    return hertz / median_rate(rates)


def core_share(rates):
    """How much of its CPU the median turn had: 1 where nobody else wanted it."""
    return statistics.median(r.clock / r.lcore for r in rates)


def delta(before, after):
    """What counters say of the time between two readings, those that stood still left out."""
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}
