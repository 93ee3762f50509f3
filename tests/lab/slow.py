"""Clients that send their first octets as no program does by itself."""
import contextlib
import socket
import ssl
import struct

import scapy.all as scapy

from .frames import Tap, inside
from .lab import SERVER

PATIENCE = 10.0


def connect(namespace, server, port):
    """A connection of the namespace whose every write is a segment."""
    with inside(namespace):
        peer = socket.create_connection((server, port), timeout=PATIENCE)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def send_octets(peer, data):
    for octet in data:
        peer.send(bytes([octet]))


def receive_exactly(peer, octets):
    received = b""
    while len(received) < octets:
        more = peer.recv(octets - len(received))
        if not more:
            raise EOFError("the connection ended")
        received += more
    return received


def dns_over_tcp(namespace, server, name):
    """RCODE of the answer."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)
    with connect(namespace, server, 53) as peer:
        send_octets(peer, struct.pack("!H", len(query)) + query)
        size, = struct.unpack("!H", receive_exactly(peer, 2))
        answer = receive_exactly(peer, size)
    assert answer[:2] == query[:2] and labels in answer
    return answer[3] & 15


def https(namespace, server, name, path, context):
    """The whole answer to a GET over TLS whose every octet is a segment of its own."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    received = b""
    with connect(namespace, server, 443) as peer:
        def until_done(step):
            while True:
                try:
                    done = step()
                except ssl.SSLWantReadError:
                    done = None
                send_octets(peer, outgoing.read())
                if done is not None:
                    return done
                more = peer.recv(65536)
                if more:
                    incoming.write(more)
                else:
                    incoming.write_eof()

        until_done(lambda: tls.do_handshake() or True)
        until_done(lambda: tls.write(f"GET {path} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode()))
        while True:
            try:
                more = until_done(lambda: tls.read(65536))
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return received
            if not more:
                return received
            received += more


def https_backwards(lab, name, context, piece=100):
    """Sends a ClientHello in pieces, the last one first. What came back: octets, or "reset".

    The frames are of a host beside the client's stack, which would send them in order.
    """
    host, port = "192.0.2.77", 40077
    macs = [link_address(namespace) for namespace in (lab.client, lab.server)]
    lab.server.run("ip", "neighbour", "replace", host, "lladdr", macs[0], "dev", "eth0")
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    base = scapy.Ether(src=macs[0], dst=macs[1]) / scapy.IP(src=host, dst=SERVER[0])
    with contextlib.closing(Tap(lab.client)) as tap:
        def answer():
            while (frame := tap.receive(2)) is not None:
                parsed = scapy.Ether(frame)
                if scapy.TCP in parsed and parsed[scapy.IP].dst == host:
                    tcp, ip = parsed[scapy.TCP], parsed[scapy.IP]
                    octets = bytes(tcp.payload)[:ip.len - 4 * ip.ihl - 4 * tcp.dataofs]
                    if "R" in tcp.flags or "S" in tcp.flags or octets:
                        return tcp, octets
            raise EOFError("no answer")

        port += sum(name.encode())  # another connection for another name
        tap.send(bytes(base / scapy.TCP(sport=port, dport=443, flags="S", seq=1000)))
        acknowledged = answer()[0].seq + 1
        for at in reversed(range(0, len(hello), piece)):
            tap.send(bytes(base / scapy.TCP(sport=port, dport=443, flags="PA", seq=1001 + at,
                                            ack=acknowledged) / hello[at:at + piece]))
        tcp, octets = answer()
        if "R" in tcp.flags:
            return "reset"
        tap.send(bytes(base / scapy.TCP(sport=port, dport=443, flags="R", seq=1001 + len(hello))))
        return octets


def link_address(namespace):
    return namespace.run("cat", "/sys/class/net/eth0/address").stdout.strip()
