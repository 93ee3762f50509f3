"""Messages with something changed: what differential.py shows to Sluice and to its judges.

Every function is a generator of (what was changed, octets), and takes a random.Random: the same
mutants on every run.
"""
import struct

SERVER_NAME = 0
# Names that hide behind the message's own, where a reader takes the wrong one of two.
OTHER = b"other.example"


def u8(value):
    return bytes([value & 0xFF])


def u16(value):
    return struct.pack(">H", value & 0xFFFF)


def u24(value):
    return struct.pack(">I", value & 0xFFFFFF)[1:]


def at_random(data, chance, places, count):
    """Octets changed at some of `places`: a bit, or to a value where parsers have their edges."""
    for _ in range(count):
        at = chance.choice(places)
        changed = bytearray(data)
        how = chance.choice(("bit", "bit", 0, 1, 255, "+1", "-1"))
        if how == "bit":
            changed[at] ^= 1 << chance.randrange(8)
        elif isinstance(how, int):
            changed[at] = how
        else:
            changed[at] = (changed[at] + int(how)) & 0xFF
        yield f"octet {at}: {how}", bytes(changed)


def cut_and_longer(data, chance, places, count):
    for at in chance.sample(places, min(count, len(places))):
        yield f"cut to {at}", data[:at]
    for octets in (1, 2, 4, 40):
        yield f"{octets} octets more", data + chance.randbytes(octets)
        yield f"{octets} zeros more", data + bytes(octets)


def server_name(names, kind=0):
    entries = b"".join(u8(kind) + u16(len(name)) + name for name in names)
    return u16(len(entries)) + entries


class Hello:
    """A ClientHello in parts: RFC 8446 4.1.2. Raises ValueError where it is none."""

    def __init__(self, message):
        try:
            self.read(message)
        except (IndexError, struct.error) as error:
            raise ValueError(str(error)) from error

    def read(self, message):
        if message[0] != 1 or len(message) != 4 + int.from_bytes(message[1:4], "big"):
            raise ValueError("not a ClientHello")
        self.message = message
        self.version, self.random = message[4:6], message[6:38]
        self.lengths = [(1, 3)]  # (offset, octets) of every length field
        at = 38
        self.session, at = self.vector(at, 1)
        self.suites, at = self.vector(at, 2)
        self.compressions, at = self.vector(at, 1)
        _, end = self.vector(at, 2)
        if end != len(message):
            raise ValueError("octets behind the extensions")
        self.extensions, at = [], at + 2
        while at < end:
            kind, = struct.unpack_from(">H", message, at)
            data, after = self.vector(at + 2, 2)
            if kind == SERVER_NAME:
                self.name_at = (at, after)
                self.lengths += [(at + 4, 2), (at + 7, 2)]
                self.name = data[5:]
            self.extensions.append((kind, data))
            at = after
        if not self.name:
            raise ValueError("no name")

    name, name_at = b"", (0, 0)

    def vector(self, at, octets):
        length = int.from_bytes(self.message[at:at + octets], "big")
        self.lengths.append((at, octets))
        at += octets
        if at + length > len(self.message):
            raise ValueError("cut")
        return self.message[at:at + length], at + length

    def built(self, extensions=None, tail=b"", **parts):
        """The message with other parts, its lengths made right again."""
        get = lambda name: parts.get(name, getattr(self, name))  # noqa: E731
        body = b"".join(u16(kind) + u16(len(data)) + data
                        for kind, data in (self.extensions if extensions is None else extensions))
        out = (get("version") + get("random") + u8(len(get("session"))) + get("session") +
               u16(len(get("suites"))) + get("suites") + u8(len(get("compressions"))) +
               get("compressions") + u16(len(body)) + body + tail)
        return b"\x01" + u24(len(out)) + out


