#!/usr/bin/python3
"""Writes the packet cases of whole flows: names over segments, datagrams, fragments and tunnels.

Run it after changing it, as make_cases.py, whose builders it uses:
    /usr/bin/python3 tests/packet/make_flow_cases.py
"""
import pathlib
import struct
import sys

from scapy.all import (Ether, GRE, IP, IPv6, IPv6ExtHdrFragment, PPP, PPPoE, Raw, TCP,
                       UDP, fragment, fragment6)
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.vxlan import VXLAN

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import quic  # noqa: E402
from make_cases import (CLIENT_MAC, INCIDENT, SERVER_MAC, answer, case, extension,  # noqa: E402
                        hello, name, query, resets, sni, stack, tcp, udp)

BAD = b"www.blocked.example"
LISTED = "www.blocked.example"
HELLO = hello(extension(51, b"k" * 300), sni(BAD))
OK_HELLO = hello(extension(51, b"k" * 300), sni(b"www.allowed.example"))


def syn(seq=999, **kind):
    return tcp(b"", seq=seq, ack=0, flags="S", **kind)


def cut(stream, *at, seq=1000, **kind):
    """The stream as segments, cut at these offsets."""
    edges = [0, *at, len(stream)]
    return [tcp(stream[a:b], seq=(seq + a) & 0xFFFFFFFF, **kind) for a, b in zip(edges, edges[1:])]


def refused(payload, seq=1000, **kind):
    inside, outside = resets(payload, seq=seq, **kind)
    return [inside], [outside]


def blocked_stream(title, about, frames, last, protocol="tls", before=(), after=(),
                   counters=None, dport=443, passed=None):
    """Everything but frame `last` (from 1) goes on; that one is refused by resets."""
    withheld = frames[last - 1]
    segment = IP(withheld[14:])
    payload = bytes(segment[TCP].payload)
    inside, outside = resets(payload, seq=segment[TCP].seq, dport=dport)
    passed = passed or [f for n, f in enumerate(frames, 1) if n != last]
    case(title, about, frames, inside=[inside], outside=passed + [outside],
         counters={f"{protocol}_blocked": 1, **(counters or {})},
         names=[*before, (last, protocol, LISTED, "block"), *after])


