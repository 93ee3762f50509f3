"""The full policy beside the plain one: the same frames, from clients who are among its 100,000
devices, by generations of the same names that differ in their policy alone; and what such a policy
costs to compile, to load, to hold and to change while frames pour in.
"""
import contextlib
import datetime
import time

from tests.lab.process import LabError, run

from . import dpdk, loading, measure, rows, school_district
from .forwarding import check

KEYS = ("campus", "dns-miss", "dns-hit", "hello")
# Names that are listed and pass, for which minutes are counted.
SPENT = rows.Row("dns-spent", "DNS queries, all listed and let through under budgets",
                 rows.hits(rows.SMALL), expect={"dns_queries": 0.99, "verdict_pass": 0.99})
MANY = rows.Row("dns-hit-64k", "DNS queries, all listed and answered, of 65,536 clients",
                rows.hits(rows.LARGE), expect={"dns_blocked": 0.99})
ROWS = (*(row for row in rows.TABLE if row.key in KEYS), MANY, SPENT)
CATEGORIES = {SPENT.key: "video"}
PORTS = """\
site: {name: Bench}
ports: {inside: "null:", outside: "null:"}
pairs: {wire: {inside: inside, outside: outside}}
"""
PLAIN = "policies:\n  everyone: {block: defaults}\ndefault_policy: everyone\n"


def free_evening():
    """The next Saturday's at half past eight: nobody's lesson, and minors may play."""
    today = datetime.date.today()
    day = today + datetime.timedelta((5 - today.weekday()) % 7 or 7)
    return f"{day.isoformat()}T20:30+08:00"


class Policies:
    """Configurations by name, and generations of a row's names that carry them."""

    def __init__(self, bench):
        self.bench = bench
        self.folder = bench.work / "policies"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.files = {}
        for name, text in (("plain", PLAIN), ("full", school_district.configuration()),
                           ("studying", school_district.configuration(studying=True))):
            self.files[name] = self.folder / f"{name}.yaml"
            self.files[name].write_text(PORTS + text)

    def generation(self, name, category="gambling"):
        path = self.folder / f"{name}-{category}.lmdb"
        if not path.exists():
            self.compile(name, path, category)
        return path

    def compile(self, name, path, category="gambling", number=1):
        return dpdk.compile_list(self.bench.binaries, self.bench.names.listed(self.bench.entries),
                                 path, number, category, self.files[name])


class Populated:
    """A row whose clients are devices of the district."""

    def __init__(self, row):
        self.row = row

    def __getattr__(self, name):
        return getattr(self.row, name)

    def frames(self, names, entries):
        return school_district.populate(self.row.frames(names, entries))


def run_row(bench, policies, row):
    """The row's frames through testpmd and through the program with each policy, in turn."""
    with bench.folder(f"policy-{row.key}") as folder, contextlib.ExitStack() as stack:
        captures, about = bench.captures(Populated(row), folder)
        testpmd = stack.enter_context(
            dpdk.Testpmd("testpmd macswap", "macswap", captures, folder / "macswap", [bench.cpu]))
        testpmd.pause()
        ours = {}
        for name in policies.files:
            ours[name] = stack.enter_context(dpdk.Sluice(
                f"sluice {name}", bench.binaries, captures, folder / name, [bench.cpu],
                policies.generation(name, CATEGORIES.get(row.key, "gambling")), free_evening()))
            ours[name].pause()
        before = {}
        for name, one in ours.items():
            one.resume()
            before[name] = one.counters()
            one.pause()
        rates = measure.take_turns([testpmd, *ours.values()], bench.rounds, bench.seconds)
        result = {"key": row.key, "title": row.title, "entries": bench.entries, **about,
                  "macswap": measure.median_rate(rates[testpmd.name]) / 1e6, "policies": {}}
        for name, one in ours.items():
            one.resume()
            counted = measure.delta(before[name], one.counters())
            one.pause()
            its = rates[one.name]
            result["policies"][name] = {
                "mpps": measure.median_rate(its) / 1e6,
                "cycles": measure.cycles_per_frame(its, bench.hertz),
                "core_share": measure.core_share(its),
                "macswap": vars(measure.ratio(its, rates[testpmd.name])),
                "plain": vars(measure.ratio(its, rates["sluice plain"])), **check(row, counted)}
        if row.target:
            result["target"] = vars(row.target)
        return result


def check_configuration(bench, policies):
    """Seconds to read and check the configuration of the full policy."""
    begin = time.monotonic()
    run(dpdk.program(bench.binaries, "sluicectl"), "config", "check", policies.files["full"])
    return time.monotonic() - begin


def cost(bench, policies):
    """To compile, to load and to hold, full and plain; and to take another policy for the running
    one again and again, without the list, while every frame is judged."""
    with bench.folder("policy-cost") as folder:
        row = Populated(next(one for one in ROWS if one.key == "dns-hit"))
        captures, _ = bench.captures(row, folder)
        told = {"entries": bench.entries, "groups": school_district.GROUPS,
                "devices": school_district.DEVICES,
                "configuration_octets": policies.files["full"].stat().st_size,
                "check_seconds": check_configuration(bench, policies), "policies": {}}
        for name in ("plain", "full"):
            path = folder / f"{name}.lmdb"
            compiled = policies.compile(name, path, number=2)
            with dpdk.Sluice(f"sluice {name}", bench.binaries, captures, folder / name,
                             [bench.cpu], bench.generations.of(1), free_evening()) as sluice:
                empty = sluice.memory()
                seconds = sluice.load(path)
                told["policies"][name] = {
                    "compile": compiled, "file_octets": path.stat().st_size,
                    "load_seconds": seconds,
                    "held_octets": sluice.memory()["held"] - empty["held"]}
        told["swaps"] = change_under_load(bench, policies, captures, folder)
    return told


CHANGES = 20


def change_under_load(bench, policies, captures, folder):
    """Overlays of one base, which differ in their policy: as a configuration that is applied, or a
    mode that is switched, comes to the dataplane."""
    base = folder / "full.lmdb"
    nothing = folder / "changes.txt"
    nothing.write_text("+one.more.example\n")
    files, made = [], []
    for number, name in enumerate(("full", "studying")):
        files.append(folder / f"change-{number}.lmdb")
        made.append(dpdk.change_list(bench.binaries, base, nothing, files[-1], 3 + number,
                                     config=policies.files[name]))
    with dpdk.Sluice("sluice changed", bench.binaries, captures, folder / "changed", [bench.cpu],
                     base, free_evening()) as sluice:
        before = loading.in_flight(sluice), loading.device_losses(sluice), sluice.counters()
        took = [sluice.load(files[number % 2]) for number in range(CHANGES)]
        counted = measure.delta(before[2], sluice.counters())
        after = loading.in_flight(sluice), loading.device_losses(sluice)
    if not counted.get("rx_packets"):
        raise LabError("no frame came while policies were changed")
    took.sort()
    return {"changes": CHANGES, "make_seconds": made[0]["seconds"],
            "make_peak_octets": made[0]["peak_octets"], "file_octets": files[0].stat().st_size,
            "seconds_median": took[len(took) // 2], "seconds_most": took[-1],
            "frames": counted["rx_packets"], "judged": counted.get("dns_queries", 0),
            "lost": after[0] - before[0], "lost_by_devices": after[1] - before[1],
            "dropped": counted.get("tx_full_dropped", 0)}
