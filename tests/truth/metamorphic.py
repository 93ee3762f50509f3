#!/usr/bin/python3
"""Cuts, shuffles, repeats and fragments what captures hold: Sluice has to find the same names.

    metamorphic.py --bin build/release/bin --shared ../shared

For each one-case capture, and a selection of small public ones:
- the output with an empty list is the input, octet for octet;
- each rewriting below gives the same names as the capture itself;
- with all of these names listed, a second run over the output, with an empty list, finds none.

Order is only changed between a connection's SYN and the server's first octets: later, and where the
capture lacks the SYN, a late first segment cannot be told from the middle of a stream. What a
server answers by DNS over TCP is not compared: it is read only where one segment holds all of it.
"""
import argparse
import concurrent.futures
import ipaddress
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "packet"))
import pcap  # noqa: E402

PATIENCE = 60
MOST_PACKETS, MOST_OCTETS = 60, 20_000
# How many public captures of each kind, by the column of truth.jsonl that is not empty.
PUBLIC = {"tls_sni": 16, "http_host": 10, "dns_qname": 8, "quic_sni": 8}
TCP, UDP = 6, 17
FIN, SYN, PSH, ACK, URG = 1, 2, 8, 16, 32


def ones_sum(data):
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Packet:
    """One frame down to its transport payload, to be built again with other parts."""

    def __init__(self, frame):
        self.frame = frame
        self.ip = self.link(frame)
        self.protocol = None
        if self.ip is None or len(frame) < self.ip + 20:
            return
        self.ipv6 = frame[self.ip] >> 4 == 6
        if self.ipv6:
            self.header = 40
            total = 40 + struct.unpack_from(">H", frame, self.ip + 4)[0]
            protocol, fragment = frame[self.ip + 6], 0
        else:
            self.header = (frame[self.ip] & 15) * 4
            total, _, fragment = struct.unpack_from(">HHH", frame, self.ip + 2)
            protocol = frame[self.ip + 9]
        self.body = frame[self.ip + self.header:self.ip + total]
        whole = len(frame) >= self.ip + total and not fragment & 0x3FFF
        least = {TCP: 20, UDP: 8}.get(protocol)
        if not whole or least is None or len(self.body) < least:
            return
        self.protocol = protocol
        at, octets = (8, 32) if self.ipv6 else (12, 8)
        self.addresses = frame[self.ip + at:self.ip + at + octets]
        self.ports = self.body[:4]
        if protocol == TCP:
            self.sequence, = struct.unpack_from(">I", self.body, 4)
            self.flags = self.body[13]
            self.data = self.body[(self.body[12] >> 4) * 4:]
            self.good = ones_sum(self.pseudo(self.body) + self.body) == 0xFFFF

    @staticmethod
    def link(frame):
        """Where the IP header is, through VLAN tags, MPLS labels and PPPoE; None if it is none."""
        at, kind = 14, frame[12:14]
        while kind in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
            at, kind = at + 4, frame[at + 2:at + 4]
        if kind in (b"\x88\x47", b"\x88\x48"):
            while at + 4 < len(frame) and not frame[at + 2] & 1:
                at += 4
            at, kind = at + 4, b"\x08\x00"
        if kind == b"\x88\x64":
            at, kind = at + 8, {b"\x00\x21": b"\x08\x00"}.get(frame[at + 6:at + 8])
        known = kind in (b"\x08\x00", b"\x86\xdd") and at < len(frame)
        return at if known and frame[at] >> 4 in (4, 6) else None

    def pseudo(self, body):
        return self.addresses + struct.pack(">II", self.protocol, len(body))

    def has_data(self):
        return self.protocol == TCP and bool(self.data) and not self.flags & (SYN | URG)

    def direction(self):
        half = len(self.addresses) // 2
        return (self.addresses[:half], self.ports[:2], self.addresses[half:], self.ports[2:])

    def with_ip_body(self, body, identification=None, fragment=None):
        """The frame with other octets behind the IP header; `fragment`: offset and more flag."""
        head = bytearray(self.frame[:self.ip + self.header])
        ip = self.ip
        if self.ipv6:
            if fragment is not None:
                at, more = fragment
                body = struct.pack(">BBHI", head[ip + 6], 0, at | more, identification) + body
                head[ip + 6] = 44
            struct.pack_into(">H", head, ip + 4, len(body))
        else:
            struct.pack_into(">H", head, ip + 2, self.header + len(body))
            if fragment is not None:
                at, more = fragment
                struct.pack_into(">HH", head, ip + 4, identification, at // 8 | more << 13)
            struct.pack_into(">H", head, ip + 10, 0)
            struct.pack_into(">H", head, ip + 10, 0xFFFF - ones_sum(bytes(head[ip:])))
        if self.frame[ip - 10:ip - 8] == b"\x88\x64":  # PPPoE states a length of its own
            struct.pack_into(">H", head, ip - 4, 2 + self.header + len(body))
        return bytes(head) + body

    def with_data(self, at, data, last):
        """The segment that carries `data`, which is at offset `at` of this one's."""
        body = bytearray(self.body[:(self.body[12] >> 4) * 4] + data)
        struct.pack_into(">I", body, 4, (self.sequence + at) & 0xFFFFFFFF)
        if not last:
            body[13] &= ~(FIN | PSH)
        struct.pack_into(">H", body, 16, 0)
        checksum = 0xFFFF - ones_sum(self.pseudo(body) + bytes(body))
        # What its receiver drops is to be dropped in pieces, too.
        struct.pack_into(">H", body, 16, checksum if self.good else checksum ^ 0x5555)
        return self.with_ip_body(bytes(body))


def cut(frames, octets):
    out = []
    for frame in frames:
        packet = Packet(frame)
        if not packet.has_data() or len(packet.data) <= octets:
            out.append(frame)
            continue
        for at in range(0, len(packet.data), octets):
            data = packet.data[at:at + octets]
            out.append(packet.with_data(at, data, at + octets >= len(packet.data)))
    return out


def shuffle(frames, chance):
    """Data segments change places within fours, until the other side has answered."""
    frames = list(frames)
    opened, windows = set(), {}

    def settle(direction):
        places = windows.pop(direction, [])
        held = [frames[at] for at in places]
        chance.shuffle(held)
        for at, frame in zip(places, held):
            frames[at] = frame

    for at, frame in enumerate(frames):
        packet = Packet(frame)
        if packet.protocol != TCP:
            continue
        direction = packet.direction()
        other = direction[2:] + direction[:2]
        if packet.flags & (SYN | ACK) == SYN:
            opened.add(direction)
        elif packet.has_data():
            settle(other)
            opened.discard(other)
            if direction in opened:
                windows.setdefault(direction, []).append(at)
                if len(windows[direction]) == 4:
                    settle(direction)
    for direction in list(windows):
        settle(direction)
    return frames


def repeat(frames):
    return [frame for frame in frames for _ in range(2)]


def fragment(frames, octets):
    out = []
    for number, frame in enumerate(frames):
        packet = Packet(frame)
        # A checksum that is left to a card is left by who does not fragment.
        left = packet.protocol == TCP and not packet.good
        if packet.protocol is None or left or len(packet.body) <= octets:
            out.append(frame)
            continue
        for at in range(0, len(packet.body), octets):
            piece = packet.body[at:at + octets]
            more = at + octets < len(packet.body)
            out.append(packet.with_ip_body(piece, 0x4000 + number, (at, more)))
    return out


def rewritings(frames):
    chance = random.Random(1)  # the same captures on every run
    yield "as it is", frames
    for octets in (1, 2, 3, 5, 7, 100):
        yield f"cut to {octets} octets", cut(frames, octets)
    yield "shuffled", shuffle(frames, chance)
    yield "cut to 100 octets and shuffled", shuffle(cut(frames, 100), chance)
    yield "repeated", repeat(frames)
    for octets in (8, 24, 576):
        yield f"in fragments of {octets} octets", fragment(frames, octets)


def replay(program, capture, *options):
    done = subprocess.run([str(program), *map(str, options), str(capture)], capture_output=True,
                          text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise AssertionError(f"sluice-replay ended with {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def names(lines):
    """(protocol, name), and for UDP also what answers lead to."""
    return {(line["protocol"], line["name"], bool(line.get("response"))) for line in lines
            if not line.get("response") or line["transport"] == "udp"}


def is_listable(name):
    try:
        ipaddress.ip_address(name)
        return False
    except ValueError:
        return re.fullmatch(r"([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]*", name) is not None


def check(program, path, work):
    """What is wrong with one capture."""
    original = pcap.read(path)
    out, variant, listed = work / "out.pcap", work / "in.pcap", work / "list.txt"
    expected = names(replay(program, path, "--write", out))
    if pcap.read(out) != original:
        yield "with an empty list, the output differs from the input"
    wanted = sorted({name for _, name, _ in expected if is_listable(name)})
    listed.write_text("".join(name + "\n" for name in wanted))
    for what, frames in rewritings(original):
        if what != "as it is" and frames == original:
            continue
        pcap.write(variant, frames)
        found = names(replay(program, variant))
        if found != expected:
            yield f"{what}: missing {sorted(expected - found)}, more {sorted(found - expected)}"
        if not wanted:
            continue
        replay(program, variant, "--write", out, "--list", listed)
        through = {name for _, name, response in names(replay(program, out)) if not response}
        if through & set(wanted):
            yield f"{what}, all names listed: went on: {sorted(through & set(wanted))}"


def is_usable(path):
    """Classic little-endian captures of Ethernet frames, none of them cut short."""
    data = path.read_bytes()
    if len(data) > MOST_OCTETS or data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return False
    at = 24
    while at + 16 <= len(data):
        captured, length = struct.unpack_from("<II", data, at + 8)
        if captured != length:
            return False
        at += 16 + captured
    return at == len(data)


def selection(shared):
    yield from sorted((shared / "pcaps" / "cases").glob("*.pcap"))
    left = dict(PUBLIC)
    text = (shared / "pcaps" / "truth.jsonl").read_text()
    records = [json.loads(line) for line in text.splitlines() if line]
    for record in sorted(records, key=lambda r: r["sha256"]):
        kind = next((k for k in left if record[k]), None)
        path = shared / "pcaps" / record["pcap"]
        if (kind is None or left[kind] == 0 or record["packets"] > MOST_PACKETS
                or record["link_type"] != [1] or not is_usable(path)):
            continue
        left[kind] -= 1
        yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where sluice-replay is")
    parser.add_argument("--shared", type=pathlib.Path, required=True)
    parser.add_argument("captures", type=pathlib.Path, nargs="*", help="instead of the selection")
    options = parser.parse_args()
    program = options.bin / "sluice-replay"
    for path in (program, options.shared / "pcaps" / "truth.jsonl"):
        if not path.is_file():
            sys.exit(f"{path}: not there")
    captures = options.captures or list(selection(options.shared))

    def one(path):
        with tempfile.TemporaryDirectory() as work:
            try:
                return list(check(program, path, pathlib.Path(work)))
            except (AssertionError, subprocess.TimeoutExpired, ValueError, OSError) as error:
                return [str(error)]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(one, captures))
    for path, wrong in zip(captures, results):
        for what in wrong:
            print(f"{path.name}: {what}")
    failures = sum(map(len, results))
    print(f"{len(captures)} captures, {failures} failures")
    sys.exit(1 if failures or not captures else 0)


if __name__ == "__main__":
    main()
