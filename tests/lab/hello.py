"""What a client's first flight looked like on the wire."""
import scapy.all as scapy

from .frames import Tap

HANDSHAKE = 22
INITIAL = 0xC0  # long header, fixed bit, type Initial: QUIC version 1


def frames_of(tap: Tap):
    """The frames that came in so far."""
    while (frame := tap.receive(0.1)) is not None:
        yield scapy.Ether(frame)


def hello_segments(tap: Tap):
    """For each connection to port 443, the lengths of the segments that carry its ClientHello."""
    streams, sizes = {}, {}
    for frame in frames_of(tap):
        if scapy.TCP not in frame or frame[scapy.TCP].dport != 443:
            continue
        key, payload = frame[scapy.TCP].sport, bytes(frame[scapy.TCP].payload)
        if not _is_payload(frame, payload):
            continue
        if key not in streams and payload[0] == HANDSHAKE:
            streams[key], sizes[key] = [], 5 + int.from_bytes(payload[3:5], "big")
        if key in streams and sum(streams[key]) < sizes[key]:
            streams[key].append(len(payload))
    return list(streams.values())


def initial_datagrams(tap: Tap):
    """How many Initials each connection to port 443 sent, as {port: number}."""
    counts = {}
    for frame in frames_of(tap):
        if scapy.UDP in frame and frame[scapy.UDP].dport == 443:
            payload = bytes(frame[scapy.UDP].payload)
            if payload and payload[0] & 0xF0 == INITIAL:
                counts[frame[scapy.UDP].sport] = counts.get(frame[scapy.UDP].sport, 0) + 1
    return counts


def _is_payload(frame, payload):
    """Whether it is no padding of a short frame."""
    if scapy.IP in frame:
        ip = frame[scapy.IP]
        length = ip.len - 4 * ip.ihl - 4 * frame[scapy.TCP].dataofs
    else:
        length = frame[scapy.IPv6].plen - 4 * frame[scapy.TCP].dataofs
    return length > 0 and len(payload) >= length
