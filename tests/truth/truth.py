#!/usr/bin/python3
"""Compares the names that sluice-replay finds in captures with those that are known to be there.

    truth.py --bin build/release/bin --shared ../shared names     (public captures, truth.jsonl)
    truth.py --bin build/release/bin --shared ../shared cases     (one-case captures, expect.jsonl)

README.md says what is compared and how. Every difference that ../data/disputed.yaml does not
explain is a failure, and so is an explanation of a difference that is not there.
"""
import argparse
import collections
import concurrent.futures
import gzip
import hashlib
import ipaddress
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "packet"))
import pcap  # noqa: E402

HERE = pathlib.Path(__file__).parent
DISPUTED = HERE.parent / "data" / "disputed.yaml"
PATIENCE = 120  # seconds a capture; reached only when something is broken

# Columns of truth.jsonl by the protocol that sluice-replay says.
COLUMNS = {"dns": ["dns_qname"], "tls": ["tls_sni"], "quic": ["quic_sni", "gquic_sni"],
           "http": ["http_host"], "dtls": ["dtls_sni"]}
# What tshark prints where no name stands.
ROOT = "<root>"
# Ends of a capture that are the capture's: what came before was judged.
EXPECTED_ENDS = ("the capture breaks off", "is not supported")
TAIL = 24  # octets by which a withheld payload is known


def lower(text):
    """ASCII only (RFC 4343)."""
    return re.sub("[A-Z]+", lambda m: m[0].lower(), text)


def is_address(name):
    try:
        ipaddress.ip_address(name.strip("[]"))
        return True
    except ValueError:
        return False


def normal(name, has_port=False):
    """The name as both sides are compared; None where it is none: the root, or an address."""
    name = lower(name)
    if has_port:
        name = re.sub(r"^([^:]*|\[.*\]):\d*$", r"\1", name)
    name = name[:-1] if name.endswith(".") else name
    return None if name in ("", ROOT) or is_address(name) else name


def unescaped(name):
    """sluice-replay's \\DDD as the octet, to compare with a judge that does not escape."""
    octets = re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1])]), name.encode())
    return octets.decode("utf-8", "replace")