def tls_cases():
    half = len(HELLO) // 2
    blocked_stream("flow-two-segments", "the name is cut over two segments",
                   cut(HELLO, len(HELLO) - 10), 2)
    blocked_stream("flow-record-header", "cut inside the record header", cut(HELLO, 3), 2)
    blocked_stream("flow-first-octet", "the first octet alone, then the rest", cut(HELLO, 1), 2)
    short = hello(sni(BAD))
    octets = cut(short, *range(1, len(short)))
    blocked_stream("flow-octet-by-octet", "one octet a segment", octets, len(short))
    frames = [syn(), *reversed(cut(HELLO, half))]
    blocked_stream("flow-out-of-order", "the second segment first, after a SYN", frames, 3)
    blocked_stream("flow-sequence-wrap", "sequence numbers wrap inside the ClientHello",
                   cut(HELLO, half, seq=0xFFFFFFF0), 2)
    records = b"".join(b"\x16\x03\x01\0\x01" + HELLO[i:i + 1] for i in range(5, len(HELLO)))
    blocked_stream("flow-octet-records", "one octet a TLS record", cut(records, 700), 2)
    between = HELLO[:3] + b"\0\x20" + HELLO[5:37] + b"\x15\x03\x01\0\x02\x01\0\x16\x03\x01\0\0" + \
        b"\x16\x03\x01" + struct.pack(">H", len(HELLO) - 37) + HELLO[37:]
    blocked_stream("flow-records-between", "an alert and an empty record between", [tcp(between)], 1)
    blocked_stream("flow-keep-alive", "a keep-alive's octet before the stream is not of it",
                   [syn(), tcp(b"\0", seq=999), tcp(HELLO)], 3)
    # Which copy the server took is not known, so that it is reset at both numbers.
    inside, outside = refused(HELLO)
    case("flow-two-versions-late", "the last copy of the octets holds the name",
         [tcp(OK_HELLO), tcp(HELLO)], inside=inside,
         outside=[tcp(OK_HELLO), *outside, resets(HELLO, seq=1000 + len(HELLO))[1]],
         names=[(1, "tls", "www.allowed.example", "pass"), (2, "tls", LISTED, "block")],
         counters={"flow_conflict": 1, "tls_blocked": 1})
    blocked_stream("flow-two-versions-early", "the first copy of the octets holds the name", [
        tcp(HELLO[:-10]), tcp(OK_HELLO[-30:-10], seq=1000 + len(HELLO) - 30),
        tcp(HELLO[-10:], seq=1000 + len(HELLO) - 10)], 3,
        after=[(3, "tls", "www.allowed.example", "pass")], counters={"flow_conflict": 1})
    again = tcp(HELLO)
    inside, outside = refused(HELLO)
    case("flow-refused-again", "a retransmitted ClientHello is refused again", [again, again],
         inside=inside * 2, outside=outside * 2, counters={"tls_blocked": 1, "flow_refused_again": 1},
         names=[(1, "tls", LISTED, "block")])
    frames = [syn(), tcp(HELLO), syn(seq=4_999_999), tcp(OK_HELLO, seq=5_000_000)]
    case("flow-new-connection", "another SYN on the same ports is another connection", frames,
         inside=inside, outside=[frames[0], *outside, *frames[2:]],
         names=[(2, "tls", LISTED, "block"), (4, "tls", "www.allowed.example", "pass")])
    retry = b"\x16\x03\x03\0\x2c\x02\0\0\x28\x03\x03" + bytes.fromhex(
        "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c") + b"\0\x13\x01\0\0\0"
    server = tcp(retry, sport=443, dport=50000, seq=2000, ack=1000 + len(OK_HELLO), reply=True)
    second = tcp(b"\x14\x03\x03\0\x01\x01" + HELLO, seq=1000 + len(OK_HELLO), ack=2000 + len(retry))
    seg = b"\x14\x03\x03\0\x01\x01" + HELLO
    inside2, outside2 = resets(seg, seq=1000 + len(OK_HELLO), ack=2000 + len(retry))
    case("flow-second-hello", "a second ClientHello after HelloRetryRequest is judged too",
         [tcp(OK_HELLO), server, second], inside=[server, inside2], outside=[tcp(OK_HELLO), outside2],
         from_outside=[2], in_order=True,
         names=[(1, "tls", "www.allowed.example", "pass"), (3, "tls", LISTED, "block")])
    done = tcp(b"\x16\x03\x03\0\x04\x02\0\0\0", sport=443, dport=50000, seq=2000,
               ack=1000 + len(OK_HELLO), reply=True)
    case("flow-server-answered", "the server's answer ends what is kept of the flow",
         [tcp(OK_HELLO), done, tcp(b"\x17\x03\x03\0\x05hello", seq=1000 + len(OK_HELLO))],
         inside=[done], from_outside=[2], in_order=True,
         names=[(1, "tls", "www.allowed.example", "pass")])
    for title, about, spoil in (
            ("flow-decoy-checksum", "a decoy with a wrong checksum is not read", "sum"),
            ("flow-decoy-no-ack", "a decoy without ACK", "ack")):
        decoy = bytearray(tcp(OK_HELLO, flags="P" if spoil == "ack" else "PA"))
        if spoil == "sum":
            decoy[50] ^= 0x55
        counter = "tcp_bad_checksum" if spoil == "sum" else "tcp_not_accepted"
        blocked_stream(title, about, [syn(), bytes(decoy), tcp(HELLO)], 3, counters={counter: 1})
    decoy = bytes(stack() / TCP(sport=50000, dport=443, seq=1000, ack=2000, flags="PA",
                                options=[(19, b"x" * 16)]) / Raw(OK_HELLO))
    inside, outside = refused(HELLO)
    case("flow-decoy-md5", "a segment with an MD5 option, which not all receivers drop",
         [syn(), decoy, tcp(HELLO)], inside=inside,
         outside=[syn(), decoy, *outside, resets(HELLO, seq=1000 + len(HELLO))[1]],
         names=[(2, "tls", "www.allowed.example", "pass"), (3, "tls", LISTED, "block")],
         counters={"flow_conflict": 1, "tls_blocked": 1})
    frames = [tcp(b"EHLO client.example\r\nSTARTTLS\r\n", dport=25),
              *cut(HELLO, half, seq=1031, dport=25)]
    blocked_stream("flow-starttls", "a ClientHello after STARTTLS, cut in two", frames, 3, dport=25)
    blocked_stream("flow-proxy-protocol", "a PROXY line before the ClientHello",
                   [syn(), tcp(b"PROXY TCP4 192.0.2.2 192.0.2.1 50000 443\r\n" + HELLO)], 2)
    v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12)
    blocked_stream("flow-proxy-protocol-v2", "the binary PROXY header", [syn(), tcp(v2 + HELLO)], 2)
    socks = b"\x05\x01\0\x03" + bytes([len(BAD)]) + BAD + b"\x01\xbb"
    frames = [syn(), tcp(b"\x05\x01\0", dport=1080), tcp(socks, seq=1003, dport=1080)]
    frames[0] = syn(dport=1080)
    blocked_stream("flow-socks5", "the name that a SOCKS client asks for", frames, 3, "socks",
                   dport=1080)
    for length, title, about, counter in (
            (16000, "flow-long-hello", "a ClientHello of 16 kB in 1,400 octet segments", None),
            (40000, "flow-too-long", "a ClientHello of 40 kB passes, counted", "flow_too_long")):
        # Two extensions: one record holds at most 16 kB.
        message = hello(extension(21, b"\0" * length), sni(BAD))[5:]
        stream = b"".join(b"\x16\x03\x01" + struct.pack(">H", len(message[i:i + 8000])) +
                          message[i:i + 8000] for i in range(0, len(message), 8000))
        frames = cut(stream, *range(1400, len(stream), 1400))
        if counter:
            case(title, about, frames, counters={"tls_blocked": 0, "tls_client_hellos": 0})
        else:
            blocked_stream(title, about, frames, len(frames))
    case("flow-strict-malformed", "a strict policy refuses what cannot be judged",
         [tcp(hello(sni(b"blocked.example\0.ok.example")))],
         inside=[resets(hello(sni(b"blocked.example\0.ok.example")))[0]],
         outside=[resets(hello(sni(b"blocked.example\0.ok.example")))[1]],
         counters={"tls_bad_name": 1, "tls_blocked": 0}, in_doubt="refuse")
    inside_alert = bytes(stack(reply=True) / TCP(sport=443, dport=50000, seq=2000,
                                                 ack=1000 + len(HELLO), flags="FPA", window=8192) /
                         Raw(b"\x15\x03\x03\0\x02\x02\x31"))
    case("flow-tls-alert", "refused by an alert, where the policy says so", [tcp(HELLO)],
         inside=[inside_alert], outside=refused(HELLO)[1], block_answer={"tls": "alert"},
         counters={"tls_blocked": 1}, names=[(1, "tls", LISTED, "block")])
    options = [("NOP", None), ("NOP", None), ("Timestamp", (7, 9))]
    frame = bytes(stack() / TCP(sport=50000, dport=443, seq=1000, ack=2000, flags="PA",
                                options=options) / Raw(HELLO))
    reply = bytes(stack(reply=True) / TCP(sport=443, dport=50000, seq=2000, ack=1000 + len(HELLO),
                                          flags="FPA", window=8192,
                                          options=[("NOP", None), ("NOP", None),
                                                   ("Timestamp", (9, 7))]) /
                  Raw(b"\x15\x03\x03\0\x02\x02\x31"))
    case("flow-timestamps", "timestamps come back in what carries data", [frame], inside=[reply],
         outside=refused(HELLO)[1], block_answer={"tls": "alert"}, counters={"tls_blocked": 1},
         names=[(1, "tls", LISTED, "block")])
    fast = tcp(HELLO, seq=999, ack=0, flags="S")
    case("flow-fast-open", "in the SYN: the client is reset, the server never hears of it", [fast],
         inside=[resets(HELLO, seq=999, ack=0, extra=1)[0]], outside=[],
         counters={"tls_blocked": 1, "resets_sent": 1}, names=[(1, "tls", LISTED, "block")])
    answered = tcp(b"", sport=443, dport=50000, seq=2000, ack=1000, flags="SA", reply=True)
    fast_ok = tcp(OK_HELLO, seq=999, ack=0, flags="S")
    inside, outside = refused(HELLO)
    case("flow-fast-open-not-taken", "data of a SYN that the server does not take comes again",
         [fast_ok, answered, tcp(HELLO)], inside=[answered, *inside], outside=[fast_ok, *outside],
         from_outside=[2], in_order=True,
         names=[(1, "tls", "www.allowed.example", "pass"), (3, "tls", LISTED, "block")])
    urgent = bytearray(tcp(HELLO[:half], flags="PAU"))
    clean = tcp(HELLO[:half])
    rest = tcp(HELLO[half:], seq=1000 + half)
    inside, outside = resets(HELLO[half:], seq=1000 + half)
    case("flow-urgent", "the urgent flag is taken off, so that all receivers read the same octets",
         [bytes(urgent), rest], inside=[inside], outside=[clean, outside],
         counters={"tls_blocked": 1, "tcp_urgent_cleared": 1},
         names=[(2, "tls", LISTED, "block")])
    bare = bytearray(tcp(b"", flags="AU"))
    blocked_stream("flow-urgent-without-octets", "the pointer of a bare ACK counts, too", [
        syn(), bytes(bare), tcp(HELLO)], 3, counters={"tcp_urgent_cleared": 1},
        passed=[syn(), tcp(b"", flags="A")])
    case("flow-unknown", "a stream of no known protocol, until its server answers", [
        syn(dport=22), tcp(b"SSH-2.0-OpenSSH_9.2\r\n", dport=22)],
        counters={"flow_unknown": 1})


