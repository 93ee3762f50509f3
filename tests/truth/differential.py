#!/usr/bin/python3
"""Shows spoiled messages to Sluice, tshark, OpenSSL and ldns: whoever finds a name has to be right.

    differential.py --bin build/release/bin --shared ../shared [--seed N] [--keep FILE]

Messages of real clients and servers (seeds.py) are changed in one place each (mutants.py), and each
mutant becomes a flow of its own in one capture. README.md says how the names are compared, and what
the rules mean that explain a difference. What no rule explains is a failure.
"""
import argparse
import collections
import ipaddress
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

import judges
import mutants
import rules
import seeds
from metamorphic import TCP, UDP, ones_sum
from seeds import pcap

PATIENCE = 120
SEEDS = {"tls": 24, "quic": 10, "dns": 24, "dns-response": 24}
SERVER = ipaddress.ip_address("192.0.2.1").packed
PORTS = {"tls": 443, "quic": 443, "dns": 53, "dns-response": 53}
SYN, ACK_PSH = 2, 24
# Sluice must have had room for all of it.
ROOM = ("flow_table_full", "burst_full")


class Flow:
    """A mutant, and what each reader makes of it."""

    def __init__(self, protocol, what, payload, message):
        self.protocol, self.what = protocol, what
        self.payload = payload  # of the transport
        self.message = message  # in clear: TLS records, QUIC frames, or DNS
        self.names = {}         # by reader


def ethernet(flow, number, body, protocol):
    client = struct.pack(">I", 0x0A000000 | number)
    source, destination = client, SERVER
    ports = struct.pack(">HH", 1024 + number, PORTS[flow.protocol])
    if flow.protocol == "dns-response":
        source, destination, ports = destination, source, ports[2:] + ports[:2]
    body = ports + body
    at = 16 if protocol == TCP else 6
    pseudo = source + destination + struct.pack(">HH", protocol, len(body))
    checksum = 0xFFFF - ones_sum(pseudo + body)
    body = body[:at] + struct.pack(">H", checksum or 0xFFFF) + body[at + 2:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0x4000, 64, protocol, 0)
    checksum = 0xFFFF - ones_sum(head + source + destination)
    head = head[:10] + struct.pack(">H", checksum) + source + destination
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + head + body


def frames_of(flow, number):
    if flow.protocol != "tls":
        head = struct.pack(">HH", 8 + len(flow.payload), 0)
        return [ethernet(flow, number, head + flow.payload, UDP)]

    def segment(sequence, flags, data):
        head = struct.pack(">IIBBHHH", sequence, 1, 0x50, flags, 0xFFFF, 0, 0)
        return ethernet(flow, number, head + data, TCP)
    return [segment(999, SYN, b""), segment(1000, ACK_PSH, flow.payload)]


def chosen(candidates, key, count):
    """The first `count` of different shapes."""
    seen = set()
    for candidate in candidates:
        try:
            shape = key(candidate)
        except ValueError:
            continue
        if shape not in seen and len(seen) < count:
            seen.add(shape)
            yield candidate


def hello_shape(message):
    return tuple(kind for kind, _ in mutants.Hello(message).extensions)


def initial_shape(candidate):
    initial, message = candidate
    return initial.version[0], hello_shape(message)


def dns_shape(message):
    labels, end = mutants.labels_of(message)
    next(mutants.dns(message, random.Random(0)))  # whether it can be changed
    return len(labels), message[4:12], message[end:end + 4]


def flows_of(shared, seed):
    chance = random.Random(seed)
    for message in chosen(seeds.client_hellos(shared), hello_shape, SEEDS["tls"]):
        for what, stream in mutants.records(message, chance):
            yield Flow("tls", what, stream, stream)
    for initial, message in chosen(seeds.initials(shared), initial_shape, SEEDS["quic"]):
        for what, payload in mutants.frames(message, chance):
            payload = initial.padded(payload)
            yield Flow("quic", what, initial.sealed(payload, chance.getrandbits(64)), payload)
    for protocol in ("dns", "dns-response"):
        messages = seeds.dns_messages(shared, protocol == "dns-response")
        for message in chosen(messages, dns_shape, SEEDS[protocol]):
            for what, changed in mutants.dns(message, chance):
                yield Flow(protocol, what, changed, changed)


