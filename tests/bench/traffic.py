"""Frames of the bench, and the captures that net_pcap replays. Every frame is built whole, with the
checksums that a receiver would ask for.

Client and server of a flow have addresses of RFC 2544's and RFC 5737's ranges; nothing of this
leaves the programs' own memory.
"""
import array
import hashlib
import ipaddress
import random
import struct
import zlib

from tests.packet import pcap, quic

INSIDE_MAC, OUTSIDE_MAC = b"\x02\0\0\0\0\x02", b"\x02\0\0\0\0\x01"
CLIENTS = int(ipaddress.IPv4Address("198.18.0.0"))  # RFC 2544
SERVER = int(ipaddress.IPv4Address("192.0.2.1"))
UDP, TCP = 17, 6
HELLO_OCTETS = 517  # a browser's without a post-quantum key share: padded so that no server trips
SERVER_ISN = 77_000
CLIENT_ISN = 1_000


def checksum(*parts):
    data = b"".join(parts)
    words = array.array("H", data if len(data) % 2 == 0 else data + b"\0")
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("=H", ~total & 0xFFFF)


def _frame(source, destination, protocol, segment, upward):
    head = struct.pack(">BBHHHBB2xII", 0x45, 0, 20 + len(segment), 7, 0x4000, 64, protocol, source,
                       destination)
    head = head[:10] + checksum(head) + head[12:]
    macs = OUTSIDE_MAC + INSIDE_MAC if upward else INSIDE_MAC + OUTSIDE_MAC
    return macs + b"\x08\0" + head + segment


class Flow:
    """One client's 5-tuple; the number makes it."""

    def __init__(self, number, server_port):
        self.client = CLIENTS + number // 512 % 65536 + 1
        self.port = 1024 + number % 512 * 97
        self.server_port = server_port

    def _segment(self, protocol, head, payload, sum_at, upward):
        source, destination = (self.client, SERVER) if upward else (SERVER, self.client)
        pseudo = struct.pack(">IIBBH", source, destination, 0, protocol, len(head) + len(payload))
        head = head[:sum_at] + checksum(pseudo, head, payload) + head[sum_at + 2:]
        return _frame(source, destination, protocol, head + payload, upward)

    def _ports(self, upward):
        return (self.port, self.server_port) if upward else (self.server_port, self.port)

    def udp(self, payload, upward=True):
        head = struct.pack(">4H", *self._ports(upward), 8 + len(payload), 0)
        return self._segment(UDP, head, payload, 6, upward)

    def tcp(self, payload, upward=True, sequence=None, flags=0x18):
        if sequence is None:
            sequence = CLIENT_ISN if upward else SERVER_ISN
        head = struct.pack(">HHIIBBHHH", *self._ports(upward), sequence,
                           SERVER_ISN if upward else CLIENT_ISN + HELLO_OCTETS, 0x50, flags, 64240,
                           0, 0)
        return self._segment(TCP, head, payload, 16, upward)


