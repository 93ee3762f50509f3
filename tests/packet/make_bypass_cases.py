#!/usr/bin/python3
"""Writes the packet cases of ways past the resolver that the network gives: ECH, encrypted DNS.

Run it after changing it, as make_cases.py, whose builders it uses:
    /usr/bin/python3 tests/packet/make_bypass_cases.py
"""
import pathlib
import struct
import sys

from scapy.all import TCP, UDP, Raw

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import quic  # noqa: E402
from make_cases import answer, case, hello, name, query, sni, stack, tcp, udp  # noqa: E402
from make_flow_cases import quic_close  # noqa: E402

WITHHOLD = {"ech": "withhold"}
REFUSE = {"encrypted_dns_ports": "refuse"}


def ech_config(public_name=b"public.example", version=0xFE0D, config_id=7):
    contents = bytes([config_id]) + struct.pack(">HH", 0x20, 32) + b"k" * 32
    contents += struct.pack(">HHH", 4, 1, 1) + b"\x40" + bytes([len(public_name)]) + public_name
    contents += b"\0\0"
    config = struct.pack(">HH", version, len(contents)) + contents
    return struct.pack(">H", len(config)) + config


def parameter(key, value):
    return struct.pack(">HH", key, len(value)) + value


ALPN = parameter(1, b"\x02h2")
ECH = parameter(5, ech_config())
HINT = parameter(6, bytes(16))


def filler(key=65280, of=ECH):
    return parameter(key, bytes(len(of) - 4))


def record(kind, data, owner=b"\xc0\x0c"):
    return owner + struct.pack(">HHIH", kind, 1, 300, len(data)) + data


def service(*parameters, target=b"\0", kind=65):
    return record(kind, b"\0\x01" + target + b"".join(parameters))


def response(*records, asked="www.open.example", qtype=65, additional=()):
    return (struct.pack(">HH4H", 0x1234, 0x8180, 1, len(records), 0, len(additional)) +
            name(asked) + struct.pack(">HH", qtype, 1) + b"".join(records) + b"".join(additional))


def from_server(payload, over=UDP, **kind):
    ports = {"sport": 53, "dport": 50000}
    layer = (TCP(**ports, seq=2000, ack=1000, flags="PA", window=8192) if over is TCP
             else UDP(**ports))
    return bytes(stack(reply=True, ttl=60, **kind) / layer / Raw(payload))


def withheld(title, about, before, after, **kind):
    case(title, about, from_server(before, **kind), inside=[from_server(after, **kind)],
         outside=[], from_outside=[1], counters={"ech_withheld": 1, "ech_not_withheld": 0},
         policy=WITHHOLD)


def spoiled(frame, at=40):
    """The UDP checksum of an IPv4 frame, off by as much in ones' complement."""
    right = int.from_bytes(frame[at:at + 2], "big")
    return frame[:at] + ((right + 0x101) % 0xFFFF).to_bytes(2, "big") + frame[at + 2:]


def ech_cases():
    plain = response(service(ALPN, ECH, HINT))
    without = response(service(ALPN, HINT, filler()))
    withheld("ech-withheld", "what follows moves up, a private parameter fills the room",
             plain, without)
    withheld("ech-withheld-ipv6", "over IPv6", plain, without, ipv6=True)
    withheld("ech-withheld-vlan", "below a tag", plain, without, tags=[("8100", 5)])
    withheld("ech-withheld-tcp", "over TCP, in one segment",
             struct.pack(">H", len(plain)) + plain, struct.pack(">H", len(without)) + without,
             over=TCP)
    withheld("ech-withheld-alone", "the only parameter", response(service(ECH)),
             response(service(filler())))
    withheld("ech-withheld-private", "behind it a private parameter that keeps its place",
             response(service(ECH, parameter(65281, b"x"))),
             response(service(parameter(65281, b"x"), filler(65282))))
    several = [service(ALPN, ECH), service(HINT), service(ECH, kind=64, target=name("a.example"))]
    fine = [service(ALPN, filler()), service(HINT),
            service(filler(), kind=64, target=name("a.example"))]
    withheld("ech-withheld-several", "in every record of the answer", response(*several),
             response(*fine))
    other = parameter(5, ech_config(version=0xFE0A))
    withheld("ech-withheld-version", "of any version", response(service(other)),
             response(service(filler(of=other))))
    withheld("ech-withheld-additional", "beside an alias",
             response(record(5, name("edge.open.example")), additional=[service(ECH)]),
             response(record(5, name("edge.open.example")), additional=[service(filler())]))
    kept = from_server(plain)
    case("ech-passes", "where the policy lets it", kept, inside=[kept], outside=[],
         from_outside=[1], counters={"ech_withheld": 0})
    staff = from_server(plain, source="192.0.2.200")
    case("ech-passes-staff", "to a group of another policy", staff, inside=[staff], outside=[],
         from_outside=[1], counters={"ech_withheld": 0}, policy=WITHHOLD)
    framed = struct.pack(">H", len(plain)) + plain
    cut = from_server(framed[:-30], over=TCP)
    case("ech-cut", "over TCP, in two segments", cut, inside=[cut], outside=[], from_outside=[1],
         counters={"ech_withheld": 0}, policy=WITHHOLD)
    case("ech-wrong-checksum", "a checksum that was wrong stays wrong",
         spoiled(from_server(plain)), inside=[spoiled(from_server(without))], outside=[], from_outside=[1], counters={"ech_withheld": 1},
         policy=WITHHOLD)


