#!/usr/bin/python3
"""Writes the packet cases: what comes in, and what has to leave, both built here octet by octet.

A case is a directory; one can be added by hand too (README.md). Run this after changing it:
    /usr/bin/python3 tests/packet/make_cases.py
"""
import pathlib
import struct
import sys

import yaml
from scapy.all import (ARP, Dot1AD, Dot1Q, Ether, GRE, ICMP, ICMPv6ND_NS, IP, IPOption, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, LLC, Padding, Raw, STP, TCP, UDP,
                       Dot3, PPPoE, PPP)
from scapy.contrib.mpls import MPLS

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import pcap  # noqa: E402

CLIENT_MAC, SERVER_MAC = "02:00:00:00:00:02", "02:00:00:00:00:01"
CASES = pathlib.Path(__file__).parent / "cases"
INCIDENT = b"00000000"  # the runner masks it
BLOCKED = ["blocked.example", "casino.test"]


def name(text):
    return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".") if p) + b"\0"


def query(qname="www.blocked.example", qtype=1, qclass=1, flags=0x0100, opt=None, do=False,
          counts=None, raw_name=None):
    head = struct.pack(">HH4H", 0x1234, flags, *(counts or (1, 0, 0, 0 if opt is None else 1)))
    question = (name(qname) if raw_name is None else raw_name) + struct.pack(">HH", qtype, qclass)
    out = head + question
    if opt is not None:
        out += b"\0" + struct.pack(">HHIH", 41, 1232, 0x8000 if do else 0, len(opt)) + opt
    return out


def stack(tags=(), ipv6=False, ext=None, options=None, reply=False, ttl=None, source=None,
          destination=None):
    """Ethernet, tags and IP of a client's frame, or of the answer to it."""
    layers = Ether(src=SERVER_MAC, dst=CLIENT_MAC) if reply else Ether(src=CLIENT_MAC, dst=SERVER_MAC)
    for kind, vlan in tags:
        layers /= Dot1AD(vlan=vlan) if kind == "88a8" else Dot1Q(vlan=vlan)
    client = source or ("2001:db8::2" if ipv6 else "192.0.2.2")
    server = destination or ("2001:db8::1" if ipv6 else "192.0.2.1")
    src, dst = (server, client) if reply else (client, server)
    if ipv6:
        layers /= IPv6(src=src, dst=dst, hlim=ttl or (64 if reply else 57))
        return layers / ext if ext is not None and not reply else layers
    if reply:
        return layers / IP(src=src, dst=dst, ttl=ttl or 64, flags="DF", id=0)
    return layers / IP(src=src, dst=dst, ttl=63, id=7, options=options or [])


def udp(payload, sport=50000, dport=53, **kind):
    return bytes(stack(**kind) / UDP(sport=sport, dport=dport) / Raw(payload))


def tcp(payload, sport=50000, dport=443, seq=1000, ack=2000, flags="PA", **kind):
    return bytes(stack(**kind) / TCP(sport=sport, dport=dport, seq=seq, ack=ack, flags=flags) /
                 Raw(payload))


def answer(request, owner_skip=4, rcode=3, records=b"", ancount=0, opt=None, do=False, ede=15,
           cookie=b"", category="gambling", port=50000, **kind):
    """The whole answer frame. owner_skip: octets of QNAME before the listed name."""
    end = request.index(b"\0", 12) + 5
    flags = 0x8080 | (request[2] & 1) << 8 | (request[3] & 0x10) | rcode
    out = request[:2] + struct.pack(">H4H", flags, 1, ancount, 0 if ancount else 1,
                                    0 if opt is None else 1) + request[12:end]
    if ancount:
        out += records
    else:
        soa = name("localhost") + name("nobody.invalid") + struct.pack(">5I", 1, 3600, 600, 86400, 30)
        out += struct.pack(">HHHIH", 0xC000 | 12 + owner_skip, 6, 1, 30, len(soa)) + soa
    if opt is not None:
        text = f"{category}; incident ".encode() + INCIDENT
        data = cookie and struct.pack(">HH", 10, 16) + cookie + cookie
        data += struct.pack(">HHH", 15, 2 + len(text), ede) + text
        out += b"\0" + struct.pack(">HHIH", 41, 1232, 0x8000 if do else 0, len(data)) + data
    kind.pop("ext", None)
    kind.pop("options", None)
    return bytes(stack(reply=True, **kind) / UDP(sport=53, dport=port) / Raw(out))