def sluice(program, capture):
    """{packet: names}; fails where it had no room for all."""
    done = subprocess.run([str(program), "--counters", "--checksums", "verify", str(capture)],
                          capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0 or any(counter in done.stderr for counter in ROOM):
        sys.exit(f"sluice-replay ended with {done.returncode}:\n{done.stderr.strip()}")
    found = collections.defaultdict(list)
    for line in map(json.loads, done.stdout.splitlines()):
        name = re.sub(r"\\(\d{3})", lambda m: chr(int(m[1])), line["name"])
        found[line["packet"]].append((line["protocol"], name))
    return found


def judged(flows, packets_of, program, capture):
    ours, theirs = sluice(program, capture), judges.tshark(capture)
    openssl, ldns = judges.OpenSsl(), judges.Ldns()
    for flow, packets in zip(flows, packets_of):
        for reader, all_found, kind in (("sluice", ours, flow.protocol),
                                        ("tshark", theirs, flow.protocol),
                                        ("records", theirs, "records")):
            found = [name for packet in packets for of, name in all_found[packet] if of == kind]
            flow.names[reader] = {rules.normal(name, flow.protocol) for name in found} - {None}
        if flow.protocol in ("tls", "quic"):
            server = openssl.name(flow.message, flow.protocol)
        else:
            server = ldns.names(flow.message)
        flow.names["server"] = {rules.normal(name, flow.protocol) for name in server} - {None}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where sluice-replay is")
    parser.add_argument("--shared", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1, help="of other mutants than CI's")
    parser.add_argument("--keep", type=pathlib.Path, help="where to leave the capture")
    options = parser.parse_args()
    program = options.bin / "sluice-replay"
    for path in (program, options.shared / "pcaps" / "truth.jsonl"):
        if not path.is_file():
            sys.exit(f"{path}: not there")

    flows = list(flows_of(options.shared, options.seed))
    frames, packets_of = [], []
    for number, flow in enumerate(flows):
        made = frames_of(flow, number)
        packets_of.append(range(len(frames) + 1, len(frames) + 1 + len(made)))
        frames += made
    with tempfile.TemporaryDirectory() as work:
        capture = options.keep or pathlib.Path(work) / "mutants.pcap"
        pcap.write(capture, frames, microseconds=1000)  # the latest flows are kept
        judged(flows, packets_of, program, capture)

    mutant_count = collections.Counter(flow.protocol for flow in flows)
    explained, failures = collections.Counter(), 0
    for number, flow in enumerate(flows):
        for what, name in rules.differences(flow):
            rule = rules.explanation(flow, what, name)
            if rule is not None:
                explained[flow.protocol, what, rule] += 1
                continue
            failures += 1
            print(f"flow {number} ({flow.protocol}, {flow.what}): {what}: {name!r}")
            print("  " + ", ".join(f"{reader} {sorted(flow.names[reader])}"
                                   for reader in ("sluice", "tshark", "server")))
            print("  " + frames[packets_of[number][-1] - 1].hex())
    for protocol, count in sorted(mutant_count.items()):
        print(f"{protocol}: {count} mutants")
        for (of, what, rule), times in sorted(explained.items()):
            if of == protocol:
                print(f"  {times:5} {what}: {rule}")
    missing = sorted(set(PORTS) - set(mutant_count))
    print(f"{len(flows)} mutants, {failures} failures" + "".join(f", no {m}" for m in missing))
    sys.exit(1 if failures or missing else 0)


if __name__ == "__main__":
    main()
