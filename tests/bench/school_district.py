"""The full policy of the bench: a school district of 1,000 groups and 100,000 devices, whose policies
stand in layers and use all that a policy can; and frames whose clients are among those devices.

Everything is made by numbers, so that each run makes the same.
"""
import dataclasses
import ipaddress
import struct

from . import traffic

CLASSES = 600         # groups by MAC address
CLASS_DEVICES = 100
ROOMS = 250           # groups by IPv4 address, each with a network around its addresses
ROOM_DEVICES = 120
HALLS = 50            # groups by IPv6 network
HALL_DEVICES = 100
LINES = 100           # groups by pair of VLANs
LINE_DEVICES = 50
GROUPS = CLASSES + ROOMS + HALLS + LINES
DEVICES = CLASSES * CLASS_DEVICES + ROOMS * ROOM_DEVICES + HALLS * HALL_DEVICES \
    + LINES * LINE_DEVICES
SCHOOLS = 40          # policies between the city and the classes
ROOM_NET = int(ipaddress.IPv4Address("10.16.0.0"))   # a /24 for each room
CLASS_NET = int(ipaddress.IPv4Address("10.128.0.0"))  # of no group
LINE_NET = int(ipaddress.IPv4Address("10.192.0.0"))   # of no group
HALL_NET = int(ipaddress.IPv6Address("2001:db8:4000::"))

LAYERS = """\
calendar: {time_zone: Asia/Shanghai, holidays: [cn-2026], trust_clock: always, day_begins: "04:00"}
schedules:
  play: cn-minors-games-2021
  lessons: [{days: [workdays], from: "08:00", until: "11:50"},
            {days: [workdays], from: "14:00", until: "17:00"}]
  night: [{days: [every-day], from: "22:00", until: "06:00"}]
budgets:
  games: {categories: [games], minutes_a_day: 60}
  video: {categories: [video, live], minutes_a_day: 120, minutes_a_week: 600, warn_at: 15}
curated:
  lessons: {names: [smartedu.example, library.example], except: [game.smartedu.example]}
policies:
  province: {block: defaults, watch: [social]}
  city:
    under: province
    hours: [{categories: [games, live], only_during: play, at_boundary: cut}]
    safe_search: moderate
"""
SCHOOL = """\
  school-{0}:
    under: city
    block: [ads, tracking]
    hours: [{{categories: [social, video], not_during: lessons, at_boundary: cut}}]
    ech: withhold
    encrypted_dns_ports: refuse
    safe_search: strict
  class-{0}:
    under: school-{0}
    block: [novels]
    hours: [{{categories: [social, video, live, games], not_during: night}}]
    budgets: [games, video]
    in_doubt: refuse
"""


@dataclasses.dataclass(frozen=True)
class Device:
    """What its frames have."""
    mac: bytes
    address: int
    vlans: tuple = ()  # outer and inner, where it has them


def _mac(number, kind):
    return bytes((0x02, 0x5E, kind)) + number.to_bytes(3, "big")


def device(number):
    """One of DEVICES; the kinds follow each other."""
    if number < CLASSES * CLASS_DEVICES:
        return Device(_mac(number, 0), CLASS_NET + number)
    number -= CLASSES * CLASS_DEVICES
    if number < ROOMS * ROOM_DEVICES:
        room, place = divmod(number, ROOM_DEVICES)
        return Device(_mac(number, 1), ROOM_NET + room * 256 + 1 + place)
    number -= ROOMS * ROOM_DEVICES + HALLS * HALL_DEVICES
    line, place = divmod(number, LINE_DEVICES)
    return Device(_mac(number, 2), LINE_NET + number, (100 + line, 100 + place))


