"""Messages of real clients and servers out of captures: what differential.py changes."""
import json
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from metamorphic import TCP, UDP, Packet, is_usable

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "packet"))
import pcap  # noqa: E402
import quic  # noqa: E402

MOST_PACKETS = 60
LEAST_DATAGRAM = 1200  # of a client's Initial: RFC 9000 14.1


def captures(shared, column):
    """Public ones that hold such names, in an order that follows from their octets, then cases."""
    text = (shared / "pcaps" / "truth.jsonl").read_text()
    records = [json.loads(line) for line in text.splitlines() if line]
    for record in sorted(records, key=lambda r: r["sha256"]):
        path = shared / "pcaps" / record["pcap"]
        if (record[column] and record["packets"] <= MOST_PACKETS and record["link_type"] == [1]
                and is_usable(path)):
            yield path
    yield from sorted((shared / "pcaps" / "cases").glob(f"{column.split('_')[0]}-*.pcap"))


def packets(shared, column, protocol):
    for path in captures(shared, column):
        for frame in pcap.read(path):
            packet = Packet(frame)
            if packet.protocol == protocol:
                yield packet


def client_hellos(shared):
    """Whole ClientHello messages of one record in one segment."""
    for packet in packets(shared, "tls_sni", TCP):
        data = packet.data
        if len(data) < 9 or data[0] != 22 or data[5] != 1:
            continue
        octets = 4 + int.from_bytes(data[6:9], "big")
        if len(data) >= 5 + octets and struct.unpack_from(">H", data, 3)[0] >= octets:
            yield data[5:5 + octets]


def take_varint(data, at):
    octets = 1 << (data[at] >> 6)
    value = int.from_bytes(data[at:at + octets], "big") & (1 << (8 * octets - 2)) - 1
    return value, at + octets


class Initial:
    """A client's Initial, opened: RFC 9001 5. ValueError where it is none, or of other keys."""

    def __init__(self, data):
        try:
            self.open(data)
        except (IndexError, struct.error, InvalidTag) as error:
            raise ValueError(str(error)) from error

    def open(self, data):
        versions = {v[0]: v for v in (quic.V1, quic.V2, quic.DRAFT29)}
        number, = struct.unpack_from(">I", data, 1)
        self.version = versions.get(number)
        if self.version is None or data[0] & 0xB0 != 0x80 | self.version[3]:
            raise ValueError("no Initial")
        self.destination = data[6:6 + data[5]]
        at = 6 + data[5]
        self.source = data[at]  # how long it is
        at += 1 + self.source
        token, at = take_varint(data, at)
        at += token
        self.header = data[1:at]  # up to Length
        length, at = take_varint(data, at)
        key, iv, hp = quic.keys(self.version, self.destination, b"client")
        mask = Cipher(algorithms.AES(hp), modes.ECB()).encryptor().update(data[at + 4:at + 20])
        head = bytearray(data[:at + 4])
        head[0] ^= mask[0] & 0x0F
        octets = (head[0] & 3) + 1
        for i in range(octets):
            head[at + i] ^= mask[1 + i]
        head = bytes(head[:at + octets])
        packet_number = int.from_bytes(head[at:], "big")
        nonce = bytes(a ^ b for a, b in zip(iv, packet_number.to_bytes(12, "big")))
        self.payload = AESGCM(key).decrypt(nonce, data[at + octets:at + length], head)

    def padded(self, payload):
        return payload + bytes(max(0, LEAST_DATAGRAM - 22 - len(self.header) - len(payload)))

    def sealed(self, payload, number):
        """Of a connection of its own: tshark knows them by their IDs."""
        destination = struct.pack(">Q", number)
        source = destination[-self.source:] if self.source else b""
        header = (self.header[:4] + b"\x08" + destination + bytes([len(source)]) + source +
                  self.header[6 + len(self.destination) + self.source:])
        return quic.protect(self.version, destination, b"client", header, 0, payload)


def crypto_stream(payload):
    """CRYPTO octets of the frames before anything but CRYPTO, PING, PADDING, ACK and CLOSE; whether
    the payload was read to its end; and whether a frame says other octets than one before."""
    octets, at, agreed = {}, 0, True
    try:
        while at < len(payload):
            kind, at = take_varint(payload, at)
            if kind == 6:
                offset, at = take_varint(payload, at)
                length, at = take_varint(payload, at)
                if length > len(payload) - at:
                    break
                for i, octet in enumerate(payload[at:at + length]):
                    agreed = agreed and octets.setdefault(offset + i, octet) == octet
                at += length
            elif kind in (2, 3):
                _, at = take_varint(payload, at)
                _, at = take_varint(payload, at)
                ranges, at = take_varint(payload, at)
                for _ in range(1 + 2 * ranges + (3 if kind == 3 else 0)):
                    _, at = take_varint(payload, at)
            elif kind == 0x1C:
                _, at = take_varint(payload, at)
                _, at = take_varint(payload, at)
                reason, at = take_varint(payload, at)
                at += reason
            elif kind not in (0, 1):
                break
    except IndexError:
        at = None
    stream = bytearray()
    while len(stream) in octets:
        stream.append(octets[len(stream)])
    return bytes(stream), at == len(payload), agreed


def initials(shared):
    """(an Initial, the whole ClientHello that its frames hold)."""
    for packet in packets(shared, "quic_sni", UDP):
        try:
            initial = Initial(packet.body[8:])
        except ValueError:
            continue
        message, whole, _ = crypto_stream(initial.payload)
        if whole and len(message) > 4 and message[0] == 1 and (
                len(message) == 4 + int.from_bytes(message[1:4], "big")):
            yield initial, message


def dns_messages(shared, response):
    for packet in packets(shared, "dns_qname", UDP):
        port = packet.ports[:2] if response else packet.ports[2:]
        data = packet.body[8:]
        if port == b"\0\x35" and len(data) > 17 and data[2] >> 7 == response:
            yield data