def page(ordered=False, listed="blocked.example", category="gambling", head=False):
    content = ('<!doctype html><html lang="en"><meta charset="utf-8"><title>Blocked</title>'
               '<body style="font-family:sans-serif;max-width:36em;margin:3em auto"><h1>This site is '
               f'blocked here</h1><p><b>{listed}</b> is listed as <b>{category}</b> by this network.'
               "<p>If this is a mistake, tell the network's administrator or your guardian this "
               f"number: <b>{INCIDENT.decode()}</b></html>\n").encode()
    return (b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " +
            str(len(content)).encode() + b"\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n" +
            (b"" if head else content))


def http_case(title, about, pieces, before=(), after=(), dport=80, **kind):
    """Pieces of the client's stream; the last one is withheld and answered with the page."""
    frames, seq = [], 1000
    for piece in pieces:
        frames.append(tcp(piece, seq=seq, dport=dport))
        seq += len(piece)
    last = seq - len(pieces[-1])
    reply = bytes(stack(reply=True) / TCP(sport=dport, dport=50000, seq=2000, ack=seq, flags="FPA",
                                          window=8192) / Raw(page(**kind)))
    case(title, about, frames, inside=[reply],
         outside=frames[:-1] + [resets(pieces[-1], seq=last, dport=dport)[1]],
         counters={"http_blocked": 1},
         names=[*before, (len(frames), "http", LISTED, "block"), *after])