def extension(kind, data):
    return struct.pack(">HH", kind, len(data)) + data


def sni(*names):
    entries = b"".join(b"\0" + struct.pack(">H", len(n)) + n for n in names)
    return extension(0, struct.pack(">H", len(entries)) + entries)


def hello(*extensions, minor=1):
    block = b"".join(extensions)
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0"
    body += struct.pack(">H", len(block)) + block if extensions else b""
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03" + bytes([minor]) + struct.pack(">H", len(message)) + message


def resets(payload, seq=1000, ack=2000, extra=0, dport=443, **kind):
    kind.pop("ext", None)
    inside = bytes(stack(reply=True, **kind) / TCP(sport=dport, dport=50000, seq=ack, window=0,
                                                   ack=(seq + len(payload) + extra) & 0xFFFFFFFF,
                                                   flags="RA"))
    onward = stack(reply=True, **kind)  # the program's own header values, toward the server
    onward.src, onward.dst = CLIENT_MAC, SERVER_MAC
    layer = onward[IPv6] if kind.get("ipv6") else onward[IP]
    layer.src, layer.dst = layer.dst, layer.src
    outside = bytes(onward / TCP(sport=50000, dport=dport, seq=seq, ack=ack, window=0, flags="RA"))
    return inside, outside


def case(title, about, frames, inside=(), outside=None, counters=None, names=(), **settings):
    """outside=None: everything that came in from inside leaves outside, unchanged."""
    folder = CASES / title
    folder.mkdir(parents=True, exist_ok=True)
    frames = frames if isinstance(frames, list) else [frames]
    from_outside = settings.get("from_outside", [])
    if outside is None:
        outside = [f for n, f in enumerate(frames, 1) if n not in from_outside]
    pcap.write(folder / "in.pcap", frames)
    pcap.write(folder / "out.inside.pcap", list(inside))
    pcap.write(folder / "out.outside.pcap", list(outside))
    document = {"about": about, "block": BLOCKED, **settings}
    if counters:
        document["counters"] = counters
    document["names"] = [dict(zip(("packet", "protocol", "name", "verdict"), n)) for n in names]
    (folder / "case.yaml").write_text(yaml.safe_dump(document, sort_keys=False, width=100))


def blocked_dns(title, about, request=None, qname="www.blocked.example", found=None, owner_skip=4,
                block_answer=None, reply=None, **kind):
    request = request or query(qname)
    settings = {"block_answer": block_answer} if block_answer else {}
    case(title, about, udp(request, **kind),
         inside=[answer(request, owner_skip, **(reply or {}), **kind)], outside=[],
         counters={"dns_blocked": 1, "forwarded": 0},
         names=[(1, "dns", (found or qname).lower(), "block")], **settings)


def passed_dns(title, about, payload, counter=None, names=(), **kind):
    case(title, about, udp(payload, **kind), counters={counter: 1} if counter else None, names=names)


def blocked_tls(title, about, payload, names, extra=0, seq=1000, ack=2000, dport=443, flags="PA",
                **kind):
    inside, outside = resets(payload, seq, ack, extra, dport, **kind)
    case(title, about, tcp(payload, seq=seq, ack=ack, dport=dport, flags=flags, **kind),
         inside=[inside], outside=[outside], counters={"tls_blocked": 1, "resets_sent": 2},
         names=[(1, "tls", *n) for n in names])


