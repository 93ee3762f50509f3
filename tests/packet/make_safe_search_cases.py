#!/usr/bin/python3
"""Writes the packet cases of safe search: queries for search engines' names, and their answers.

Run it after changing it, as make_cases.py, whose builders it uses:
    /usr/bin/python3 tests/packet/make_safe_search_cases.py
The names are those of config/lists/safe-search.yaml. They stand in frames, and are asked of nobody.
"""
import pathlib
import struct
import sys

from scapy.all import IP, UDP, IPv6, Raw

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from make_bypass_cases import from_server  # noqa: E402
from make_cases import answer, case, name, query, stack, tcp, udp  # noqa: E402

STRICT = {"safe_search": "strict"}
ASKED, SAFE = "www.google.com", "forcesafesearch.google.com"
ERROR = b"safe search"


def made(payload, **kind):
    """A datagram that Sluice sends on in the client's name: headers of its own making."""
    layers = stack(**kind)
    inner = layers.getlayer(IPv6 if kind.get("ipv6") else IP)
    if kind.get("ipv6"):
        inner.hlim = 64
    else:
        inner.ttl, inner.id, inner.flags = 64, 0, "DF"
    return bytes(layers / UDP(sport=50000, dport=53) / Raw(payload))


def record(kind, data, owner=b"\xc0\x0c", ttl=300):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def response(asked, *records, qtype=1, flags=0x8180, authority=(), opt=None):
    return (struct.pack(">HH4H", 0x1234, flags, 1, len(records), len(authority),
                        0 if opt is None else 1) + name(asked) + struct.pack(">HH", qtype, 1) +
            b"".join(records) + b"".join(authority) + (opt or b""))


def told(code, do=False, size=1232):
    data = struct.pack(">HHH", 15, 2 + len(ERROR), code) + ERROR
    return b"\0" + struct.pack(">HHIH", 41, size, 0x8000 if do else 0, len(data)) + data


def soa(owner=b"\xc0\x0c"):
    data = name("localhost") + name("nobody.invalid") + struct.pack(">5I", 1, 3600, 600, 86400, 30)
    return record(6, data, owner, ttl=30)


def alias(asked=ASKED, safe=SAFE, ttl=300):
    return record(5, name(safe), ttl=ttl)


def behind(asked=ASKED):
    """A pointer to the alias's target."""
    return struct.pack(">H", 0xC000 | 12 + len(name(asked)) + 4 + 12)


def rewritten(title, about, asked=ASKED, safe=SAFE, policy=None, ask=None, onward=None, **kind):
    case(title, about, udp(query(asked, **(ask or {})), **kind), inside=[],
         outside=[made(query(safe, **(onward if onward is not None else ask or {})), **kind)],
         counters={"dns_rewritten": 1, "verdict_rewrite": 1, "forwarded": 1},
         names=[(1, "dns", asked.lower(), "rewrite")], policy=policy or STRICT)


def answered(title, about, reply, ask=None, asked=ASKED, **kind):
    case(title, about, udp(query(asked, **(ask or {})), **kind),
         inside=[bytes(stack(reply=True, **kind) / UDP(sport=53, dport=50000) / Raw(reply))],
         outside=[], counters={"dns_rewritten": 0, "dns_safe_answered": 1},
         names=[(1, "dns", asked.lower(), "rewrite")], policy=STRICT)