def http_cases():
    get = b"GET / HTTP/1.1\r\nHost: www.blocked.example\r\nAccept: */*\r\n\r\n"
    http_case("http-host", "the page comes in the stream", [get])
    http_case("http-host-cut", "Host is cut over two segments", [get[:35], get[35:]])
    http_case("http-octet-by-octet", "one octet a segment, up to the line behind Host",
              [get[i:i + 1] for i in range(get.index(b"Accept") + 1)])
    http_case("http-lower-case", "header names are case-less, blanks are free",
              [b"GET / HTTP/1.1\r\nhOsT:\t WWW.blocked.EXAMPLE. \r\n\r\n"])
    http_case("http-port", "a port in Host, on another port",
              [b"GET / HTTP/1.1\r\nHost: www.blocked.example:8080\r\n\r\n"], dport=8080)
    http_case("http-bare-newline", "lines that end in LF alone",
              [b"GET / HTTP/1.1\nHost: www.blocked.example\n\n"])
    absolute = b"GET http://www.blocked.example/ HTTP/1.1\r\nHost: ok.example\r\n\r\n"
    http_case("http-absolute", "the target's authority counts, whatever Host says", [absolute],
              dport=3128, after=[(1, "http", "ok.example", "pass")])
    http_case("http-head", "HEAD gets no content",
              [b"HEAD / HTTP/1.1\r\nHost: www.blocked.example\r\n\r\n"], head=True)
    http_case("http-pipelined", "the second request of a segment", [
        b"GET / HTTP/1.1\r\nHost: ok.example\r\n\r\n" + get],
        before=[(1, "http", "ok.example", "pass")])
    http_case("http-behind-a-body", "a request behind the body of another", [
        b"POST / HTTP/1.1\r\nHost: ok.example\r\nContent-Length: 10\r\n\r\n12345", b"67890" + get],
        before=[(1, "http", "ok.example", "pass")])
    chunked = b"POST / HTTP/1.1\r\nHost: ok.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    http_case("http-behind-chunks", "a request behind a chunked body, in its own segment and not", [
        chunked + b"5;x=y\r\n123", b"45\r\n0A\r\n", b"0\r\n\r\nGET /\r\n0\r\nX: y\r\n",
        b"\r\n" + get], before=[(1, "http", "ok.example", "pass")])
    connect = b"CONNECT www.blocked.example:443 HTTP/1.1\r\n\r\n"
    http_case("http-connect", "the name that a proxy's client asks for", [connect], dport=3128)
    case("http-permitted", "a name that no list has", tcp(b"GET / HTTP/1.1\r\nHost: ok.example\r\n\r\n",
                                                          dport=80),
         names=[(1, "http", "ok.example", "pass")], counters={"http_requests": 1})
    case("http-no-host", "HTTP/1.0 without Host", tcp(b"GET / HTTP/1.0\r\n\r\n", dport=80),
         counters={"http_no_name": 1})
    case("http-reset", "refused by resets, where the policy says so", [tcp(get, dport=80)],
         inside=[resets(get, dport=80)[0]], outside=[resets(get, dport=80)[1]],
         block_answer={"http": "reset"}, counters={"http_blocked": 1},
         names=[(1, "http", LISTED, "block")])
    field = b"\x41" + bytes([len(BAD)]) + BAD
    h2 = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0" +
          struct.pack(">I", len(field) + 3)[1:] + b"\x01\x05\0\0\0\x01\x82\x84\x86" + field)
    inside, outside = resets(h2, dport=80)
    case("http2-prior-knowledge", ":authority of the first request", [tcp(h2, dport=80)],
         inside=[bytes(stack(reply=True) / TCP(sport=80, dport=50000, seq=2000, ack=1000 + len(h2),
                                               flags="RA", window=0))],
         outside=[outside], counters={"http_blocked": 1}, names=[(1, "http", LISTED, "block")])


def framed(message):
    return struct.pack(">H", len(message)) + message


def dns_answer_of(request, **kind):
    """The DNS message of answer()'s frame."""
    return answer(request, **kind)[42:]


def dns_tcp_case(title, about, pieces, message, before=()):
    frames, seq = [], 1000
    for piece in pieces:
        frames.append(tcp(piece, seq=seq, dport=53))
        seq += len(piece)
    reply = bytes(stack(reply=True) / TCP(sport=53, dport=50000, seq=2000, ack=seq, flags="FPA",
                                          window=8192) / Raw(framed(message)))
    case(title, about, frames, inside=[reply],
         outside=frames[:-1] + [resets(pieces[-1], seq=seq - len(pieces[-1]), dport=53)[1]],
         counters={"dns_blocked": 1}, names=[*before, (len(frames), "dns", LISTED, "block")])