def reset(flags="S", seq=1000, ack=0, dport=853, ahead=1):
    frame = stack(reply=True) / TCP(sport=dport, dport=50000, seq=ack, ack=seq + ahead, window=0,
                                    flags="RA")
    return bytes(frame)


def port_cases():
    case("dot-refused", "a connection to port 853", tcp(b"", dport=853, ack=0, flags="S"),
         inside=[reset()], outside=[], policy=REFUSE,
         counters={"encrypted_dns_refused": 1, "resets_sent": 1})
    for title, frame in (("dot-passes", tcp(b"", dport=853, ack=0, flags="S")),
                         ("doq-passes", udp(b"x" * 40, dport=853))):
        case(title, "where the policy lets it", frame, counters={"encrypted_dns_refused": 0})
    case("dot-passes-staff", "of a group of another policy",
         tcp(b"", dport=853, ack=0, flags="S", source="192.0.2.200"), policy=REFUSE,
         counters={"encrypted_dns_refused": 0})
    case("doq-refused", "a datagram to port 853 of nothing that is known",
         udp(b"x" * 40, dport=853), outside=[], policy=REFUSE,
         counters={"encrypted_dns_refused": 1, "resets_sent": 0, "forwarded": 0})
    doq_cases()


def doq_cases():
    """What asks for a connection is told that there will be none."""
    message = hello(sni(b"dns.open.example"))[5:]
    for title, version in (("v1", quic.V1), ("v2", quic.V2)):
        ask = udp(quic.initial(version, [quic.crypto(0, message)]), dport=853)
        case(f"doq-closed-{title}", "a client's Initial to port 853", ask,
             inside=[quic_close(version, 853)], outside=[], policy=REFUSE,
             counters={"encrypted_dns_refused": 1, "resets_sent": 1, "flow_opened": 0})
    ask = udp(quic.initial(quic.V1, [quic.crypto(0, message)]), dport=853)
    again = udp(quic.initial(quic.V1, [quic.crypto(0, message)], destination=b"attempt2"), dport=853)
    part = udp(quic.initial(quic.V1, [quic.crypto(len(message) - 9, message[-9:])], number=1),
               dport=853)
    case("doq-closed-again", "another attempt from the same port, and a later part of the first",
         [ask, again, part],
         inside=[quic_close(quic.V1, 853), quic_close(quic.V1, 853, b"attempt2"),
                 quic_close(quic.V1, 853)],
         outside=[], policy=REFUSE, counters={"encrypted_dns_refused": 3, "resets_sent": 3})
    six = udp(quic.initial(quic.V1, [quic.crypto(0, message)]), dport=853, ipv6=True)
    case("doq-closed-ipv6", "over IPv6", six, inside=[quic_close(quic.V1, 853, ipv6=True)],
         outside=[], policy=REFUSE, counters={"encrypted_dns_refused": 1, "resets_sent": 1})
    spoilt = bytearray(quic.initial(quic.V1, [quic.crypto(0, message)]))
    spoilt[-1] ^= 1
    for title, about, payload in (
            ("unopened", "an Initial that no keys open", bytes(spoilt)),
            ("short", "a packet of a connection from before", b"\x40" + b"p" * 60),
            ("dtls", "DNS over DTLS", b"\x16\xfe\xfd" + bytes(60))):
        case(f"doq-silent-{title}", about, udp(payload, dport=853), outside=[], policy=REFUSE,
             counters={"encrypted_dns_refused": 1, "resets_sent": 0, "forwarded": 0})
    case("doq-drop", "by silence, where the site has QUIC refused so", ask, outside=[],
         policy=REFUSE, block_answer={"quic": "drop"},
         counters={"encrypted_dns_refused": 1, "resets_sent": 0})
    staff = udp(quic.initial(quic.V1, [quic.crypto(0, message)]), dport=853, source="192.0.2.200")
    case("doq-passes-staff", "of a group of another policy, judged as any other", staff,
         policy=REFUSE, names=[(1, "quic", "dns.open.example", "pass")],
         counters={"encrypted_dns_refused": 0, "quic_client_hellos": 1})


def resolver_cases():
    """Names of resolvers have no page that could stand in for them."""
    page = {"dns": "address", "page_ipv4": "192.0.2.80"}
    for title, category in (("canary-no-page", "encrypted-dns"), ("relay-no-page", "proxy")):
        request = query()
        case(title, "no such name, where other names get the block page's address", udp(request),
             inside=[answer(request, category=category)], outside=[], category=category,
             policy={"block": [category]}, block_answer=page,
             names=[(1, "dns", "www.blocked.example", "block")], counters={"dns_blocked": 1})


if __name__ == "__main__":
    ech_cases()
    port_cases()
    resolver_cases()