def queries():
    rewritten("safe-search-a", "an engine's name becomes its safe one")
    rewritten("safe-search-aaaa", "AAAA", ask={"qtype": 28})
    rewritten("safe-search-0x20", "in any case", asked="wWw.GoOgLe.CoM")
    rewritten("safe-search-country", "of a country", asked="www.google.co.uk")
    rewritten("safe-search-ipv6", "over IPv6", ipv6=True)
    rewritten("safe-search-qinq", "below two tags", tags=[("88a8", 7), ("8100", 5)])
    rewritten("safe-search-edns", "neither signatures nor a validator's word are asked for",
              ask={"opt": b"", "do": True, "flags": 0x0120}, onward={"opt": b"", "flags": 0x0100})
    rewritten("safe-search-strict", "the strict name", asked="www.youtube.com",
              safe="restrict.youtube.com")
    rewritten("safe-search-moderate", "the moderate one, of an engine with two",
              asked="www.youtube.com", safe="restrictmoderate.youtube.com",
              policy={"safe_search": "moderate"})
    rewritten("safe-search-moderate-one", "of an engine with one", policy={"safe_search": "moderate"})
    for title, about, frame, policy in (
            ("safe-search-passes", "without safe search", udp(query(ASKED)), {}),
            ("safe-search-staff", "of a group of another policy",
             udp(query(ASKED), source="192.0.2.200"), STRICT),
            ("safe-search-below", "a name below an engine's", udp(query("x." + ASKED)), STRICT),
            ("safe-search-txt", "a type that leads to no address", udp(query(ASKED, qtype=16)),
             STRICT)):
        asked = "x." + ASKED if title.endswith("below") else ASKED
        case(title, about, frame, counters={"dns_rewritten": 0, "forwarded": 1}, policy=policy,
             names=[(1, "dns", asked, "pass")])
    request = query(ASKED)
    case("safe-search-blocked", "a name that is blocked is blocked", udp(request),
         inside=[answer(request, owner_skip=4)], outside=[], policy=STRICT,
         counters={"dns_blocked": 1, "dns_rewritten": 0}, names=[(1, "dns", ASKED, "block")],
         block=["google.com"])


def here():
    answered("safe-search-https", "no data of a type that would lead past it",
             response(ASKED, qtype=65, flags=0x8180, authority=[soa()], opt=told(4)),
             ask={"qtype": 65, "opt": b""})
    answered("safe-search-cname", "the alias alone, to whom asks for it",
             response(ASKED, alias(ttl=30), qtype=5, flags=0x8580), ask={"qtype": 5})
    answered("safe-search-iterating", "or finds the way to addresses by itself",
             response(ASKED, alias(ttl=30), flags=0x8480, opt=told(4, do=True)),
             ask={"flags": 0, "opt": b"", "do": True})
    answered("safe-search-class", "another class fails",
             struct.pack(">HH4H", 0x1234, 0x8182, 0, 0, 0, 0), ask={"qclass": 255})


def streams():
    """The safe name is asked for over UDP, and the segment is to come again."""
    message = query(ASKED)
    framed = struct.pack(">H", len(message)) + message
    syn = tcp(b"", dport=53, seq=999, ack=0, flags="S")
    case("safe-search-tcp", "over TCP, with no address known: asked for over UDP, and withheld",
         [syn, tcp(framed, dport=53)], inside=[], outside=[syn, made(query(SAFE))], policy=STRICT,
         counters={"dns_safe_awaited": 1, "dns_safe_answered": 0},
         names=[(2, "dns", ASKED, "rewrite")])


def answers():
    address, unsafe = bytes([198, 51, 100, 7]), bytes([203, 0, 113, 66])
    # A burst of its own for the query: what comes back comes later.
    filler = [bytes(stack() / UDP(sport=1, dport=9) / Raw(b"x"))] * 31
    sent = from_server(response(SAFE, record(1, address, ttl=200), record(1, unsafe, name(ASKED))))
    got = bytes(stack(reply=True) / UDP(sport=53, dport=50000) / Raw(
        response(ASKED, alias(ttl=200), record(1, address, behind(), ttl=200))))
    case("safe-search-answered", "the answer comes back under the name that was asked for, and "
         "holds the safe name's addresses alone",
         [udp(query(ASKED)), *filler, sent], inside=[got],
         outside=[made(query(SAFE)), *filler], from_outside=[33], in_order=True, policy=STRICT,
         names=[(1, "dns", ASKED, "rewrite"), (33, "dns-response", SAFE, "pass"),
                (33, "dns-response", ASKED, "pass")])
    late = from_server(response(ASKED, record(1, unsafe)))
    failed = bytes(stack(reply=True) / UDP(sport=53, dport=50000) / Raw(response(ASKED, flags=0x8182)))
    case("safe-search-unsafe", "an answer to a query that was not asked safely", late,
         inside=[failed], outside=[], from_outside=[1], policy=STRICT,
         counters={"dns_unsafe_refused": 1})
    kept = from_server(response(ASKED, alias(), record(1, address, name(SAFE))))
    case("safe-search-by-server", "unless its server keeps to the safe name by itself", kept,
         inside=[kept], outside=[], from_outside=[1], policy=STRICT,
         counters={"dns_unsafe_refused": 0})


if __name__ == "__main__":
    queries()
    here()
    streams()
    answers()