def dns_query(name, number=1):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack(">6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + question + b"\0\1\0\1"


def dns_answer(name, number=1):
    query = dns_query(name, number)
    head = struct.pack(">6H", number & 0xFFFF, 0x8180, 1, 1, 0, 0)
    return head + query[12:] + struct.pack(">HHHIHI", 0xC00C, 1, 1, 60, 4, SERVER)


def _extension(kind, data):
    return struct.pack(">HH", kind, len(data)) + data


def client_hello(name, octets=HELLO_OCTETS, seed=0):
    """The handshake message, as TLS 1.3 clients send it, padded (RFC 7685) so that its record has
    `octets` octets."""
    noise = random.Random(seed)
    host = name.encode()
    extensions = b"".join([
        _extension(0, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host),
        _extension(23, b""), _extension(0xFF01, b"\0"),
        _extension(10, bytes.fromhex("0006001d00170018")), _extension(11, b"\1\0"),
        _extension(16, b"\0\x0c\x02h2\x08http/1.1"), _extension(5, b"\1\0\0\0\0"),
        _extension(13, bytes.fromhex("001004030804040105030805050108060601")),
        _extension(43, b"\4\3\4\3\3"), _extension(45, b"\1\1"),
        _extension(51, b"\0\x24\0\x1d\0\x20" + noise.randbytes(32))])
    ciphers = bytes.fromhex("130113021303c02bc02fc02cc030cca9cca8c013c014009c009d002f0035")
    front = b"\3\3" + noise.randbytes(32) + b"\x20" + noise.randbytes(32) + \
        struct.pack(">H", len(ciphers)) + ciphers + b"\1\0"
    missing = octets - 9 - len(front) - 2 - len(extensions) - 4
    if missing >= 0:
        extensions += _extension(21, bytes(missing))
    body = front + struct.pack(">H", len(extensions)) + extensions
    return b"\1" + len(body).to_bytes(3, "big") + body


def tls_record(handshake):
    return b"\x16\3\1" + struct.pack(">H", len(handshake)) + handshake


def dns_queries(names):
    return [Flow(number, 53).udp(dns_query(name, number)) for number, name in enumerate(names)]


def dns_answers(names):
    return [Flow(number, 53).udp(dns_answer(name, number), upward=False)
            for number, name in enumerate(names)]


def hellos(names):
    return [Flow(number, 443).tcp(tls_record(client_hello(name, seed=number)))
            for number, name in enumerate(names)]


def server_hellos(count):
    """The first segment of each flow's server: what ends the keeping of its ClientHello."""
    hello = b"\2\0\0\x28\3\3" + bytes(range(32)) + b"\0\x13\1\0\0\0"
    return [Flow(number, 443).tcp(tls_record(hello), upward=False) for number in range(count)]


def initials(names, flows):
    """QUIC v1 Initials of 1,200 octets over `flows` 5-tuples, each with its own connection ID: such
    as cannot be foreseen (RFC 9000 section 7.2)."""
    out = []
    for number, name in enumerate(names):
        handshake = client_hello(name, octets=0, seed=number)
        datagram = quic.initial(quic.V1, [quic.crypto(0, handshake)],
                                destination=hashlib.sha256(number.to_bytes(6, "big")).digest()[:8])
        out.append(Flow(number % flows, 443).udp(datagram))
    return out


BULK_SIZES = (0, 0, 0, 0, 536, 536, 1448, 1448, 1448, 1448)  # TCP payload: acknowledgements, data


def bulk(count, upward=True):
    """TCP from the middle of streams on port 443, of application data records and bare
    acknowledgements; from the server mostly full segments."""
    sizes = BULK_SIZES if upward else (1448,) * 8 + (0, 0)
    return [Flow(100_000 + number, 443).tcp(
        (b"\x17\3\3\x40\0" + bytes(1448))[:sizes[number % len(sizes)]], upward, 50_000_000)
        for number in range(count)]


def campus(names, count, upward=True):
    """Of every 100 frames 2 of DNS, 1 with a ClientHello or its ServerHello, 97 of bulk TCP, spread
    evenly."""
    share = count // 100
    dns = (dns_queries if upward else dns_answers)(names[:2 * share])
    tls = hellos(names[2 * share:3 * share]) if upward else server_hellos(share)
    rest = iter(bulk(97 * share, upward))
    out = []
    for hundred in range(share):
        block = [next(rest) for _ in range(97)]
        block.insert(10, dns[2 * hundred])
        block.insert(40, tls[hundred])
        block.insert(70, dns[2 * hundred + 1])
        out += block
    return out


def by_flow(frames, queues):
    """The frames of each of so many queues, as a card with a symmetric hash of its IPv4 flows would
    spread them: both directions of a flow to one queue."""
    out = [[] for _ in range(queues)]
    for frame in frames:
        ends = sorted((frame[26:30] + frame[34:36], frame[30:34] + frame[36:38]))
        out[zlib.crc32(b"".join(ends)) % queues].append(frame)
    return out


def save(path, frames):
    pcap.write(path, frames)
    return path
