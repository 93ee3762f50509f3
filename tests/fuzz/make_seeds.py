#!/usr/bin/python3
"""Fills corpus/ with the seeds that are written by hand, for what few captures hold: DNS responses,
HTTP heads, HTTP/2 connections, DTLS datagrams, what proxies put before a stream, streams and how
they are cut, and the decisions that assembly_fuzz and fragments_fuzz read.
"""
import hashlib
import pathlib
import struct

from make_corpus import gquic, put_burst

CORPUS = pathlib.Path(__file__).parent / "corpus"


def put(target, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)


def wire(name):
    return b"".join(bytes([len(x)]) + x for x in name.encode().split(b".") if x) + b"\0"


def short(data):
    return struct.pack(">H", len(data)) + data


def record(kind, data, owner=b"\xc0\x0c"):
    return owner + struct.pack(">HHI", kind, 1, 60) + short(data)


def dns_response(*records, opt=False):
    question = wire("a.b.example") + b"\0\1\0\1"
    more = b"\0\0\x29\x04\xd0\0\0\x80\0" + short(b"\0\x0a\0\x08cookie!!") if opt else b""
    return struct.pack(">6H", 7, 0x8180, 1, len(records), 0, int(opt)) + question + b"".join(
        records) + more


def ech(name):
    contents = b"\7\0\x20" + short(bytes(32)) + short(b"\0\1\0\1") + b"\0"
    return b"\xfe\x0d" + short(contents + bytes([len(name)]) + name + short(b""))


def dns():
    https = b"\0\1" + wire("") + b"\0\1\0\3\2h2\0\5" + short(short(ech(b"public.example")))
    yield dns_response()
    yield dns_response(record(1, b"\xc0\0\2\1"), opt=True)
    yield dns_response(record(5, b"\1c\xc0\x0e"), record(5, wire("d.example"), b"\1c\xc0\x0e"))
    yield dns_response(record(39, wire("e.example"), b"\xc0\x0e"), record(5, b"\1a\xc0\x2b"))
    yield dns_response(record(65, https), record(64, b"\0\0" + wire("f.example")), opt=True)
    yield dns_response(*[record(5, b"\1" + bytes([c]) + b"\xc0\x0e") for c in b"bcdefghijklmnopqrs"])
    yield dns_response(record(5, b"\xc0\x28"))
    yield short(dns_response())
    yield dns_response(*[record(1, bytes([192, 0, 2, n])) for n in range(10)], opt=True)
    yield dns_response(record(1, bytes(4), wire("e.example")), record(5, wire("E.example")),
                       record(5, b"\xc0\x0c", wire("f.example")), opt=True)


def http():
    yield b"GET / HTTP/1.1\r\nHost: a.example:80\r\nAccept: */*\r\n\r\n"
    yield b"\r\nPOST http://a.example/x?y HTTP/1.1\nhost:\n\tb.example\nContent-Length: 3, 3\n\nabc"
    yield b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: a.example\r\nHost: u@b\r\n\r\n"
    yield b"X-Y * HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\nUpgrade: h2c\r\n\r\n0\r\n\r\n"
    yield b"GET http://a.example\r\n"


def frame(kind, flags, data, stream=1):
    return struct.pack(">I", len(data))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + data


def h2():
    block = bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")  # RFC 7541 C.4.1
    yield frame(4, 0, b"\0\3\0\0\0\x64", 0) + frame(8, 0, b"\0\0\1\0", 0) + frame(1, 5, block)
    yield frame(1, 1, block[:7]) + frame(9, 0, b"") + frame(9, 4, block[7:])
    yield frame(1, 0x2d, b"\2\0\0\0\0\x0f" + block + b"\0\0")
    yield frame(1, 5, b"\x3f\xe1\x1f\x40\4host\1a\x40\x83\x9c\xe8\x4f\1b\x7f\0\1c\xbe")


def dtls(fragments, length=None, sequence=0):
    extension = b"\0\0" + short(short(b"\0" + short(b"a.example")))
    body = b"\xfe\xfd" + bytes(32) + b"\0" + b"\0" + short(b"\xc0\x2b") + b"\1\0" + short(extension)
    for start, end in fragments:
        piece = body[start:end]
        head = b"\1\0" + struct.pack(">HH", length or len(body), sequence)
        head += struct.pack(">I", start)[1:] + struct.pack(">I", len(piece))[1:]
        yield b"\x16\xfe\xfd" + bytes(8) + short(head + piece)


def datagrams():
    """The first octet says where the fuzz target cuts the rest in two, in 255ths."""
    yield b"\xff" + b"".join(dtls([(0, None)]))
    yield b"\xff" + b"".join(dtls([(30, None), (0, 40)], sequence=1))
    yield b"\x80" + b"".join(dtls([(0, 32), (32, None)]))