def dns_cases():
    for title, qtype in (("a", 1), ("aaaa", 28), ("https", 65), ("any", 255),
                         ("txt", 16), ("cname", 5), ("ns", 2), ("unknown-type", 65280)):
        blocked_dns(f"dns-{title}", f"QTYPE {qtype} of a listed name", query(qtype=qtype))
    blocked_dns("dns-svcb", "discovery of services is told that there is none (RFC 9462 4)",
                query(qtype=64), reply={"rcode": 0})
    blocked_dns("dns-0x20", "the question comes back in the client's own spelling",
                query("WwW.bLoCkEd.ExAmPlE"))
    blocked_dns("dns-listed-itself", "the listed name, not a name below it",
                qname="blocked.example", owner_skip=0)
    blocked_dns("dns-no-recursion-desired", "RD is copied, CD is copied", query(flags=0x0010))
    blocked_dns("dns-class-any", "QCLASS ANY asks for the name too", query(qclass=255))
    cookie = b"\0\x0a\0\x08abcdefgh"
    blocked_dns("dns-edns", "OPT brings OPT with an extended error", query(opt=b""),
                reply={"opt": b""})
    blocked_dns("dns-edns-do-cookie", "DO and the cookie are echoed", query(opt=cookie, do=True),
                reply={"opt": b"", "do": True, "cookie": b"abcdefgh"})
    blocked_dns("dns-edns-unknown-option", "unknown options and padding are not echoed",
                query(opt=b"\xff\x01\0\x02xx\0\x0c\0\x03\0\0\0"), reply={"opt": b""})
    blocked_dns("dns-ipv6", "over IPv6", ipv6=True)
    blocked_dns("dns-vlan", "the tag comes back", tags=[("8100", 5)])
    blocked_dns("dns-qinq", "the tag stack comes back", tags=[("88a8", 100), ("8100", 7)])
    blocked_dns("dns-qinq-ipv6", "the tag stack comes back", tags=[("88a8", 100), ("8100", 7)],
                ipv6=True)
    blocked_dns("dns-ip-options", "IPv4 options: the answer has none",
                options=[IPOption(b"\x94\x04\0\0")])
    blocked_dns("dns-ipv6-extension", "destination options before UDP", ipv6=True,
                ext=IPv6ExtHdrDestOpt())
    a = struct.pack(">HHHIH", 0xC00C, 1, 1, 30, 4) + bytes([192, 0, 2, 80])
    page = {"dns": "address", "page_ipv4": "192.0.2.80"}
    blocked_dns("dns-address-a", "the block page's address", query(), block_answer=page,
                reply={"rcode": 0, "ancount": 1, "records": a})
    blocked_dns("dns-address-nodata", "HTTPS records would lead around the address: NODATA",
                query(qtype=65), block_answer=page, reply={"rcode": 0})
    long = ".".join(["a" * 63] * 3) + "." + "b" * 45 + ".blocked.example"
    blocked_dns("dns-longest-name", "255 octets of wire name", query(long), found=long,
                owner_skip=4 * 64 - 18)

    passed_dns("dns-permitted", "a name that no list has", query("www.example.com"),
               "dns_queries", [(1, "dns", "www.example.com", "pass")])
    passed_dns("dns-sibling", "no substring match", query("notblocked.example"), None,
               [(1, "dns", "notblocked.example", "pass")])
    passed_dns("dns-parent", "the parent of a listed name", query("example"), None,
               [(1, "dns", "example", "pass")])
    passed_dns("dns-dot-in-label", "one label with a dot is not two labels",
               query(raw_name=b"\x0fblocked.example\0"), None,
               [(1, "dns", "blocked\\046example", "pass")])
    passed_dns("dns-root", "the root", query(""), "dns_no_name")
    passed_dns("dns-response", "QR set", query(flags=0x8180), "dns_no_name")
    passed_dns("dns-update", "opcode UPDATE", query(flags=0x2800), "dns_no_name")
    passed_dns("dns-class-chaos", "class CH", query(qclass=3), "dns_no_name")
    passed_dns("dns-multicast", "mDNS group on port 53", query(), "dns_group_addressed",
               destination="224.0.0.251")
    passed_dns("dns-port-5353", "another port", query(), None, dport=5353)
    case("dns-group-by-prefix", "the staff's policy does not block the category",
         udp(query(), source="192.0.2.200"), names=[(1, "dns", "www.blocked.example", "pass")])
    case("dns-group-by-vlan", "the staff's VLAN", udp(query(), tags=[("8100", 300)]),
         names=[(1, "dns", "www.blocked.example", "pass")])
    case("dns-group-by-prefix-in-vlan", "the staff's addresses in one VLAN, another's in the next",
         [udp(query(), tags=[("8100", 301)]), udp(query(), tags=[("8100", 302)]), udp(query()),
          udp(query(), ipv6=True, tags=[("88a8", 301), ("8100", 7)]),
          udp(query(), ipv6=True, tags=[("88a8", 301), ("8100", 8)])],
         inside=[answer(query(), tags=[("8100", 302)]), answer(query()),
                 answer(query(), ipv6=True, tags=[("88a8", 301), ("8100", 8)])],
         outside=[udp(query(), tags=[("8100", 301)]),
                  udp(query(), ipv6=True, tags=[("88a8", 301), ("8100", 7)])],
         names=[(n, "dns", "www.blocked.example", verdict) for n, verdict in
                enumerate(("pass", "block", "block", "pass", "block"), 1)])
    case("dns-from-outside", "only what comes from inside is judged", [udp(query())],
         inside=[udp(query())], from_outside=[1], counters={"dns_queries": 0})


