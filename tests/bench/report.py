"""The figures as JSON, as Markdown and as a plot."""
import json
import pathlib
import re

BOUNDS_US = (10, 50, 200, 1000)  # that bursts' gaps are counted by
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def verdict(value, must, goal, least=False):
    """`least`: smaller is better."""
    def reached(bound):
        return value <= bound if least else value >= bound
    return "goal" if reached(goal) else "must" if reached(must) else "**missed**"


def count(number):
    """5000000 as 5 M."""
    for size, unit in ((1_000_000, " M"), (1_000, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


def mib(octets):
    return f"{octets / (1 << 20):.0f} MiB"


def table(head, lines):
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in (head, rule, *lines))


def spread(ratio):
    return f"{ratio['value']:.3f} ({ratio['least']:.3f}–{ratio['most']:.3f})"


def target_of(result):
    if "target" not in result:
        return ["–", "–", "–"]
    t = result["target"]
    return [f"{t['must']:g}", f"{t['goal']:g} {t['unit']}",
            verdict(t["value"], t["must"], t["goal"])]


def note(result):
    """What the counters say, above all where the row is not what its title says."""
    told = [f"{share:.1%} {name}" for name, share in result["told"].items()]
    told += [f"**only {share:.1%} {name}**" for name, share in result["short"].items()]
    return f" ({'; '.join(told)})" if told else ""


def forwarding_lines(results):
    for result in results:
        mpps = {name: f"{program['mpps']:.2f}" for name, program in result["programs"].items()}
        yield [result["title"] + note(result), count(result["entries"]), f"{result['octets']:g}",
               mpps["io"], mpps["macswap"], mpps["sluice"],
               f"{result['programs']['sluice']['cycles']:.0f}",
               spread(result["ratio"]["macswap"]), *target_of(result)]


FORWARDING_HEAD = ["work", "list", "octets", "io", "macswap", "sluice", "cycles", "× macswap",
                   "must", "goal", "reached"]


def profile_part(profiles):
    names = list(dict.fromkeys(name for one in profiles for name in one["groups"]))
    names.sort(key=lambda name: -sum(one["groups"].get(name, 0) for one in profiles))

    def cell(one, name):
        share = one["groups"].get(name, 0)
        return f"{share * one['cycles']:.0f} ({share:.0%})" if share >= 0.005 else ""
    lines = [[name, *(cell(one, name) for one in profiles)] for name in names]
    lines = [line for line in lines if any(line[1:])]
    lines.append(["all", *(f"{one['cycles']:.0f}" for one in profiles)])
    text = table(["cycles a frame (share)", *(one["key"] for one in profiles)], lines)
    for one in profiles:
        most = ", ".join(f"`{name}` {share:.0%}" for name, share in one["functions"].items())
        text += f"\n\n`{one['key']}`, {one['title']}: {most}."
    return text


POLICY_HEAD = ["work", "policy", "M/s", "cycles", "× plain", "× macswap", "must", "reached"]


def policy_part(results):
    lines = []
    for result in results:
        must = result.get("target", {}).get("must")
        for name, one in result["policies"].items():
            told = note({"told": {}, "short": one["short"]})
            lines.append([result["title"], name + told, f"{one['mpps']:.2f}",
                          f"{one['cycles']:.0f}",
                          "–" if name == "plain" else spread(one["plain"]),
                          spread(one["macswap"]), must or "–",
                          "–" if must is None else verdict(
                              one["macswap"]["value"], must, result["target"]["goal"])])
    return table(POLICY_HEAD, lines)


def policy_cost_part(one):
    plain, full, swaps = one["policies"]["plain"], one["policies"]["full"], one["swaps"]
    lost = max(0, swaps["lost"]) + swaps["lost_by_devices"] + swaps["dropped"]
    lines = [
        [f"configuration of {count(one['groups'])} groups and {count(one['devices'])} devices",
         "–", f"{one['configuration_octets'] / 1e6:.1f} MB, checked in {one['check_seconds']:.1f} "
         "s"],
        ["to compile", *(f"{p['compile']['seconds']:.1f} s (CPU {p['compile']['cpu_seconds']:.1f} "
                         f"s), {mib(p['compile']['peak_octets'])} at its peak"
                         for p in (plain, full))],
        ["generation file", *(mib(p["file_octets"]) for p in (plain, full))],
        ["to load", *(f"{p['load_seconds']:.2f} s" for p in (plain, full))],
        ["held", *(mib(p["held_octets"]) for p in (plain, full))],
        ["another policy, to make its overlay", "–",
         f"{swaps['make_seconds']:.2f} s, {mib(swaps['make_peak_octets'])} at its peak, "
         f"{swaps['file_octets'] / 1e6:.1f} MB"],
        [f"to load it, {swaps['changes']} times under load: median, longest", "–",
         f"{swaps['seconds_median']:.2f} s, {swaps['seconds_most']:.2f} s; {lost:g} of "
         f"{count(swaps['frames'])} frames lost"]]
    return table([f"{count(one['entries'])} entries", "plain", "full"], lines)


def parts_part(parts):
    return table(["program", "benchmark", "ns", "M/s"], [
        [one["program"], f"`{one['name']}`", f"{one['nanoseconds']:.0f}",
         f"{one['rate'] / 1e6:.2f}"] for one in parts])


def lcores_part(results):
    lines = [[result["title"], name, spread(figure), f"{figure['core_share']:.0%}",
              *(target_of(result) if name == "two lcores" else ["–"] * 3)]
             for result in results for name, figure in result["lcores"].items()]
    return table(["work", "what", "× one lcore", "share of its CPUs", "must", "goal", "reached"],
                 lines)


def sweep_part(sweep):
    lines = []
    for result in sweep["results"]:
        key = count(result["entries"]) if sweep["key"] == "list-size" else result["key"]
        lines.append([key, f"{result['programs']['sluice']['mpps']:.3f}",
                      f"{result['programs']['sluice']['cycles']:.0f}",
                      spread(result["ratio"]["macswap"])])
    titles = "; ".join(dict.fromkeys(r["title"] for r in sweep["results"])) \
        if sweep["key"] == "list-size" else ""
    return table([sweep["about"], "M/s", "cycles", "× macswap"], lines) + \
        (f"\n\n{titles}." if titles else "")


def loading_part(one):
    entry, activated = one["index_octets_an_entry"], one["activated_seconds"]
    busy = one["compile"]["cpu_seconds"] + one["load_cpu_seconds"]
    return table(["what", "figure", "must", "goal", "reached"], [
        [f"{count(one['entries'])} entries: compile to an activated generation",
         f"{activated:.1f} s (CPU {busy:.1f} s)", "10 s", "5 s", verdict(activated, 10, 5, True)],
        ["of that, the dataplane's load", f"{one['load_seconds']:.2f} s", "–", "–", "–"],
        ["compiler's memory at its peak", mib(one["compile"]["peak_octets"]), "–", "–", "–"],
        ["generation file", f"{mib(one['file_octets'])}, {one['file_octets_an_entry']:.1f} "
         "octets an entry", "–", "–", "–"],
        ["memory beyond the file", f"{entry:.1f} octets an entry", "24", "12",
         verdict(entry, 24, 12, True)],
        ["held by list and index, after the same load again",
         f"{mib(one['held_octets'])}, {mib(one['held_after_swap_octets'])}", "–", "–", "–"]])


def delta_part(one):
    return table(["what", "figure", "must", "goal", "reached"], [
        [f"{count(one['changes'])} changes to {count(one['entries'])} entries: from the start of "
         "their compiler to the first blocked frame",
         f"{one['seconds']:.2f} s (CPU {one['cpu_seconds']:.2f} s)", "1 s", "0.2 s",
         verdict(one["seconds"], 1, 0.2, True)],
        ["of that, the dataplane's load", f"{one['load_seconds']:.3f} s", "–", "–", "–"],
        ["overlay file", f"{one['file_octets'] / 1024:.0f} KiB", "–", "–", "–"]])


def swap_part(swaps):
    lines = []
    for one in swaps:
        lost = max(0, one["lost"]) + one["lost_by_devices"] + one["dropped"]
        lines.append([count(one["entries"]), one["swaps"], count(one["frames"]), f"{lost:g}",
                      f"{one['seconds_median'] * 1e3:.1f} ms, {one['seconds_most'] * 1e3:.1f} ms",
                      f"{one['rate_kept']:.2f}"])
    text = table(["list", "swaps", "frames", "lost", "a swap: median, longest",
                  "rate while swapping / before"], lines)
    lines = []
    for one in swaps:
        for when, seen in one["bursts"].items():
            late = [seen[f"burst_gap_{bound}us"] for bound in BOUNDS_US]
            lines.append([count(one["entries"]), when, f"{seen['bursts']:,}",
                          *(f"{of:,} ({of / seen['bursts'] * 1e6:.1f})" for of in late),
                          seen["preempted"]])
    bounds = [f"> {bound} µs (of a million)" for bound in BOUNDS_US]
    return text + "\n\n" + table(["list", "when", "bursts", *bounds, "CPU taken"], lines)


def latency_part(whole):
    keys = [key for key in whole["paths"][0] if key.endswith("_us")]
    base = whole["paths"][0]
    lines = [[one["path"], *(f"{one[key]:.0f} µs (+{one[key] - base[key]:.0f})"
                             if one is not base else f"{one[key]:.0f} µs" for key in keys),
              f"{one['sent']:,}", one["lost"]] for one in whole["paths"]]
    return table(["path", *(key.removesuffix("_us") for key in keys), "queries", "lost"], lines)


def end_to_end_part(whole):
    lines = []
    for one in whole["programs"]:
        if "error" in one:
            lines.append([one["name"], one["version"], one["error"], *["–"] * 6])
            continue
        flood = one["kxdpgun"]
        flooded = [flood["error"], "–"] if "error" in flood else \
            [f"{flood['rate'] / 1000:.0f} k", f"{flood['cpu_seconds_per_million']:.2f}"]
        at = one["dnsperf"]
        lines.append([one["name"], one["version"], f"{at['rate'] / 1000:.0f} k",
                      f"{at['cpu_seconds_per_million']:.2f} ({at['kernel_share']:.0%})",
                      f"{at['cpu_share']:.0%}", *flooded,
                      mib(one["resident_octets"]), f"{one['load_seconds']:.1f} s"])
    text = table(["program", "version", "dnsperf: answers/s", "CPU s a million (kernel)",
                  "CPU used", "kxdpgun: answers/s", "CPU s a million", "memory", "time to load"],
                 lines)
    if whole["value"] is not None:
        text += (f"\n\nCPU seconds a million answers (dnsperf), over the best of the others: "
                 f"{whole['value']:.2f}; must 0.33, goal 0.10: "
                 f"{verdict(whole['value'], whole['must'], whole['goal'], True)}.")
    return text


def markdown(figures):
    machine, run = figures["machine"], figures["run"]
    parts = [
        f"`{run['command']}`, {run['begun']}, {run['seconds']:.0f} s. {machine['cpu']}, "
        f"{machine['cpus']} CPUs of {machine['mhz']} MHz, L3 {machine['l3']}, "
        f"{machine['memory_mib']} MiB, {machine['huge_pages']} huge pages, Linux "
        f"{machine['kernel']}, virtualisation {machine['virtualisation']}, governor "
        f"{machine['governor']}, DPDK {machine['dpdk']}, commit {machine['commit']}. Load average "
        f"before {run['load_before'][0]:.2f}, after {run['load_after'][0]:.2f}."]
    if figures["table"]:
        parts[0] += (f" The forwarding lcore got {run['core_share']:.0%} of its CPU in the median "
                     "turn.")
    if figures["entries"] < 5_000_000:
        parts.append(f"The list has {count(figures['entries'])} names; the bounds are for 5 M.")
    if figures["table"]:
        parts += ["### One forwarding lcore\n\nM/s by the lcore's own time; median of "
                  f"{run['rounds']} turns of {run['slice']:g} s, in brackets the least and most "
                  "of the turns.",
                  table(FORWARDING_HEAD, forwarding_lines(figures["table"]))]
    if figures["profiles"]:
        parts += ["### Where the cycles go", profile_part(figures["profiles"])]
    if figures["policy"]:
        parts += ["### The full policy, beside the plain one", policy_part(figures["policy"])]
    if figures["policy_cost"]:
        parts += ["### What the full policy costs besides",
                  policy_cost_part(figures["policy_cost"])]
    if figures["parts"]:
        parts += ["### Parts without ports", parts_part(figures["parts"])]
    if figures["lcores"]:
        parts += ["### Lcores", lcores_part(figures["lcores"])]
    if figures["loading"]:
        parts += ["### Loading", loading_part(figures["loading"])]
    if figures["delta"]:
        parts += ["### A delta", delta_part(figures["delta"])]
    if figures["swaps"]:
        parts += ["### Swaps under load", swap_part(figures["swaps"])]
    for sweep in figures["sweeps"]:
        parts += [f"### Cost by {sweep['about']}", sweep_part(sweep)]
    if figures["latency"]:
        parts += ["### Latency over veth, 5,000 queries a second, none listed",
                  latency_part(figures["latency"])]
    if figures["end_to_end"]:
        parts += [f"### End to end over veth, {count(figures['end_to_end']['entries'])} names, all "
                  "of the queries blocked", end_to_end_part(figures["end_to_end"])]
    if figures["faults"]:
        parts += ["### Not measured", "\n".join(f"- {fault}" for fault in figures["faults"])]
    return "\n\n".join(parts) + "\n"


def plot(figures, path):
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("svg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    sweeps = figures["sweeps"]
    rows = max(1, (len(sweeps) + 1) // 2)
    sheet = pyplot.figure(figsize=(11, 4.5 + 3 * rows), layout="constrained")
    grid = sheet.add_gridspec(1 + rows, 2)
    bars = sheet.add_subplot(grid[0, :])
    results = figures["table"]
    for place, result in enumerate(results):
        ratio = result["ratio"]["macswap"]
        bars.barh(place, ratio["value"], color="#3b6ea5", xerr=[
            [max(0, ratio["value"] - ratio["least"])], [max(0, ratio["most"] - ratio["value"])]])
        target = result.get("target")
        if target and target["unit"] == "× macswap":
            for bound, colour in (("must", "#c0392b"), ("goal", "#27ae60")):
                bars.plot([target[bound]] * 2, [place - 0.4, place + 0.4], color=colour)
    bars.set_yticks(range(len(results)), [f"{r['title']} ({count(r['entries'])})"
                                          for r in results])
    bars.invert_yaxis()
    bars.set_xlabel("frames a second, × testpmd macswap (red: must, green: goal)")
    for place, sweep in enumerate(sweeps):
        axes = sheet.add_subplot(grid[1 + place // 2, place % 2])
        keys = [count(r["entries"]) if sweep["key"] == "list-size" else r["key"]
                for r in sweep["results"]]
        cycles = [r["programs"]["sluice"]["cycles"] for r in sweep["results"]]
        axes.plot(keys, cycles, "o-")
        axes.set_ylim(0, 1.1 * max(cycles, default=1))
        axes.set_xlabel(sweep["about"])
        axes.set_ylabel("cycles a frame")
    sheet.savefig(path, metadata={"Date": None})
    pyplot.close(sheet)


def write(figures, folder: pathlib.Path, name):
    """Three files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("json", "md", "svg")]
    paths[0].write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    paths[1].write_text(markdown(figures))
    plot(figures, paths[2])
    return paths


def put_into(document: pathlib.Path, text):
    """The figures between the two marks of a document."""
    whole = document.read_text()
    if BEGIN not in whole or END not in whole:
        raise ValueError(f"{document} has no place for figures: lines with {BEGIN} and {END}")
    document.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{text}\n{END}", whole,
                               flags=re.DOTALL))