def hello_parts(hello, chance):
    """Other values of the fields that servers look at differently, and their edges."""
    for version in (0x0000, 0x0002, 0x0200, 0x02FF, 0x0300, 0x0301, 0x0304, 0x03FF, 0x0400, 0x7F1C,
                    0xFEFD, 0xFFFF):
        yield f"version {version:04x}", hello.built(version=u16(version))
    for octets in (0, 1, 31, 32, 33, 48, 255):
        yield f"session id of {octets}", hello.built(session=chance.randbytes(octets))
    yield "no cipher suites", hello.built(suites=b"")
    yield "half a cipher suite more", hello.built(suites=hello.suites + b"\0")
    yield "many cipher suites", hello.built(suites=hello.suites + 300 * b"\x1a\x1a")
    yield "no compression", hello.built(compressions=b"")
    yield "compressions 1, 0", hello.built(compressions=b"\x01\0")
    yield "compression 1", hello.built(compressions=b"\x01")
    for octets in (1, 2, 3, 4, 8):
        yield f"{octets} octets behind the extensions", hello.built(tail=bytes(octets))
    yield "no extensions", hello.built(extensions=[])


def hello_extensions(hello, chance):
    others = [e for e in hello.extensions if e[0] != SERVER_NAME]
    name = (SERVER_NAME, server_name([hello.name]))
    hidden = (SERVER_NAME, server_name([OTHER]))
    yield "name first", hello.built([name] + others)
    yield "name last", hello.built(others + [name])
    yield "name twice", hello.built([name] + others + [name])
    yield "another name before", hello.built([hidden] + others + [name])
    yield "another name behind", hello.built([name] + others + [hidden])
    yield "no name", hello.built(others)
    for _ in range(2):
        shuffled = list(hello.extensions)
        chance.shuffle(shuffled)
        yield "shuffled", hello.built(shuffled)
        one = chance.choice(hello.extensions)
        yield f"extension {one[0]} twice", hello.built(hello.extensions + [one])
    yield "an empty unknown one", hello.built([(0x4A4A, b"")] + hello.extensions)
    yield "a long unknown one", hello.built([(0x4A4A, bytes(3000))] + hello.extensions)
    yield "many unknown ones", hello.built([(0x4A00 + i, b"") for i in range(70)] + [name] + others)
    good = server_name([hello.name])
    for what, data in (
            ("empty", b""), ("an empty list", u16(0)), ("an empty name", server_name([b""])),
            ("one octet", b"\0"), ("two names", server_name([hello.name, OTHER])),
            ("two names, ours last", server_name([OTHER, hello.name])),
            ("another type", server_name([hello.name], 1)),
            ("another type before", u16(4 + len(good) - 2) + b"\x07" + u16(1) + b"x" + good[2:]),
            ("another type behind", u16(4 + len(good) - 2) + good[2:] + b"\x07" + u16(1) + b"x"),
            ("octets behind the list", good + b"\0\0\0"),
            ("name twice", server_name(2 * [hello.name])),
            ("a list length of 0", u16(0) + good[2:]),
            ("a list length too great", u16(999) + good[2:]),
            ("a list length too small", u16(len(good) - 4) + good[2:]),
            ("upper case", server_name([hello.name.upper()])),
            ("a dot behind", server_name([hello.name + b"."])),
            ("a dot before", server_name([b"." + hello.name])),
            ("a NUL behind", server_name([hello.name + b"\0"])),
            ("a NUL within", server_name([hello.name + b"\0.example"])),
            ("a blank behind", server_name([hello.name + b" "])),
            ("an underscore", server_name([b"a_b." + hello.name])),
            ("255 octets", server_name([(b"a" * 61 + b".") * 4 + b"example"])),
            ("256 octets", server_name([(b"a" * 61 + b".") * 4 + b"examples"])),
            ("a label of 64", server_name([b"a" * 64 + b".example"])),
            ("one label", server_name([b"localhost"]))):
        yield "name: " + what, hello.built(
            [(kind, data if kind == SERVER_NAME else old) for kind, old in hello.extensions])


def hellos(message, chance):
    """ClientHello messages."""
    hello = Hello(message)
    yield "as it is", message
    for at, octets in hello.lengths:
        value = int.from_bytes(message[at:at + octets], "big")
        for step in (-1, 1):
            changed = ((value + step) % (1 << 8 * octets)).to_bytes(octets, "big")
            yield f"length at {at}: {step:+}", message[:at] + changed + message[at + octets:]
    begin, end = hello.name_at
    near = list(range(begin, end)) + list(range(6)) + list(range(38, min(48, len(message))))
    yield from at_random(message, chance, near, 16)
    yield from at_random(message, chance, range(len(message)), 12)
    yield from hello_parts(hello, chance)
    yield from hello_extensions(hello, chance)