def ipv4_devices(count):
    """So many that have IPv4 frames, spread over all kinds and groups."""
    without = CLASSES * CLASS_DEVICES + ROOMS * ROOM_DEVICES  # devices of halls come behind these
    halls = HALLS * HALL_DEVICES
    at = (i * (DEVICES - halls) // count for i in range(count))
    return [device(number if number < without else number + halls) for number in at]


def _mac_text(mac):
    return '"' + ":".join(f"{octet:02x}" for octet in mac) + '"'


def _groups():
    for number in range(CLASSES):
        macs = ", ".join(_mac_text(_mac(number * CLASS_DEVICES + i, 0))
                         for i in range(CLASS_DEVICES))
        yield number, f"macs: [{macs}]"
    for number in range(ROOMS):
        net = ROOM_NET + number * 256
        addresses = [f"{ipaddress.IPv4Address(net + 1 + i)}/32" for i in range(ROOM_DEVICES)]
        addresses += [f"{ipaddress.IPv4Address(net)}/24"]
        if number % 16 == 0:  # and lengths that every other client is asked for in vain
            addresses += [f"{ipaddress.IPv4Address(net + 4096 * 16)}/20"]
        yield CLASSES + number, f"prefixes: [{', '.join(addresses)}]"
    for number in range(HALLS):
        nets = ", ".join(f'"{ipaddress.IPv6Address(HALL_NET + ((number << 8 | i) << 64))}/64"'
                         for i in range(HALL_DEVICES))
        yield CLASSES + ROOMS + number, f"prefixes: [{nets}]"
    for number in range(LINES):
        pairs = ", ".join(f"{{outer: {100 + number}, inner: {100 + i}}}"
                          for i in range(LINE_DEVICES))
        yield CLASSES + ROOMS + HALLS + number, f"vlans: [{pairs}]"


def configuration(studying=False):
    """What stands in a configuration beside its ports. `studying`: one class may reach nothing but
    what is on its list, for which every name of everybody has to be looked at."""
    parts = [LAYERS, *(SCHOOL.format(number) for number in range(SCHOOLS))]
    if studying:
        parts.append("  studying: {under: school-0, only: {lists: [lessons]}}\n")
    parts.append("default_policy: school-0\ngroups:\n")
    for number, members in _groups():
        policy = "studying" if studying and number == 0 else f"class-{number % SCHOOLS}"
        parts.append(f"  group-{number}: {{policy: {policy}, {members}}}\n")
    return "".join(parts)


IP_AT, TYPES = 14, (0x88A8, 0x8100)


def _with_client(frame, one, upward):
    """The same frame of another client: addresses, tags and checksums."""
    head, segment = bytearray(frame[IP_AT:IP_AT + 20]), bytearray(frame[IP_AT + 20:])
    struct.pack_into(">I", head, 12 if upward else 16, one.address)
    head[10:12] = bytes(2)
    head[10:12] = traffic.checksum(bytes(head))
    at = 16 if head[9] == traffic.TCP else 6
    segment[at:at + 2] = bytes(2)
    pseudo = bytes(head[12:20]) + struct.pack(">BBH", 0, head[9], len(segment))
    segment[at:at + 2] = traffic.checksum(pseudo, bytes(segment))
    macs = frame[:6] + one.mac if upward else one.mac + frame[6:12]
    tags = b"".join(struct.pack(">HH", *pair) for pair in zip(TYPES, one.vlans))
    return macs + tags + frame[12:14] + bytes(head) + bytes(segment)


def _client(frame, upward):
    address, port = (26, 34) if upward else (30, 36)
    return frame[address:address + 4] + frame[port:port + 2]


def populate(frames):
    """`frames`: of rows.Frames. Each client of them, by address and port, becomes one of the
    devices, in both directions; the devices are spread over all groups."""
    clients = dict.fromkeys([*(_client(frame, True) for frame in frames.inside),
                             *(_client(frame, False) for frame in frames.outside)])
    given = dict(zip(clients, ipv4_devices(len(clients))))
    return type(frames)(
        [_with_client(frame, given[_client(frame, True)], True) for frame in frames.inside],
        [_with_client(frame, given[_client(frame, False)], False) for frame in frames.outside])