def preambles():
    yield b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n\x16\3\1"
    yield b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + b"\x16\3\1"
    yield b"\4\1\1\xbb\0\0\0\1joe\0a.example\0\x16"
    yield b"\4\1\1\xbb\xc0\0\2\1\0GET"
    yield b"\5\2\0\2\1\3joe\2pw\5\1\0\3\x09a.example\1\xbb\x16"
    yield b"\5\1\0\5\1\0\1\xc0\0\2\1\1\xbb"


def hello(*names):
    """A TLS record with a ClientHello."""
    entries = b"".join(b"\0" + short(name) for name in names)
    extension = b"\0\0" + short(short(entries))
    body = b"\3\3" + bytes(range(32)) + b"\0" + short(b"\x13\1") + b"\1\0" + short(extension)
    return b"\x16\3\1" + short(b"\1" + struct.pack(">I", len(body))[1:] + body)


def udp(payload, source=50000, port=443, back=False):
    """An IPv4 frame; a UDP checksum of 0 is none."""
    head = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(payload), 7, 0x4000, 63, 17, 0)
    head += bytes([192, 0, 2, 1, 192, 0, 2, 2] if back else [192, 0, 2, 2, 192, 0, 2, 1])
    total = sum(struct.unpack(">10H", head))
    head = head[:10] + struct.pack(">H", 0xFFFF - (total + (total >> 16) & 0xFFFF)) + head[12:]
    ethernet = bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])
    return ethernet + head + struct.pack(">4H", source, port, 8 + len(payload), 0) + payload


def bursts():
    """Datagrams of flows: what comes behind a refusal, in order and not, and another's in between."""
    pieces = [udp(piece) for piece in dtls([(0, 32), (32, None)])]
    yield pieces + pieces
    yield pieces[::-1]
    yield [udp(b"".join(dtls([(0, None)]))), udp(b"\x17\xfe\xfd" + bytes(30))]
    yield [pieces[0], udp(b"".join(dtls([(0, 20)], sequence=1))), pieces[1]]
    yield [udp(datagram, 50000 + n % 2) for n, datagram in enumerate([*gquic(), *gquic()])]


def safe_search():
    """A query for an engine's name, the answer under its safe one; what else may be asked; answers
    that were not asked for so. Each frame is a burst of its own, with its side."""
    def query(name, kind=1, flags=0x0100):
        return struct.pack(">6H", 7, flags, 1, 0, 0, 0) + wire(name) + struct.pack(">2H", kind, 1)

    def response(name, *records, kind=1):
        return (struct.pack(">6H", 7, 0x8180, 1, len(records), 0, 0) + wire(name) +
                struct.pack(">2H", kind, 1) + b"".join(records))

    def asks(message):
        return b"\x20" + short(udp(message, port=53))

    def answers(message):
        return b"\x21" + short(udp(message, 53, 50000, back=True))

    address = record(1, bytes([198, 51, 100, 7]))
    yield asks(query("www.find.net")) + answers(response("safe.find.com", address)) * 2
    yield asks(query("FIND.com")) + answers(
        response("safe.find.com", record(5, wire("a.example")), record(1, bytes(4), wire("a.example"))))
    yield b"".join(asks(query("find.net", kind)) for kind in (5, 16, 28, 64, 65, 255))
    yield asks(query("find.net", flags=0)) + asks(query("www.find.x7", 28)) + answers(
        response("safe.find.com", record(28, bytes(16)), kind=28))
    yield answers(response("www.find.net", address)) + answers(
        response("find.net", record(5, wire("safe.find.com"))))