def dns_flow_cases():
    bad, ok = framed(query()), framed(query("ok.example"))
    message = dns_answer_of(query())
    dns_tcp_case("dns-tcp", "answered in the stream, then closed", [bad], message)
    dns_tcp_case("dns-tcp-length-cut", "cut inside the length", [bad[:1], bad[1:]], message)
    dns_tcp_case("dns-tcp-octet-by-octet", "one octet a segment",
                 [bad[i:i + 1] for i in range(len(bad))], message)
    dns_tcp_case("dns-tcp-pipelined", "the second query of a segment", [ok + bad], message,
                 before=[(1, "dns", "ok.example", "pass")])
    dns_tcp_case("dns-tcp-short-message", "behind a message that is shorter than a header",
                 [b"\0\3abc" + bad], message)
    dns_tcp_case("dns-tcp-later", "a query behind one that passed, cut in it",
                 [ok + bad[:9], bad[9:]], message, before=[(1, "dns", "ok.example", "pass")])
    two = query(counts=(2, 0, 0, 0)) + name("b.example") + b"\0\x01\0\x01"
    soa = message[len(query()):]
    both = message[:4] + b"\0\x02" + message[6:12] + two[12:] + soa
    case("dns-two-questions", "every question is judged; the answer repeats them all", udp(two),
         inside=[bytes(stack(reply=True) / UDP(sport=53, dport=50000) / Raw(both))], outside=[],
         counters={"dns_blocked": 1},
         names=[(1, "dns", LISTED, "block"), (1, "dns", "b.example", "pass")])

    def response(records, count, asked="www.allowed.example", qtype=1):
        return (struct.pack(">HH4H", 0x1234, 0x8180, 1, count, 0, 0) + name(asked) +
                struct.pack(">HH", qtype, 1) + records)

    def record(kind, data, owner=b"\xc0\x0c"):
        return owner + struct.pack(">HHIH", kind, 1, 300, len(data)) + data

    def replaced(asked, qtype=1):
        soa_ = name("localhost") + name("nobody.invalid") + struct.pack(">5I", 1, 3600, 600, 86400, 30)
        out = (struct.pack(">HH4H", 0x1234, 0x8183, 1, 0, 1, 0) + name(asked) +
               struct.pack(">HH", qtype, 1) + struct.pack(">HHHIH", 0xC00C, 6, 1, 30, len(soa_)) + soa_)
        return bytes(stack(reply=True) / UDP(sport=53, dport=50000) / Raw(out))

    def from_server(payload):
        return bytes(stack(reply=True, ttl=60) / UDP(sport=53, dport=50000) / Raw(payload))

    address = record(1, b"\xc0\0\x02\x50", owner=name("cdn.blocked.example"))
    chains = (
        ("dns-response-cname", "a CNAME to a listed name", record(5, name("cdn.blocked.example")) +
         address, 2, 1),
        ("dns-response-cname-packed", "the target is compressed",
         record(5, b"\x03www\x07blocked\xc0\x18"), 1, 1),
        ("dns-response-dname", "a DNAME to a listed name", record(39, name("blocked.example")), 1, 1),
        ("dns-response-https", "an HTTPS record's target",
         record(65, b"\0\x00" + name("cdn.blocked.example")), 1, 65),
    )
    for title, about, records, count, qtype in chains:
        message_ = response(records, count, qtype=qtype)
        case(title, about, from_server(message_), inside=[replaced("www.allowed.example", qtype)],
             outside=[], from_outside=[1], counters={"dns_response_blocked": 1})
    fine = from_server(response(record(5, name("cdn.allowed.example")), 1))
    case("dns-response-permitted", "a chain that no list has", fine, inside=[fine], outside=[],
         from_outside=[1], counters={"dns_responses": 1, "dns_response_blocked": 0})
    odd = from_server(response(b"", 0, asked="www.blocked.example"))
    case("dns-response-to-odd-query", "an answer to a query that could not be read", odd,
         inside=[replaced("www.blocked.example")], outside=[], from_outside=[1],
         counters={"dns_response_blocked": 1})

    # By TCP: the segment that the answer starts in, and nothing of what is before it.
    def segment(payload, seq=2000):
        return bytes(stack(reply=True, ttl=60) / TCP(sport=53, dport=50000, seq=seq, ack=1000,
                                                     flags="PA", window=8192) / Raw(payload))

    chain = response(record(5, name("cdn.blocked.example")) + record(16, b"\xff" + b"x" * 255) * 3, 4)
    plain = framed(response(record(1, b"\xc0\0\x02\x51"), 1))
    block = framed(replaced("www.allowed.example")[42:])
    for title, about, sent, passed in (
            ("dns-response-tcp", "the answer is replaced in the stream", framed(chain), []),
            ("dns-response-tcp-cut", "an answer over two segments, by the first",
             framed(chain)[:600], []),
            ("dns-response-tcp-pipelined", "the second answer of a segment",
             plain + framed(chain), []),
            ("dns-response-tcp-bare", "the length came in a segment of its own", chain,
             [segment(framed(chain)[:2], 1998)])):
        inside = bytes(stack(reply=True) / TCP(sport=53, dport=50000, seq=2000, ack=1000,
                                               flags="FPA", window=8192) / Raw(block))
        end = resets(b"", dport=53, ack=2000 + len(sent))[1]
        frames = passed + [segment(sent)]
        case(title, about, frames, inside=passed + [inside], outside=[end],
             from_outside=list(range(1, len(frames) + 1)), counters={"dns_response_blocked": 1})