def record(fragment, version=0x0301, kind=22):
    return u8(kind) + u16(version) + u16(len(fragment)) + fragment


def records(message, chance):
    """The message in TLS records, RFC 8446 5.1: streams."""
    for what, changed in hellos(message, chance):
        yield what, record(changed)
    yield from cut_and_longer(record(message), chance, range(1, len(message) + 5), 6)
    yield from at_random(record(message), chance, range(9), 8)
    for version in (0x0000, 0x0200, 0x0300, 0x0304, 0x03FF, 0x0401, 0x0F03, 0x1003):
        yield f"record version {version:04x}", record(message, version)
    for kind in (0, 20, 21, 23, 24):
        yield f"record type {kind}", record(message, kind=kind)
    for at in (1, 4, 5, len(message) // 2, len(message) - 1):
        first, rest = record(message[:at]), record(message[at:])
        yield f"two records at {at}", first + rest
        yield f"an alert between, at {at}", first + record(b"\x01\0", kind=21) + rest
        yield f"an empty record between, at {at}", first + record(b"") + rest
        yield f"records changed over, at {at}", rest + first
    yield "records of 64", b"".join(
        record(message[at:at + 64]) for at in range(0, len(message), 64))
    for count in (1, 16, 17, 32):
        yield f"{count} empty records before", count * record(b"") + record(message)
    yield "empty records behind each octet", b"".join(
        record(message[at:at + 1]) + 2 * record(b"") for at in range(60)) + record(message[60:])
    yield "an alert before", record(b"\x01\0", kind=21) + record(message)
    yield "a ChangeCipherSpec before", record(b"\x01", kind=20) + record(message)
    yield "a HelloRequest before", record(bytes(4)) + record(message)
    yield "a HelloRequest before, in the record", record(bytes(4) + message)
    yield "twice", 2 * record(message)
    yield "twice in the record", record(2 * message)
    yield "another message behind, in the record", record(message + b"\x0b\0\0\x01\0")


def varint(value, octets):
    return (value | {1: 0, 2: 1, 4: 2, 8: 3}[octets] << (8 * octets - 2)).to_bytes(octets, "big")


def crypto(message, at, end, octets=2):
    return b"\x06" + varint(at, octets) + varint(end - at, octets) + message[at:end]


def frames(message, chance):
    """The message in QUIC's frames, RFC 9000 19: payloads of an Initial."""
    end = len(message)
    whole = crypto(message, 0, end)
    for what, changed in hellos(message, chance):
        yield what, crypto(changed, 0, len(changed))
    yield from at_random(whole, chance, range(5), 8)
    for octets in (4, 8):
        yield f"integers of {octets}", crypto(message, 0, end, octets)
    for at in (1, 4, end // 2, end - 1):
        first, rest = crypto(message, 0, at), crypto(message, at, end)
        yield f"two frames at {at}", first + rest
        yield f"frames changed over, at {at}", rest + first
        yield f"PING and PADDING between, at {at}", first + b"\x01\0\0\0" + rest
        yield f"a gap at {at}", first + crypto(message, at + 1, end)
        yield f"an overlap at {at}", crypto(message, 0, min(at + 8, end)) + rest
        yield f"an empty frame at {at}", first + crypto(message, at, at) + rest
    yield "twice", 2 * whole
    for what, other in (("ACK", b"\x02\0\0\0\0"),
                        ("ACK of two ranges", b"\x02\x09\0\x01\0\x01\x01"),
                        ("ACK with ECN", b"\x03\0\0\0\0\0\0\0"), ("CLOSE", b"\x1c\0\0\0"),
                        ("PING", b"\x01"), ("PADDING", bytes(9)), ("long PING", b"\x40\x01"),
                        ("long CRYPTO of 0", b"\x40\x06\0\0"), ("a cut ACK", b"\x02\0"),
                        ("STREAM", b"\x08\0"), ("HANDSHAKE_DONE", b"\x1e"), ("unknown", b"\x2f\0")):
        yield f"{what} before", other + whole
        yield f"{what} behind", whole + other
    for octets in (1, 4, 20, end // 2):
        yield f"cut by {octets}", whole[:-octets]


def labels_of(message, at=12):
    """The labels at `at` and where they end; ValueError where there is a pointer."""
    labels = []
    while message[at] != 0:
        if message[at] > 63:
            raise ValueError("not a plain name")
        labels.append(message[at + 1:at + 1 + message[at]])
        at += 1 + message[at]
    return labels, at + 1


def wire(labels):
    return b"".join(u8(len(label)) + label for label in labels) + b"\0"


def dns(message, chance):
    """DNS messages, RFC 1035 4.1, from one with a single question."""
    labels, end = labels_of(message)
    if message[4:6] != b"\0\x01" or not labels or len(message) < end + 4:
        raise ValueError("not one question")
    head, question, rest = message[:12], message[12:end + 4], message[end + 4:]
    kind = question[-4:]
    yield "as it is", message
    yield from at_random(message, chance, range(2, end + 4), 16)
    if rest:
        yield from at_random(message, chance, range(end + 4, len(message)), 12)
    yield from cut_and_longer(message, chance, range(1, len(message)), 8)
    yield "cut behind the question", head + question
    at = 12
    for number, label in enumerate(labels):
        for step in (-1, 1):
            yield f"length of label {number}: {step:+}", (
                message[:at] + u8(message[at] + step) + message[at + 1:])
        at += 1 + len(label)
    for at in range(4, 12, 2):
        value, = struct.unpack_from(">H", message, at)
        for other in {value + 1, value - 1, 0, 255, 65535} - {value, -1}:
            yield f"count at {at}: {other}", message[:at] + u16(other) + message[at + 2:]
    for other in (labels[::-1], labels + labels[-1:], labels[:1] + labels, [b"a" * 63] + labels,
                  [b"a." + labels[0]] + labels[1:], [b"\0" + labels[0]] + labels[1:],
                  4 * [b"a" * 60] + labels, [b"a" * 64] + labels, 120 * [b"a"] + labels, [],
                  [label.upper() for label in labels], [b""] + labels):
        yield f"{len(other)} labels", head + wire(other) + kind + rest
    two = head[:4] + u16(2) + head[6:]
    yield "question twice", two + 2 * question + rest
    yield "another question before", two + wire([b"other", b"example"]) + kind + question + rest
    yield "a pointer as second question", two + question + b"\xc0\x0c" + kind + rest
    yield "five questions", head[:4] + u16(5) + head[6:] + 5 * question + rest
    plain = wire(labels)
    for target in (0, 4, 6, 12, 12 + len(plain), 0x3FFF):
        yield f"a pointer to {target}", head + u16(0xC000 | target) + kind + rest
        yield f"a pointer to {target} as end", (
            head + plain[:-1] + u16(0xC000 | target) + kind + rest)
    ahead = 12 + 2 + 4
    yield "a pointer behind the question", head + u16(0xC000 | ahead) + kind + plain + rest
    for octets in (u16(1), u16(2), u16(3), u16(254), u16(255), u16(0x8001)):
        yield f"class {octets.hex()}", message[:end + 2] + octets + rest
    for octets in (1, 5, 16, 41, 65, 252, 255):
        yield f"type {octets}", message[:end] + u16(octets) + message[end + 2:]
    for opcode in (1, 2, 4, 5, 15):
        yield f"opcode {opcode}", head[:2] + u8(head[2] & 0x87 | opcode << 3) + message[3:]
    opt = b"\0" + u16(41) + u16(1232) + bytes(6)
    extra = struct.unpack_from(">H", head, 10)[0]
    address = b"\xc0\x0c" + u16(1) + u16(1) + bytes(4) + u16(4) + bytes(4)
    for what, more in (("OPT", [opt]), ("two OPT", 2 * [opt]), ("a cut OPT", [opt[:-3]]),
                       ("a record", [address])):
        yield f"{what} more", head[:10] + u16(extra + len(more)) + message[12:] + b"".join(more)
