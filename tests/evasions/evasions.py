#!/usr/bin/python3
"""Holds what becomes of each known evasion against evasions.yaml, which says what the keys mean.

    evasions.py --bin build/release/bin

One that is refused must not come through again; one that passes must be named as such, and no
longer so once it does not. What is in honest/ has to go on as it came.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import yaml

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "packet"))
import pcap  # noqa: E402

LISTED = ("casino.example", "wiki.test")
PATIENCE = 60


def replay(program, *options):
    done = subprocess.run([str(program), "--counters", *map(str, options)], capture_output=True,
                          text=True, timeout=PATIENCE, check=True)
    counters = dict(line.split() for line in done.stderr.splitlines() if line.count(" ") == 1)
    return [json.loads(line) for line in done.stdout.splitlines()], counters


def is_listed(name):
    return any(name == listed or name.endswith("." + listed) for listed in LISTED)


def has_urgent(capture):
    """Whether some TCP segment of IPv4 without tags has the urgent flag."""
    segments = (frame[14 + (frame[14] & 15) * 4:] for frame in pcap.read(capture) if frame[23] == 6)
    return any(segment[13] & 0x20 for segment in segments)


def result_of(program, capture, work):
    (work / "list").write_text("\n".join(LISTED) + "\n")
    # Decoys have wrong checksums, which are to be seen as a gateway sees them.
    lines, counters = replay(program, "--checksums", "verify", "--list", work / "list",
                             "--write", work / "out.pcap", capture)
    if any(line["verdict"] == "block" and is_listed(line["name"]) for line in lines):
        went_on, _ = replay(program, "--checksums", "verify", work / "out.pcap")
        # What names the client is told of are in the answers to it.
        left = [line["name"] for line in went_on
                if is_listed(line["name"]) and not line.get("response")]
        return f"refused, but then let through: {left}" if left else "refused"
    if any(int(counters.get(name, 0)) for name in ("flow_conflict_again", "tcp_urgent_fragment")):
        return "withheld"
    cleared = int(counters.get("tcp_urgent_cleared", 0)) > 0
    return "changed" if cleared and not has_urgent(work / "out.pcap") else "passes"


def change_of(program, capture, work):
    """What became of a capture of honest traffic that asks for nothing listed, if anything did."""
    (work / "list").write_text("\n".join(LISTED) + "\n")
    replay(program, "--checksums", "verify", "--list", work / "list", "--write", work / "out.pcap",
           capture)
    sent, went_on = pcap.read(capture), pcap.read(work / "out.pcap")
    return "" if sent == went_on else f"{len(went_on)} of {len(sent)} frames went on, or others"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    program = parser.parse_args().bin / "sluice-replay"
    known = yaml.safe_load((HERE / "evasions.yaml").read_text())
    captures = {path.stem: path for path in (HERE / "captures").glob("*.pcap")}
    failures = [f"{name}: there is no capture" for name in known.keys() - captures.keys()]
    failures += [f"{name}: evasions.yaml does not name it" for name in captures.keys() - known.keys()]
    count = dict.fromkeys(("refused", "withheld", "changed", "passes"), 0)
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(known.keys() & captures.keys()):
            result = result_of(program, captures[name], pathlib.Path(folder))
            count[result] = count.get(result, 0) + 1
            if result != known[name]["result"]:
                failures.append(f"{name}: {result}; evasions.yaml says {known[name]['result']}")
        honest = sorted((HERE / "honest").glob("*.pcap"))
        failures += [f"{path.name}: {error}" for path in honest
                     if (error := change_of(program, path, pathlib.Path(folder)))]
    print(", ".join(f"{number} {result}" for result, number in count.items()),
          f"and {len(honest)} honest captures")
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