def https(payload):
    return udp(payload, dport=443)


def quic_cases():
    kinds = (("quic-v1", "version 1", quic.V1, {}), ("quic-v2", "version 2 (RFC 9369)", quic.V2, {}),
             ("quic-draft-29", "draft 29", quic.DRAFT29, {}),
             ("quic-port-8443", "another port", quic.V1, {"dport": 8443}),
             ("quic-token", "a token of 300 octets", quic.V1, {"token": b"t" * 300}))
    message = HELLO[5:]
    for title, about, version, extra in kinds:
        dport = extra.pop("dport", 443)
        datagram = quic.initial(version, [quic.crypto(0, message)], **extra)
        case(title, about, udp(datagram, dport=dport), inside=[quic_close(version, dport)], outside=[],
             counters={"quic_blocked": 1, "resets_sent": 1}, names=[(1, "quic", LISTED, "block")])
    shuffled = [quic.PING, quic.crypto(200, message[200:]), quic.PADDING * 7,
                *[quic.crypto(i, message[i:i + 1]) for i in range(199, -1, -1)]]
    case("quic-shuffled", "CRYPTO of one octet each, in reverse, with PING and PADDING between",
         https(quic.initial(quic.V1, shuffled)), inside=[quic_close(quic.V1)], outside=[],
         counters={"quic_blocked": 1}, names=[(1, "quic", LISTED, "block")])
    first = https(quic.initial(quic.V1, [quic.crypto(len(message) - 9, message[-9:])]))
    second = https(quic.initial(quic.V1, [quic.crypto(0, message[:-9])], number=1))
    case("quic-two-datagrams", "the name is cut over two datagrams, the later part first",
         [first, second], inside=[quic_close(quic.V1)], outside=[first], counters={"quic_blocked": 1},
         names=[(2, "quic", LISTED, "block")])
    both = (quic.initial(quic.V1, [quic.crypto(0, message[:300])], size=0) +
            quic.initial(quic.V1, [quic.crypto(300, message[300:])], number=1))
    case("quic-coalesced", "two Initials in one datagram", https(both), inside=[quic_close(quic.V1)],
         outside=[], counters={"quic_blocked": 1}, names=[(1, "quic", LISTED, "block")])
    bad = bytearray(quic.initial(quic.V1, [quic.crypto(0, OK_HELLO[5:])]))
    bad[-1] ^= 1
    good = https(quic.initial(quic.V1, [quic.crypto(0, message)]))
    case("quic-bad-tag-first", "a decoy that no key opens says nothing", [https(bytes(bad)), good],
         inside=[quic_close(quic.V1)], outside=[https(bytes(bad))],
         counters={"quic_blocked": 1, "quic_unopened": 1}, names=[(2, "quic", LISTED, "block")])
    start = https(quic.initial(quic.V1, [quic.crypto(0, message[:100])]))
    retried = https(quic.initial(quic.V1, [quic.crypto(0, message)], destination=b"retried!",
                               token=b"token"))
    case("quic-retry", "after a Retry: other keys, the stream from 0 again", [start, retried],
         inside=[quic_close(quic.V1, destination=b"retried!")], outside=[start],
         counters={"quic_blocked": 1}, names=[(2, "quic", LISTED, "block")])
    ack = b"\x02\0\0\0\0"
    answered = quic.server_initial(quic.V1, [ack, quic.PADDING * 40], b"server-s")
    answer_ = bytes(stack(reply=True) / UDP(sport=443, dport=50000) / Raw(answered))
    rest = https(quic.initial(quic.V1, [quic.crypto(100, message[100:])], number=1))
    close = quic.close(quic.V1, quic.DESTINATION, b"blocked by policy", source=b"server-s")
    close = bytes(stack(reply=True) / UDP(sport=443, dport=50000) / Raw(close))
    case("quic-server-answered", "once the server has answered, the client takes a close in its id only",
         [start, answer_, rest], inside=[answer_, close], outside=[start], from_outside=[2],
         in_order=True, counters={"quic_blocked": 1}, names=[(3, "quic", LISTED, "block")])
    short = https(b"\x40" + bytes(40))
    case("quic-refused-again", "the flow stays refused: every Initial is answered, the rest dropped",
         [good, good, short], inside=[quic_close(quic.V1)] * 2, outside=[],
         counters={"quic_blocked": 1}, names=[(1, "quic", LISTED, "block")])
    case("quic-drop", "refused by silence, where the policy says so", good, outside=[],
         block_answer={"quic": "drop"}, counters={"quic_blocked": 1, "resets_sent": 0},
         names=[(1, "quic", LISTED, "block")])
    case("quic-permitted", "a name that no list has",
         https(quic.initial(quic.V1, [quic.crypto(0, OK_HELLO[5:])])),
         names=[(1, "quic", "www.allowed.example", "pass")], counters={"quic_client_hellos": 1})
    unknown = bytearray(quic.initial(quic.V1, [quic.crypto(0, message)]))
    unknown[1:5] = b"\x1a\x2a\x3a\x4a"
    case("quic-reserved-version", "a reserved version forces negotiation: no server acts on it",
         https(bytes(unknown)), counters={"quic_initials": 0, "quic_unknown_version": 0})
    unknown[1:5] = b"\0\0\0\x02"
    case("quic-unknown-version", "a version that is not known: nothing in it can be read",
         https(bytes(unknown)), counters={"quic_unknown_version": 1})
    case("quic-unknown-version-strict", "a strict policy leaves no way past but a known version",
         https(bytes(unknown)), outside=[], counters={"quic_unknown_version": 1},
         in_doubt="refuse")