def replay(program, capture, *options):
    """The lines that sluice-replay prints; raises where it fails for reasons of its own."""
    done = subprocess.run([str(program), *map(str, options), str(capture)], capture_output=True,
                          text=True, timeout=PATIENCE)
    if done.returncode != 0 and not (done.returncode == 1
                                     and any(e in done.stderr for e in EXPECTED_ENDS)):
        raise AssertionError(f"sluice-replay ended with {done.returncode}:\n{done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def plain(capture, work):
    """The capture as sluice-replay takes it: two are compressed."""
    if capture.suffix != ".gz":
        return capture
    out = work / hashlib.sha256(str(capture).encode()).hexdigest()
    out.write_bytes(gzip.decompress(capture.read_bytes()))
    return out


def records(path):
    if not path.is_file():
        sys.exit(f"{path}: not there; --shared has to name the folder of shared material")
    return [json.loads(line) for line in path.read_text().splitlines() if line]


# names


class Disputes:
    """The differences that are explained; each has to occur."""

    def __init__(self, path):
        self.reasons = {}
        for entry in yaml.safe_load(path.read_text()) or []:
            names = entry["name"] if isinstance(entry["name"], list) else [entry["name"]]
            if not entry["reason"].strip() or not entry["packets"]:
                sys.exit(f"{path}: {entry['capture']}: a reason and its packets have to be given")
            if entry["kind"] not in ("miss", "extra"):
                sys.exit(f"{path}: {entry['capture']}: a kind is miss or extra")
            for name in names:
                key = (entry["capture"], entry["protocol"], entry["kind"], str(name))
                if key in self.reasons:
                    sys.exit(f"{path}: twice: {key}")
                self.reasons[key] = entry["reason"]
        self.used = set()

    def explains(self, *key):
        if key not in self.reasons:
            return False
        self.used.add(key)
        return True

    def stale(self):
        return sorted(set(self.reasons) - self.used)


def found_names(lines):
    """{protocol: {name: [packets]}}; names in answers are not what was asked for."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in lines:
        if line.get("response"):
            continue
        name = normal(unescaped(line["name"]))
        if name is not None:
            found[line["protocol"]][name].append(line["packet"])
    return found


def compare_names(program, shared):
    truth = records(shared / "pcaps" / "truth.jsonl")
    disputes = Disputes(DISPUTED)
    table = {p: collections.Counter() for p in COLUMNS}
    failures = []

    with (tempfile.TemporaryDirectory() as work,
          concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool):
        def one(record):
            try:
                capture = plain(shared / "pcaps" / record["pcap"], pathlib.Path(work))
                return found_names(replay(program, capture))
            except (AssertionError, subprocess.TimeoutExpired, ValueError, OSError) as error:
                return str(error)

        results = list(pool.map(one, truth))
    for record, found in zip(truth, results):
        capture = record["pcap"]
        if isinstance(found, str):
            failures.append(f"{capture}: {found}")
            continue
        for protocol, columns in COLUMNS.items():
            present = {normal(n, protocol != "dns") for c in columns for n in record[c]} - {None}
            got = found.get(protocol, {})
            row = table[protocol]
            row["present"] += len(present)
            row["found"] += len(present & set(got))
            for kind, names in (("miss", present - set(got)), ("extra", set(got) - present)):
                for name in sorted(names):
                    if disputes.explains(capture, protocol, kind, name):
                        row["disputed " + kind] += 1
                        continue
                    row[kind] += 1
                    where = f" (packets {got[name][:8]})" if kind == "extra" else ""
                    failures.append(f"{capture}: {protocol}: {kind}: {name!r}{where}")

    columns = ["present", "found", "miss", "extra", "disputed miss", "disputed extra"]
    print("protocol " + " ".join(f"{c:>15}" for c in columns))
    for protocol, row in table.items():
        print(f"{protocol:8} " + " ".join(f"{row[c]:15}" for c in columns))
    failures += [f"disputed.yaml: this difference is not there: {key}" for key in disputes.stale()]
    return failures, len(truth)


# cases


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def check_names(case, lines):
    """Over all protocols; answers lead to no other names in these captures."""
    got = {normal(unescaped(line["name"])) for line in lines}
    want = {normal(name, has_port=True) for name in case["expect"]}
    expect(got - {None} == want - {None}, f"names {sorted(got)}, expected {sorted(case['expect'])}")
    for decoy in case["decoy"]:
        expect(normal(decoy, has_port=True) not in got, f"the decoy {decoy} was reported")


def check_withheld(frames, out, line):
    """The packet that completed the name is not in the output, as a whole or as payload. An answer
    to a query repeats its question, so that there only the whole counts."""
    withheld = frames[line["packet"] - 1]
    expect(withheld not in out, f"packet {line['packet']}, which completes the name, went on")
    if line["protocol"] != "dns":
        tail = withheld[-TAIL:]
        expect(not any(tail in frame for frame in out),
               f"the payload of packet {line['packet']}, which completes the name, went on")


def run_case(program, folder, case, work):
    capture = folder / case["pcap"]
    frames = pcap.read(capture)
    out = work / case["pcap"]

    check_names(case, replay(program, capture, "--write", out))
    expect(pcap.read(out) == frames, "with an empty list, the output differs from the input")

    listed = work / (case["pcap"] + ".txt")
    listed.write_text("blocked.example\n")
    lines = replay(program, capture, "--write", out, "--list", listed)
    check_names(case, lines)
    blocked = [line for line in lines if line["verdict"] == "block"]
    if case["verdict"] == "block":
        expect(blocked, "nothing was blocked")
        for line in blocked:
            check_withheld(frames, pcap.read(out), line)
    else:
        expect(not blocked, f"{blocked[:1]} was blocked")
        expect(pcap.read(out) == frames, "it should pass, but the output differs from the input")


def run_cases(program, shared):
    folder = shared / "pcaps" / "cases"
    failures = []
    cases = records(folder / "expect.jsonl")
    with tempfile.TemporaryDirectory() as work:
        for case in cases:
            try:
                run_case(program, folder, case, pathlib.Path(work))
            except (AssertionError, subprocess.TimeoutExpired, ValueError, OSError) as error:
                failures.append(f"{case['pcap']} ({case['why']}): {error}")
    return failures, len(cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where sluice-replay is")
    parser.add_argument("--shared", type=pathlib.Path, required=True)
    parser.add_argument("what", choices=["names", "cases"])
    options = parser.parse_args()
    program = options.bin / "sluice-replay"
    if not program.is_file():
        sys.exit(f"{program}: not there; build it first")
    check = compare_names if options.what == "names" else run_cases
    failures, count = check(program, options.shared)
    for failure in failures:
        print(failure)
    print(f"{count} captures, {len(failures)} failures")
    sys.exit(1 if failures or count == 0 else 0)


if __name__ == "__main__":
    main()
