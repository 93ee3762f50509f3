"""Runs rows: the same capture through testpmd and through sluice-dataplane, in turn on one CPU."""
import contextlib
import pathlib
import shutil

from . import dpdk, lists, measure, traffic


class Generations:
    """Generation files by number of entries, compiled once a run by the program under test."""

    def __init__(self, names: lists.Names, binaries: pathlib.Path, folder: pathlib.Path):
        self.names = names
        self.binaries = binaries
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, entries):
        path = self.folder / f"{entries}.lmdb"
        if not path.exists():
            dpdk.compile_list(self.binaries, self.names.listed(entries), path, number=entries + 1)
        return path


class Together:
    """Several programs that are measured as one, each with a CPU of its own."""

    def __init__(self, name, forwarders):
        self.name = name
        self._forwarders = forwarders

    def pause(self):
        for forwarder in self._forwarders:
            forwarder.pause()

    def resume(self):
        for forwarder in self._forwarders:
            forwarder.resume()

    def sample(self):
        samples = [forwarder.sample() for forwarder in self._forwarders]
        return dpdk.Sample(sum(s.seconds for s in samples) / len(samples),
                           sum(s.cpu_seconds for s in samples), sum(s.packets for s in samples))


class Bench:
    def __init__(self, binaries, names, work, settings):
        self.binaries = binaries
        self.names = names
        self.work = work
        self.entries = settings["entries"]
        self.rounds = settings["rounds"]
        self.seconds = settings["seconds"]
        self.cpu = settings["cpu"]
        self.other_cpu = settings["generator_cpu"]
        self.hertz = settings["hertz"]
        self.generations = Generations(names, binaries, work / "generations")

    def captures(self, row, folder):
        frames = row.frames(self.names, self.entries)
        inside = (traffic.save(folder / "inside.pcap", frames.inside),)
        outside = (traffic.save(folder / "outside.pcap", frames.outside),) if frames.outside else ()
        every = frames.inside + frames.outside
        return (dpdk.Captures(inside, outside, len(every)),
                {"frames": len(every), "octets": round(sum(map(len, every)) / len(every), 1)})

    @contextlib.contextmanager
    def folder(self, key):
        folder = self.work / key.replace(" ", "-").replace("%", "percent")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sluice(self, name, captures, folder, cpus, entries):
        return dpdk.Sluice(name, self.binaries, captures, folder / name.replace(" ", "-"), cpus,
                           self.generations.of(entries))

    def run(self, row):
        """A list of results, one a list size."""
        sizes = [self.entries if size is None else size for size in row.entries]
        sizes = sorted({size for size in sizes if size <= self.entries})
        with self.folder(row.key) as folder, contextlib.ExitStack() as stack:
            captures, about = self.captures(row, folder)
            forwarders = []
            for mode in ("io", "macswap"):
                forwarders.append(stack.enter_context(
                    dpdk.Testpmd(f"testpmd {mode}", mode, captures, folder / mode, [self.cpu])))
                forwarders[-1].pause()
            ours = {}
            for size in sizes:
                ours[size] = stack.enter_context(self.sluice(
                    f"sluice {size}", captures, folder, [self.cpu], size))
            before = {size: one.counters() for size, one in ours.items()}
            rates = measure.take_turns([*forwarders, *ours.values()], self.rounds, self.seconds)
            results = []
            for size, one in ours.items():
                one.resume()
                counted = measure.delta(before[size], one.counters())
                results.append(self._result(row, size, about, rates, one.name, counted))
            return results

    def _result(self, row, size, about, rates, name, counted):
        programs = {}
        for program, its in (("io", rates["testpmd io"]), ("macswap", rates["testpmd macswap"]),
                             ("sluice", rates[name])):
            programs[program] = {
                "mpps": measure.median_rate(its) / 1e6,
                "cycles": measure.cycles_per_frame(its, self.hertz),
                "core_share": measure.core_share(its),
                "rounds": [round(r.lcore / 1e6, 4) for r in its]}
        against = {base: vars(measure.ratio(rates[name], rates[f"testpmd {base}"]))
                   for base in ("io", "macswap")}
        result = {"key": row.key, "title": row.title, "entries": size, **about,
                  "programs": programs, "ratio": against, **check(row, counted)}
        if row.target and size == self.entries:
            value = against["macswap"]["value"]
            if row.target.unit == "M/s a core":
                value = programs["sluice"]["mpps"]
            result["target"] = {**vars(row.target), "value": value}
        return result

    def queue_captures(self, row, folder, queues):
        """One capture for each of the queues, and all of them together."""
        frames = row.frames(self.names, self.entries)
        split = zip(traffic.by_flow(frames.inside, queues), traffic.by_flow(frames.outside, queues))
        each = []
        for number, (inside, outside) in enumerate(split):
            each.append(dpdk.Captures(
                (traffic.save(folder / f"inside{number}.pcap", inside),),
                (traffic.save(folder / f"outside{number}.pcap", outside),) if outside else (),
                len(inside) + len(outside)))
        every = dpdk.Captures(sum((one.inside for one in each), ()),
                              sum((one.outside for one in each), ()),
                              sum(one.frames for one in each))
        octets = sum(map(len, frames.inside + frames.outside)) / every.frames
        return each, every, {"frames": every.frames, "octets": round(octets, 1)}

    def run_lcores(self, row, cpus):
        """One lcore; two, each with a queue of its own, as a card's hash would fill them, or with
        one queue that the first lcore shares with the other; and two processes of one lcore. Each
        queue has a capture of its own, so that an lcore has as many frames in its caches as one
        alone. Beside them testpmd, with one lcore and with two."""
        cpus = list(cpus[:2])
        with self.folder(row.key) as folder, contextlib.ExitStack() as stack:
            (first, second), both, about = self.queue_captures(row, folder, 2)
            whole, _ = self.captures(row, folder)

            def start(forwarder):
                stack.enter_context(forwarder).pause()
                return forwarder

            def sluice(name, captures, on):
                return start(self.sluice(name, captures, folder, on, self.entries))

            def testpmd(name, captures, on):
                return start(dpdk.Testpmd(name, "macswap", captures, folder / f"pmd{len(on)}", on))
            one = sluice("one lcore", first, cpus[:1])
            two = sluice("two lcores", both, cpus)
            programs = [one, two, sluice("two lcores, one queue", whole, cpus),
                        Together("two processes", [one, sluice("another", second, cpus[1:])]),
                        testpmd("testpmd, one lcore", first, cpus[:1]),
                        testpmd("testpmd, two lcores", both, cpus)]
            two.resume()
            before = two.counters()
            rates = measure.take_turns(programs, self.rounds, self.seconds)
            two.resume()
            counted = measure.delta(before, two.counters())
        result = {"key": row.key, "title": row.title, "entries": self.entries, **about,
                  "lcores": {}, **check(row, counted)}
        for program in programs:
            base = "testpmd, one lcore" if program.name.startswith("testpmd") else "one lcore"
            if program.name == base:
                continue
            # All lcores poll all the time, so frames an lcore's second, twice, are what two give.
            scale = measure.ratio(rates[program.name], rates[base])
            result["lcores"][program.name] = {key: 2 * value for key, value in vars(scale).items()}
            result["lcores"][program.name]["core_share"] = \
                measure.core_share(rates[program.name]) / 2
        result["target"] = {**vars(row.target), "value": result["lcores"]["two lcores"]["value"]}
        return result


def check(row, counted):
    """What the program's counters say of each frame, and whether the row is what its title says."""
    frames = counted.get("rx_packets", 0)
    shares = {name: round(count / frames, 4) for name, count in counted.items()
              if frames and name not in ("rx_packets", "rx_bytes")}
    short = {name: shares.get(name, 0) for name, least in row.expect.items()
             if shares.get(name, 0) < least}
    return {"per_frame": shares, "short": short,
            "told": {name: shares.get(name, 0) for name in row.tell}}