def quic_close(version, dport=443, destination=quic.DESTINATION, **kind):
    payload = quic.close(version, destination, b"blocked by policy")
    return bytes(stack(reply=True, **kind) / UDP(sport=dport, dport=50000) / Raw(payload))


def encapsulations():
    """(title, about, make(inner IP packet, is reply) -> frame)."""
    def link(reply, ethertype=None):
        kind = {} if ethertype is None else {"type": ethertype}
        return Ether(src=SERVER_MAC, dst=CLIENT_MAC, **kind) if reply else Ether(
            src=CLIENT_MAC, dst=SERVER_MAC, **kind)

    def outer(reply, **kind):
        a, b = ("198.51.100.1", "198.51.100.2") if not reply else ("198.51.100.2", "198.51.100.1")
        return IP(src=a, dst=b, id=3, ttl=61, **kind)

    def outer6(reply):
        a, b = ("2001:db8:1::1", "2001:db8:1::2")
        return IPv6(src=b if reply else a, dst=a if reply else b, hlim=61)

    yield ("mpls", "two labels", lambda ip, r: link(r, 0x8847) / MPLS(label=7, s=0, ttl=9) /
           MPLS(label=8, s=1, ttl=9) / ip)
    yield ("pppoe", "a PPPoE session", lambda ip, r: link(r, 0x8864) / PPPoE(sessionid=5) /
           PPP(proto=0x21) / ip)
    yield ("gre", "GRE with a key and a checksum", lambda ip, r: link(r) / outer(r) /
           GRE(chksum_present=1, key_present=1, key=77) / ip)
    yield ("ip-in-ip", "IP in IP", lambda ip, r: link(r) / outer(r, proto=4) / ip)
    yield ("4in6", "IPv4 in IPv6", lambda ip, r: link(r) / outer6(r) / ip)
    yield ("vxlan", "VXLAN", lambda ip, r: link(r) / outer(r) / UDP(sport=40000, dport=4789, chksum=0) /
           VXLAN(vni=5) / link(r) / ip)
    yield ("geneve", "Geneve", lambda ip, r: link(r) / outer(r) /
           UDP(sport=40000, dport=6081, chksum=0) / GENEVE(proto=0x6558, vni=5) / link(r) / ip)
    yield ("gtp", "GTP-U", lambda ip, r: link(r) / outer(r) / UDP(sport=2152, dport=2152, chksum=0) /
           GTP_U_Header(teid=9, gtp_type=255) / ip)


def tunnel_cases():
    asked, got = stack() / UDP(sport=50000, dport=53) / Raw(query()), IP(answer(query())[14:])
    for title, about, make in encapsulations():
        frame = bytes(make(asked[IP].copy(), False))
        case(f"tunnel-{title}-dns", f"{about}: the answer comes back in the same", frame,
             inside=[bytes(make(got.copy(), True))], outside=[], counters={"dns_blocked": 1},
             names=[(1, "dns", LISTED, "block")])
        frame = bytes(make(IP(tcp(HELLO)[14:]), False))
        inside, outside = (IP(f[14:]) for f in resets(HELLO))
        case(f"tunnel-{title}-tls", f"{about}: the resets go in the same", frame,
             inside=[bytes(make(inside, True))], outside=[bytes(make(outside, False))],
             counters={"tls_blocked": 1}, names=[(1, "tls", LISTED, "block")])
    inner = IPv6(src="2001:db8::2", dst="2001:db8::1", hlim=57) / UDP(sport=50000, dport=53) / Raw(query())
    got6 = IPv6(answer(query(), ipv6=True)[14:])
    head = [Ether(src=CLIENT_MAC, dst=SERVER_MAC) / IP(src="198.51.100.1", dst="198.51.100.2", id=3, ttl=61),
            Ether(src=SERVER_MAC, dst=CLIENT_MAC) / IP(src="198.51.100.2", dst="198.51.100.1", id=3, ttl=61)]
    case("tunnel-6in4-dns", "IPv6 in IPv4", bytes(head[0] / inner), inside=[bytes(head[1] / got6)],
         outside=[], counters={"dns_blocked": 1}, names=[(1, "dns", LISTED, "block")])


