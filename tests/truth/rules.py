"""What is compared, and what explains a difference. Each rule looks at the mutant's own octets."""
import ipaddress
import re
import struct

import seeds

HOST = re.compile(r"([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
BLANKS = " \t\n\v\f\r"


def normal(name, protocol):
    """Lower case, without blanks around it or one dot behind, and with U+FFFD for octets above 126,
    as tshark has them; None for the root and addresses. What Sluice says of DNS has a dot for a dot
    or an octet 1 within a label (name::from_wire)."""
    name = re.sub("[A-Z]+", lambda m: m[0].lower(), name)
    name = re.sub("[\x7f-\U0010ffff]", "\ufffd", name)
    name = name.replace("\x01", ".") if protocol.startswith("dns") else name.strip(BLANKS)
    name = name[:-1] if name.endswith(".") and not protocol.startswith("dns") else name
    try:
        ipaddress.ip_address(name)
        return None
    except ValueError:
        return None if name in ("", "<root>") else name


def is_host(name):
    return len(name) <= 253 and HOST.fullmatch(name) is not None


def differences(flow):
    """miss: a server acts on a name that Sluice does not see. unseen: only tshark sees it. extra:
    only Sluice does."""
    ours, tshark, server = (flow.names[r] for r in ("sluice", "tshark", "server"))
    for name in sorted(server - ours):
        yield "miss", name
    for name in sorted(tshark - ours - server):
        yield "unseen", name
    for name in sorted(ours - tshark - server - flow.names["records"]):
        yield "extra", name


# TLS and QUIC


def handshake(flow):
    """The handshake octets of records or CRYPTO frames, as far as they follow each other."""
    if flow.protocol == "quic":
        return seeds.crypto_stream(flow.message)[0]
    out, at, stream = b"", 0, flow.message
    while at + 5 <= len(stream):
        length, = struct.unpack_from(">H", stream, at + 3)
        if stream[at] == 22:
            out += stream[at + 5:at + 5 + length]
        at += 5 + length
    return out


def suites_and_compressions(message):
    at = 39 + message[38]
    length, = struct.unpack_from(">H", message, at)
    return length, message[at + 2 + length]


def hello_fault(flow, name):
    message = handshake(flow)
    if message[:1] != b"\x01":
        return "another message first: servers end the connection"
    try:
        suites, compressions = suites_and_compressions(message)
    except (IndexError, struct.error):
        suites, compressions = 2, 1
    if suites == 0 or suites % 2 != 0:
        return "no cipher suites or half a one: decode_error"
    if compressions == 0:
        return "no compression method: decode_error"
    octets = name.encode("latin-1", "replace")
    if re.search(rb"[^\0]" + re.escape(struct.pack(">H", len(octets)) + octets), message):
        return "name_type is not host_name: servers skip it or abort"
    if octets + b"\0" in message.lower() or octets + b".\0" in message.lower():
        return "tshark's text ends at a NUL"
    return None


def hello_extra(flow, name):
    """A name that Sluice alone tells has to stand in a server_name entry, at least."""
    message = handshake(flow).lower()
    octets = name.encode()
    if not any(b"\0" + struct.pack(">H", len(octets + end)) + octets + end in message
               for end in (b"", b".")):
        return None
    if flow.protocol == "tls" and flow.message[1] != 3:
        return "a record version that only Go's servers take"
    if len(message) < 4 + int.from_bytes(message[1:4], "big"):
        return "the message is not whole: told as soon as it is readable"
    if flow.protocol == "quic" and not seeds.crypto_stream(flow.message)[1]:
        return "a fault in the frames behind it: told as soon as it is readable"
    return "a fault elsewhere in the message: what is readable counts"


# DNS


def name_at(message, at, hops=0):
    """(labels, end), pointers followed; None where it breaks off."""
    labels, octets = [], 0
    while at < len(message):
        length = message[at]
        if length >= 0xC0:
            if at + 1 >= len(message) or hops > 16:
                return None
            rest = name_at(message, (length & 0x3F) << 8 | message[at + 1], hops + 1)
            return rest and (labels + rest[0], at + 2)
        if length > 63:
            return None
        if length == 0:
            return labels, at + 1
        labels.append(message[at + 1:at + 1 + length])
        octets += 1 + length
        at += 1 + length
    return None


def text(labels):
    return ".".join(label.decode("latin-1") for label in labels)


def dns_fault(flow, name):
    message = flow.message
    if len(message) < 12:
        return "shorter than a header"
    if message[2] >> 7 != (flow.protocol == "dns-response"):
        return "a query from, or an answer to, the server's port"
    if message[2] & 0x78:
        return "not a standard query: nobody asks for that name"
    questions, = struct.unpack_from(">H", message, 4)
    if flow.protocol == "dns-response" and questions != 1:
        return "an answer to other than one question"
    if questions == 0:
        return "no question"
    question = name_at(message, 12)
    if question is None:
        return "the first name breaks off, or has an unknown label type"
    if sum(1 + len(label) for label in question[0]) + 1 > 255:
        return "a name of over 255 octets"
    if len(message) < question[1] + 4:
        return "the question breaks off"
    if flow.protocol == "dns-response" and not question[0]:
        return "an answer about the root: a client that asked for a name drops it"
    klass, = struct.unpack_from(">H", message, question[1] + 2)
    if klass not in (1, 255) and questions == 1:
        return "a class that leads to no address"
    if "\ufffd" in name and normal(text(question[0]), flow.protocol) in flow.names["sluice"]:
        return "tshark's text of octets above 126"
    return None


def dns_extra(flow, name):
    """A name that Sluice alone tells has to be the first question's, at least."""
    question = name_at(flow.message, 12)
    if question is None or normal(text(question[0]), flow.protocol) != name:
        return None
    return "a pointer that others refuse: followed as BIND and dnsmasq do"


def explanation(flow, what, name):
    """The rule that explains the difference, or None."""
    if flow.protocol in ("tls", "quic"):
        if what == "extra":
            return hello_extra(flow, name)
        if not is_host(name):
            return "no host name: other octets, an empty label, or too long"
        return hello_fault(flow, name) if what == "unseen" else None
    return dns_extra(flow, name) if what == "extra" else dns_fault(flow, name)
