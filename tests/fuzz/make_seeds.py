#!/usr/bin/python3
"""Fills corpus/ with the seeds that are written by hand, for what few captures hold: DNS responses,
HTTP heads, HTTP/2 connections, DTLS datagrams, and what proxies put before a stream.
"""
import hashlib
import pathlib
import struct

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


def main():
    for target, seeds in (("dns_response", dns()), ("http_request", http()), ("h2", h2()),
                          ("dtls", datagrams()), ("preamble", preambles())):
        for seed in seeds:
            put(target, seed)


if __name__ == "__main__":
    main()