def fragment_cases():
    long = query() + b"\0" * 2900
    whole = stack() / UDP(sport=50000, dport=53) / Raw(long)
    pieces = [bytes(p) for p in fragment(whole, 1400)]
    case("fragments-in-order", "the last fragment is withheld and answered", pieces,
         inside=[answer(query())], outside=pieces[:-1],
         counters={"dns_blocked": 1, "fragment_datagrams": 1},
         names=[(len(pieces), "dns", LISTED, "block")])
    back = list(reversed(pieces))
    case("fragments-reversed", "the first fragment last", back, inside=[answer(query())],
         outside=back[:-1], counters={"dns_blocked": 1}, names=[(len(pieces), "dns", LISTED, "block")])
    between = [udp(b"not of interest", dport=9)] * 40  # so that the copy comes in a later burst
    case("fragments-again", "a fragment of a refused datagram is withheld",
         pieces + between + [pieces[-1]], inside=[answer(query())], outside=pieces[:-1] + between,
         counters={"dns_blocked": 1, "fragment_refused_again": 1},
         names=[(len(pieces), "dns", LISTED, "block")])
    other = [bytes(p) for p in fragment(stack() / UDP(sport=50000, dport=53) /
                                        Raw(query("www.allowed.example") + b"\0" * 2900), 1400)]
    case("fragments-overlap", "fragments that contradict each other: the datagram ends there",
         [pieces[0], other[0], *pieces[1:]], outside=[pieces[0]],
         counters={"fragment_overlap": len(pieces), "dns_queries": 0})
    same = [bytes(p) for n in range(3) for p in fragment(
        stack() / UDP(sport=50000 + n, dport=53) / Raw(query(f"n{n}.example") + bytes([n]) * 2900), 1400)]
    case("fragments-same-identification", "datagrams after each other may have one identification",
         same, counters={"fragment_overlap": 0},
         # Each fragment is read in the place of the one of the datagram before, too.
         names=[(packet, "dns", f"n{n}.example", "pass") for packet, n in
                ((3, 0), (4, 1), (5, 1), (6, 1), (7, 2), (8, 2), (9, 2))])
    end = [bytes(p) for p in fragment(stack() / UDP(sport=50000, dport=53) /
                                      Raw(query() + b"\0" * 2899 + b"x"), 1400)]
    case("fragments-another-end", "another last fragment cannot complete what was refused",
         [*pieces, end[-1]], inside=[answer(query())], outside=pieces[:-1],
         counters={"dns_blocked": 1, "fragment_refused_again": 1},
         names=[(len(pieces), "dns", LISTED, "block"), (len(pieces) + 1, "dns", LISTED, "block")])
    decoy = bytearray(other[0])
    decoy[24] ^= 0x55  # the header's checksum
    case("fragments-bad-checksum", "a fragment with a wrong header checksum is part of no datagram",
         [bytes(decoy), *pieces], inside=[answer(query())], outside=[bytes(decoy), *pieces[:-1]],
         counters={"dns_blocked": 1, "fragment_bad_checksum": 1},
         names=[(len(pieces) + 1, "dns", LISTED, "block")])
    case("fragments-in-place", "a datagram is read anew where another fragment may stand in its place",
         [*pieces[1:], other[0], pieces[0]], inside=[answer(query())],
         outside=[*pieces[1:], other[0]], counters={"dns_blocked": 1},
         names=[(len(pieces), "dns", "www.allowed.example", "pass"),
                (len(pieces) + 1, "dns", LISTED, "block")])
    tiny = [bytes(p) for p in fragment(stack() / TCP(sport=50000, dport=443, seq=1000, ack=2000,
                                                     flags="PA") / Raw(HELLO), 8)]
    inside, outside = resets(HELLO)
    case("fragments-tiny", "fragments of eight octets: the TCP header itself is cut", tiny,
         inside=[inside], outside=tiny[:-1] + [outside], counters={"tls_blocked": 1},
         names=[(len(tiny), "tls", LISTED, "block")])
    six = stack(ipv6=True) / IPv6ExtHdrFragment(id=5) / UDP(sport=50000, dport=53) / Raw(long)
    pieces6 = [bytes(p) for p in fragment6(six, 1400)]
    case("fragments-ipv6", "over IPv6", pieces6, inside=[answer(query(), ipv6=True)],
         outside=pieces6[:-1], counters={"dns_blocked": 1},
         names=[(len(pieces6), "dns", LISTED, "block")])
    fine = [bytes(p) for p in fragment(stack() / UDP(sport=50000, dport=53) /
                                       Raw(query("www.allowed.example") + b"\0" * 2900), 1400)]
    case("fragments-permitted", "fragments leave as they came", fine,
         names=[(len(fine), "dns", "www.allowed.example", "pass")],
         counters={"frame_fragment": len(fine), "fragment_datagrams": 1})


if __name__ == "__main__":
    tls_cases()
    http_cases()
    dns_flow_cases()
    quic_cases()
    tunnel_cases()
    fragment_cases()
