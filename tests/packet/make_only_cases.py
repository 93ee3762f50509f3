#!/usr/bin/python3
"""Writes the packet cases of devices that may reach little by what two owners say: each has to let a
name through, the one by a list and the other by a category.

Run it after changing it, as make_cases.py, whose builders it uses:
    /usr/bin/python3 tests/packet/make_only_cases.py
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from make_cases import answer, case, hello, query, resets, sni, tcp, udp  # noqa: E402

BOTH = "www.blocked.example"   # of the category, and on the list
LISTED = "www.casino.test"     # of the category alone
LESSON = "lesson.example"      # on the list alone
POLICY = {"block": [], "under": "school", "only": {"categories": ["gambling"]}}
BESIDES = {"policies": {"school": {"only": {"lists": ["lessons"]}}},
           "curated": {"lessons": {"names": ["blocked.example", LESSON]}}}


def hello_of(name, **kind):
    return tcp(hello(sni(name.encode())), **kind)


def only_case(title, about, frames, **settings):
    case(title, about, frames, policy=POLICY, besides=BESIDES, **settings)


def main():
    asked = query(LESSON), query(LISTED)
    passed = [udp(query(BOTH)), hello_of(BOTH, sport=50001)]
    inside, outside = resets(hello(sni(LESSON.encode())))
    only_case("only-of-two-owners", "by a list and by a category, DNS and TLS",
              [passed[0], udp(asked[0]), udp(asked[1]), passed[1], hello_of(LESSON)],
              inside=[answer(asked[0], 0, category="not-curated"),
                      answer(asked[1], 0, category="not-curated"), inside],
              outside=[*passed, outside],
              counters={"tls_blocked": 1, "unnamed_refused": 0},
              names=[(1, "dns", BOTH, "pass"), (2, "dns", LESSON, "block"),
                     (3, "dns", LISTED, "block"), (4, "tls", BOTH, "pass"),
                     (5, "tls", LESSON, "block")])
    record = b"\x16\x03\x03\0\x04\x02\0\0\0"
    end = 1000 + len(hello(sni(BOTH.encode())))
    server = [tcp(record, sport=443, dport=port, seq=2000, ack=end, reply=True)
              for port in (50001, 50000)]
    inside = resets(b"", seq=end, ack=2000)[0]
    outside = resets(b"", seq=end, ack=2000 + len(record))[1]
    only_case("only-of-two-owners-open",
              "a connection that was let through by both goes on, one of which nothing is known ends",
              [passed[1], *server], inside=[server[0], inside], outside=[passed[1], outside],
              from_outside=[2, 3], in_order=True, names=[(1, "tls", BOTH, "pass")])


if __name__ == "__main__":
    main()