def malformed_dns_cases():
    whole = query(opt=b"\0\x0a\0\x08abcdefgh")
    passed_dns("bad-short-header", "11 octets", whole[:11], "dns_short_header")
    passed_dns("bad-empty", "no octets at all", b"", "dns_short_header")
    passed_dns("bad-qdcount-0", "no question", query(counts=(0, 0, 0, 0)), "dns_question_count")
    passed_dns("bad-pointer-self", "QNAME points to itself", query(raw_name=b"\xc0\x0c"),
               "dns_pointer")
    passed_dns("bad-pointer-loop", "a label, then a pointer back to it",
               query(raw_name=b"\x07blocked\xc0\x0c"), "dns_pointer")
    passed_dns("bad-pointer-forward", "a pointer past the message",
               query(raw_name=b"\x03www\xff\xff"), "dns_pointer")
    passed_dns("bad-label-type-01", "obsolete label type 01", query(raw_name=b"\x41abc\0"),
               "dns_label_type")
    passed_dns("bad-label-type-10", "obsolete label type 10", query(raw_name=b"\x81abc\0"),
               "dns_label_type")
    passed_dns("bad-cut-name", "the name ends with the message", whole[:20], "dns_cut_question")
    passed_dns("bad-cut-question", "QCLASS is missing", query()[:-2], "dns_cut_question")
    passed_dns("bad-name-256", "one octet too many",
               query(raw_name=b"\x3f" + b"a" * 63 + b"\x3f" + b"b" * 63 + b"\x3f" + b"c" * 63 +
                     b"\x3e" + b"d" * 62 + b"\0"), "dns_name_too_long")
    # Readable in front of the fault: judged, and the fault counted.
    for title, about, request, counter in (
            ("bad-qdcount-65535", "QDCOUNT lies", query(counts=(65535, 0, 0, 0)), "dns_cut_question"),
            ("bad-cut-opt", "OPT ends with the message", whole[:-1], "dns_cut_record"),
            ("bad-record-length", "RDLENGTH past the message", query(opt=b"")[:-2] + b"\xff\xff",
             "dns_cut_record"),
            ("bad-missing-record", "ARCOUNT 1 and no record", query(counts=(1, 0, 0, 1)),
             "dns_cut_record")):
        case(title, about, udp(request), inside=[answer(request)], outside=[],
             counters={"dns_blocked": 1, counter: 1}, names=[(1, "dns", "www.blocked.example", "block")])
    two = query(counts=(1, 0, 0, 2)) + b"\0\0\x29\x04\xd0\0\0\0\0\0\0" * 2
    case("bad-two-opts", "two OPT records", udp(two), inside=[answer(two, opt=b"")], outside=[],
         counters={"dns_blocked": 1, "dns_duplicate_opt": 1},
         names=[(1, "dns", "www.blocked.example", "block")])
    long_udp = bytearray(udp(query()))
    long_udp[39] += 20
    case("bad-udp-length", "UDP says more than IP holds", bytes(long_udp),
         counters={"frame_malformed_transport": 1})
    short_ip = bytearray(udp(query()))
    short_ip[16:18] = b"\x01\0"
    case("bad-ip-length", "IP says more than the frame holds", bytes(short_ip),
         counters={"frame_truncated": 1})


