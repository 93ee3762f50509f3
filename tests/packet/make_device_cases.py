#!/usr/bin/python3
"""Writes the packet cases of a device that a group names by its IPv4 address, under another one.

Run it after changing it, as make_cases.py, whose builders it uses:
    /usr/bin/python3 tests/packet/make_device_cases.py

Whose an address is, is made out behind a burst of 32 frames, and from the capture's own time.
"""
import pathlib
import sys

from scapy.all import (ARP, Dot1Q, Ether, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr,
                       ICMPv6NDOptSrcLLAddr, IP, IPv6, UDP)

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from make_cases import CLIENT_MAC, SERVER_MAC, answer, case, query, udp  # noqa: E402

STAFF = "192.0.2.200"  # what the group is named by
PRIVACY, OTHER = "2001:db8::aaaa", "2001:db8::bbbb"
SOMEBODY = "02:00:00:00:00:66"
BURST = 32


def arp(sender=STAFF, mac=CLIENT_MAC, tags=()):
    frame = Ether(src=mac, dst="ff:ff:ff:ff:ff:ff")
    for vlan in tags:
        frame /= Dot1Q(vlan=vlan)
    return bytes(frame / ARP(op=1, hwsrc=mac, psrc=sender, pdst="192.0.2.1"))


def advertisement(address=PRIVACY, mac=CLIENT_MAC):
    return bytes(Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=address, dst="ff02::1", hlim=255)
                 / ICMPv6ND_NA(tgt=address, R=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac))


def solicitation(address=PRIVACY, mac=CLIENT_MAC):
    return bytes(Ether(src=mac, dst="33:33:ff:00:00:01") / IPv6(src=address, dst="ff02::1:ff00:1",
                                                                hlim=255)
                 / ICMPv6ND_NS(tgt="2001:db8::1") / ICMPv6NDOptSrcLLAddr(lladdr=mac))


def used(mac=CLIENT_MAC):
    """A frame from outside, to the named address: the network looks for it there."""
    return bytes(Ether(src=SERVER_MAC, dst=mac) / IP(src="192.0.2.1", dst=STAFF) /
                 UDP(sport=4001, dport=4000) / b"for it")


def sent():
    return udp(query("www.open.example"), source=STAFF)


def asked(title, about, seen, found, verdict, source=PRIVACY, counters=None, **kind):
    """`seen`: the burst's first frames; behind it, somebody at `source` asks for a listed name."""
    filler = [bytes(Ether(src=CLIENT_MAC, dst="02:00:00:00:00:01", type=0x88B5) / bytes(46))]
    frames = seen + filler * (BURST - len(seen))
    request = udp(query(), ipv6=True, source=source, **kind)
    passes = verdict == "pass"
    names = [(number, "dns", "www.open.example", "pass") for number in found]
    case(title, about, frames + [request], names=[*names, (BURST + 1, "dns", "www.blocked.example",
                                                           verdict)],
         inside=[] if passes else [answer(query(), ipv6=True, source=source, **kind)],
         outside=frames + ([request] if passes else []), in_order=True, counters=counters or {})


def cases():
    claims = [arp(), advertisement()]
    asked("device-other-address", "an IPv6 address of the device that a group names by IPv4",
          [*claims, used()], [], "pass")
    asked("device-solicitation", "of which it says so as it looks for the router",
          [arp(), solicitation(), used()], [], "pass")
    asked("device-nobody-says-so", "an address that its device has not claimed", [arp(), used()],
          [], "block")
    asked("device-unused", "the named address was claimed, and no frame went there: what its device sends shows nothing",
          [*claims, sent()], [3], "block")
    asked("device-behind-a-router", "frames for the named address go to a router's MAC address",
          [advertisement(), used()], [], "block")
    asked("device-contested", "somebody else says that he has the named address",
          [*claims, used(), arp(mac=SOMEBODY)], [], "block")
    asked("device-two-ipv4", "it holds two IPv4 addresses, as a proxy for others does",
          [*claims, used(), arp("192.0.2.77")], [], "block")
    asked("device-other-vlan", "what was said in another VLAN",
          [arp(tags=[5]), advertisement(), used()], [], "block")
    asked("device-two-vlans", "somebody has the named address in another VLAN",
          [*claims, used(), arp(mac=SOMEBODY, tags=[5])], [], "block")
    asked("device-not-its-own", "an address of the other, who claims the named one as well",
          [*claims, used(), arp(mac=SOMEBODY), advertisement(OTHER, SOMEBODY)], [], "block",
          source=OTHER)


if __name__ == "__main__":
    cases()
