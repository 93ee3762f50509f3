#!/usr/bin/python3
"""Fills corpus/ from captures: whole frames, bursts, and the DNS, TLS and QUIC payloads inside them.

    make_corpus.py CAPTURE…            (README.md says which ones were used)

Frames over 1,700 octets are left out, and a payload that is already there is not written twice.
A burst is a capture that has more than one frame, or some captures of one frame each.
"""
import hashlib
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "packet"))
import pcap  # noqa: E402

CORPUS = pathlib.Path(__file__).parent / "corpus"
MOST = 1700


def put(target, data, most=MOST):
    if len(data) > most:
        return
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)


def payload(frame):
    """(protocol, destination port, octets) behind plain IPv4 or IPv6 headers; None for the rest."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind, at = frame[at:at + 2], at + 2
    if kind == b"\x08\x00" and len(frame) >= at + 20:
        protocol, at = frame[at + 9], at + (frame[at] & 15) * 4
    elif kind == b"\x86\xdd" and len(frame) >= at + 40:
        protocol, at = frame[at + 6], at + 40
    else:
        return None
    if len(frame) < at + 20 or protocol not in (6, 17):
        return None
    port = int.from_bytes(frame[at + 2:at + 4], "big")
    return protocol, port, frame[at + (8 if protocol == 17 else (frame[at + 12] >> 4) * 4):]


def entries():
    """Values of entries: simple ones, and flattened ones of nought to three records."""
    simple = [struct.pack("<IBBBB", n, category, scope, disposition, layer)
              for n, (category, scope, disposition, layer)
              in enumerate([(8, 0, 0, 0), (4, 1, 0, 4), (0, 2, 1, 2), (41, 0, 2, 2), (63, 2, 0, 3)])]
    yield from simple
    for count in range(4):
        yield struct.pack("<QQBBHI", 1 << 8, 1 << 4 | 1 << 8, count, 7 - count, count, 0) + b"".join(
            simple[:count])


def quic_frames():
    """Plaintexts of Initials: the ClientHello of RFC 9001 A.2 whole, shuffled, and behind others."""
    hello = bytes.fromhex(
        "010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000041301"
        "1302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d00170018"
        "00100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fed"
        "ba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408"
        "050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801"
        "101104800075300901100f088394c8f03e51570806048000ffff")

    def crypto(start, end):
        end = min(end, len(hello))
        return struct.pack(">BHH", 6, 0x4000 | start, 0x4000 | end - start) + hello[start:end]

    yield crypto(0, 999) + bytes(40)
    pieces = [crypto(at, at + 30) for at in range(0, len(hello), 20)]
    yield b"\x01".join(pieces[::-1])
    yield bytes(3).join(pieces[1::2] + pieces[::2])
    ack, ecn = bytes([2, 5, 20, 1, 0, 0, 1]), bytes([3, 5, 20, 0, 0, 1, 2, 3])
    close = bytes([0x1C, 0x0A, 6, 3]) + b"bye"
    yield ack + ecn + close + b"\x40\x06" + crypto(0, 999)[1:]
    yield crypto(0, 100) + crypto(50, 150)[:5] + b"\xff" * 100 + b"\x08"


def gquic():
    """First packets of Q025, Q043 and Q046, whose CHLO is in clear."""
    name = b"www.example.com"
    chlo = (b"CHLO" + struct.pack("<HH", 2, 0) + b"PAD\0" + struct.pack("<I", 5) + b"SNI\0"
            + struct.pack("<I", 5 + len(name)) + b"-----" + name)
    connection, rest = bytes(range(8)), b"\x01" + bytes(12)
    yield (b"\x09" + connection + b"Q025" + rest + b"\x01\xa0\x01"
           + struct.pack("<H", len(chlo)) + chlo)
    yield b"\x09" + connection + b"Q043" + rest + b"\x80\x01" + chlo
    yield b"\xc0Q046\x50" + connection + rest + b"\xa0\x01" + struct.pack(">H", len(chlo)) + chlo


def put_burst(frames):
    """pipeline_fuzz: flags, length and frame. A capture does not tell which side a frame is from."""
    from_both, ends = 0x02, 0x20
    put("burst", b"".join(
        struct.pack(">BH", from_both | (ends if n % 8 == 7 else 0), len(frame)) + frame
        for n, frame in enumerate(frames)), 8000)


def main():
    single = []
    for path in sys.argv[1:]:
        frames = pcap.read(path)
        if len(frames) > 1:
            put_burst(frames)
        else:
            single += frames
        for frame in frames:
            put("frame", frame)
            found = payload(frame)
            if found and found[0] == 17 and found[1] == 53:
                put("dns_query", found[2])
            if found and found[0] == 6 and found[2][:1] == b"\x16":
                put("client_hello", found[2])
            if found and found[0] == 17 and found[2][:1] >= b"\x80" and len(found[2]) > 600:
                put("quic", found[2])
    for at in range(0, len(single), 16):
        put_burst(single[at:at + 16])
    for value in entries():
        put("entry", value)
    for datagram in gquic():
        put("quic", datagram)
    for plaintext in quic_frames():
        put("quic_frames", plaintext)


if __name__ == "__main__":
    main()