def streams():
    """stream_fuzz: burst, direction and port; octets of a piece; count of places; places; stream."""
    def seed(port, stream, piece, places=(), burst=0, backward=False):
        head = bytes([burst << 6 | backward << 5 | port, piece - 1, len(places)])
        return head + b"".join(struct.pack(">HB", at, n - 1) for at, n in places) + stream

    tls, web, dns_port, socks, other = range(5)
    get = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    post = b"POST / HTTP/1.1\r\nHost: b.example\r\nContent-Length: 40\r\n\r\n" + b"x" * 40
    query = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + wire("a.b.example") + b"\0\1\0\1"
    for piece in (1, 2, 3, 5, 7, 100):
        yield seed(tls, hello(b"www.a.example"), piece)
    yield seed(other, hello(b"www.a.example", b"b.test"), 9, burst=3, backward=True)
    yield seed(tls, hello(b"a.allowed.example") + hello(b"b.example"), 30, [(20, 90), (0, 40)], 1)
    yield seed(web, get + get.replace(b"a.", b"c."), 11, [(30, 20)], 2)
    yield seed(web, post + get, 25, [(100, 60)], 3, True)
    yield seed(other, b"CONNECT d.example:443 HTTP/1.1\r\n\r\n" + hello(b"e.example"), 16, burst=1)
    yield seed(dns_port, short(query) + short(query.replace(b"\1a", b"\1z")), 4, burst=3)
    yield seed(socks, b"\5\1\0\5\1\0\3\x09f.example\1\xbb" + hello(b"g.example"), 5)
    yield seed(tls, b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n" + hello(b"h.example"), 8)
    yield seed(other, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + next(h2()), 6, burst=3)


def fragments():
    """fragments_fuzz: step; which, place and octets of each fragment."""
    def piece(which, place, octets, step=0):
        return bytes([step, which, place, octets])

    last = 8
    for family in (0, 1):
        whole = [piece(family, 0, 3), piece(family, 3, 3), piece(family | last, 6, 30)]
        yield b"".join(whole)
        yield b"".join(whole[::-1])
        yield b"".join(whole[:2] + [piece(family, 1, 4)] + whole[2:])
        yield b"".join([whole[0], piece(family | 0x80, 2, 3) + b"\x40"] + whole[1:])
        yield b"".join(whole[:2] + [piece(family | last | 0x30, 6, 30, 0x20), whole[0]])
        yield b"".join(whole[:2] + [piece(family | 2 | last, 6, 9, 0xff), whole[2]])


def assemblies():
    """assembly_fuzz: what the storage held; which assembly and operation, and its numbers."""
    def write(which, at, octets):
        return bytes([which, 5]) + struct.pack(">HB", at, octets)

    consume = b"\0\1\0\x46"
    yield b"\xff" + write(0, 0, 70) + write(0, 90, 38) + consume + write(0, 0, 58)
    yield b"\0" + write(1, 200, 255) + write(1, 0, 199) + write(1, 199, 1) + b"\1\1\0\xff"
    yield b"\x55" + write(0, 63, 2) + b"\0\4\0\x3f\2\7" + b"\0\0" + b"\0\4\0\x3f\2\7" + b"\x0f"
    yield b"\xaa" + b"\0\3\x7f\3abc" + b"\0\2\0" + write(0, 0, 128) + b"\x0f" + write(1, 128, 100)


def neighbours():
    """neighbour_fuzz: an octet of time and use, the length, the frame; ARP and Neighbor Discovery of
    the device that the target's policy names, and of another."""
    def ethernet(kind, payload, mac=b"\2\0\0\0\0\2", tags=b""):
        return b"\xff" * 6 + mac + tags + kind + payload

    def arp(sender, mac=b"\2\0\0\0\0\2", operation=1, target=b"\xc0\0\2\1", tags=b""):
        return ethernet(b"\x08\x06", struct.pack(">HHBBH", 1, 0x800, 6, 4, operation) + mac +
                        sender + bytes(6) + target, mac, tags)

    def discovery(kind, source, target, option, mac=b"\2\0\0\0\0\2"):
        body = bytes([kind, 0, 0, 0]) + bytes(4) + target + (
            bytes([option, 1]) + mac if option else b"")
        to = bytes.fromhex("ff02") + bytes(13) + b"\1"
        pseudo = source + to + struct.pack(">II", len(body), 58) + body
        total = sum(struct.unpack(f">{len(pseudo) // 2}H", pseudo))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        body = body[:2] + struct.pack(">H", ~total & 0xFFFF) + body[4:]
        return ethernet(b"\x86\xdd", struct.pack(">IHBB", 6 << 28, len(body), 58, 255) + source +
                        to + body, mac)

    def sent(*frames):
        return b"".join(bytes([flags, len(frame)]) + frame for flags, frame in frames)
    named, other = b"\xc0\0\2\xc8", b"\xc0\0\2\x09"
    private = bytes.fromhex("20010db8000000000000000000abcdef")
    claims = [(0x80, arp(named)), (0, discovery(136, private, private, 2))]
    yield sent(*claims, (1, discovery(135, private, bytes(15) + b"\1", 1)))
    yield sent(*claims, (1, arp(named, b"\2\0\0\0\0\6")), (0x7f, arp(named)))
    yield sent(*claims, (0, arp(other)), (0x80 | 0x50, arp(named)))
    yield sent((0x80, arp(bytes(4), target=named)), (0, discovery(135, bytes(16), private, 0)),
               (0, discovery(133, private, b"", 1)))
    yield sent((0x80, arp(named, tags=b"\x81\0\0\5")), (0, arp(named, operation=2)))


def main():
    for target, seeds in (("dns_response", dns()), ("http_request", http()), ("h2", h2()),
                          ("dtls", datagrams()), ("neighbour", neighbours()), ("preamble", preambles()),
                          ("stream", streams()), ("fragments", fragments()),
                          ("assembly", assemblies())):
        for seed in seeds:
            put(target, seed)
    for burst in bursts():
        put_burst(burst)
    for seed in safe_search():
        put("burst", seed)


if __name__ == "__main__":
    main()