def forwarding_cases():
    big = bytes(range(256)) * 35
    case("forward-anything", "ARP, ND, LLDP, spanning tree, ICMP, tunnels: unchanged, in order", [
        bytes(Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(pdst="192.0.2.1") / Padding(b"\0" * 18)),
        bytes(Ether(src=CLIENT_MAC, dst="33:33:ff:00:00:01") / IPv6(src="2001:db8::2", dst="ff02::1:ff00:1") /
              ICMPv6ND_NS(tgt="2001:db8::1")),
        bytes(Ether(src=CLIENT_MAC, dst="01:80:c2:00:00:0e", type=0x88CC) / Raw(b"\x02\x07\x04abcdef\0\0")),
        bytes(Dot3(src=CLIENT_MAC, dst="01:80:c2:00:00:00") / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP()),
        bytes(Ether(src=CLIENT_MAC, dst=SERVER_MAC, type=0xBEEF) / Raw(b"unknown ethertype" * 4)),
        bytes(stack() / ICMP() / Raw(b"ping" * 14)),
        bytes(stack() / GRE() / IP() / UDP(dport=53) / Raw(query("ok.example"))),
        bytes(Ether(src=CLIENT_MAC, dst=SERVER_MAC) / MPLS(label=7, s=1) / IP() / UDP(dport=53) / Raw(query("ok.example"))),
        bytes(Ether(src=CLIENT_MAC, dst=SERVER_MAC) / PPPoE(sessionid=7) / PPP(proto=0x21) / IP() / UDP(dport=53) / Raw(query("ok.example"))),
        bytes(Ether(src=CLIENT_MAC, dst=SERVER_MAC)),
    ], counters={"forwarded": 10},
        names=[(n, "dns", "ok.example", "pass") for n in (7, 8, 9)])
    case("forward-tags", "up to five tags; a frame may be as long as a jumbo's",
         [udp(query("ok.example"), tags=[("8100", i) for i in range(1, n + 1)]) for n in range(1, 5)] +
         [udp(query(), tags=[("8100", i) for i in range(1, 6)])],
         names=[(n, "dns", "ok.example", "pass") for n in range(1, 5)],
         counters={"frame_too_many_headers": 1})
    case("forward-jumbo", "a frame of 9,000 octets", bytes(stack() / UDP(dport=9) / Raw(big)),
         counters={"forwarded": 1}, mtu=9000)
    case("forward-ipv6-fragment", "an IPv6 fragment",
         bytes(stack(ipv6=True) / IPv6ExtHdrFragment(m=1, id=9, nh=17) / Raw(query())),
         counters={"frame_fragment": 1})
    case("forward-two-workers", "a flow keeps its order through a second worker, both ways",
         [udp(query(f"n{n}.example"), sport=50007) for n in range(8)] + [udp(query(), sport=50007)],
         inside=[answer(query(), port=50007)],
         outside=[udp(query(f"n{n}.example"), sport=50007) for n in range(8)],
         counters={"distributed": 9, "dns_blocked": 1}, workers=2,
         names=[(n + 1, "dns", f"n{n}.example", "pass") for n in range(8)] +
         [(9, "dns", "www.blocked.example", "block")])
    case("forward-both-ways", "answers come back unchanged",
         [udp(query("ok.example")), udp(query("ok.example", flags=0x8180))],
         inside=[udp(query("ok.example", flags=0x8180))], from_outside=[2],
         names=[(1, "dns", "ok.example", "pass")])


def tls_cases():
    bad = b"www.blocked.example"
    listed = [("www.blocked.example", "block")]
    blocked_tls("tls-plain", "server_name alone", hello(sni(bad)), listed)
    blocked_tls("tls-ipv6", "over IPv6", hello(sni(bad)), listed, ipv6=True)
    blocked_tls("tls-qinq", "the tag stack stays", hello(sni(bad)), listed,
                tags=[("88a8", 100), ("8100", 7)])
    blocked_tls("tls-port-8443", "any port", hello(sni(bad)), listed, dport=8443)
    blocked_tls("tls-sequence-wrap", "sequence numbers wrap", hello(sni(bad)), listed,
                seq=0xFFFFFFF0, ack=0xFFFFFFFF)
    blocked_tls("tls-upper-case", "names are case-less", hello(sni(b"WWW.BLOCKED.EXAMPLE")), listed)
    blocked_tls("tls-trailing-dot", "one trailing dot", hello(sni(bad + b".")), listed)
    blocked_tls("tls-record-version-0304", "legacy_record_version is ignored",
                hello(sni(bad), minor=4), listed)
    blocked_tls("tls-grease-and-late", "GREASE first, the name last",
                hello(extension(0x0A0A, b""), extension(51, b"k" * 36), sni(bad)), listed)
    blocked_tls("tls-two-names", "the second of two names is listed",
                hello(sni(b"ok.example", bad)), [("ok.example", "pass"), *listed])
    blocked_tls("tls-first-segment", "the first of two segments holds the name",
                hello(sni(bad), extension(51, b"k" * 1800))[:1400], listed)
    case("tls-permitted", "a name that no list has", tcp(hello(sni(b"www.example.com"))),
         names=[(1, "tls", "www.example.com", "pass")])
    for title, about, payload, counter in (
            ("tls-no-name", "no server_name", hello(extension(43, b"\x02\x03\x04")), "tls_no_name"),
            ("tls-no-extensions", "no extensions at all", hello(), "tls_no_name"),
            ("tls-ip-literal", "an address is no name", hello(sni(b"192.0.2.1")), "tls_ip_literal"),
            ("tls-nul", "NUL in the name", hello(sni(b"blocked.example\0.ok.example")), "tls_bad_name"),
            ("tls-name-too-long", "over 253 octets", hello(sni(b"a." * 120 + b"blocked.example")),
             "tls_bad_name"),
            ("tls-cut", "the record goes on past the segment", hello(sni(bad))[:60],
             "tls_incomplete"),
            ("tls-record-too-long", "a record length that no record has",
             b"\x16\x03\x01\xff\xff" + hello(sni(bad))[5:], "tls_malformed"),
            ("tls-server-hello", "another handshake message",
             b"\x16\x03\x03\0\x10\x02" + b"\0" * 15, "tls_other_handshake"),
            ("tls-extension-length", "an extension longer than its block",
             hello(struct.pack(">HH", 0, 500) + bad), "tls_malformed")):
        case(title, about, tcp(payload), counters={counter: 1})
    case("tls-drop", "refused by silence, where the policy says so", tcp(hello(sni(bad))),
         outside=[], counters={"tls_blocked": 1, "resets_sent": 0}, block_answer={"tls": "drop"},
         names=[(1, "tls", *listed[0])])


if __name__ == "__main__":
    dns_cases()
    malformed_dns_cases()
    forwarding_cases()
    tls_cases()
    print(f"{len(list(CASES.iterdir()))} cases in {CASES}")
