"""What a name server that is tried here asks, and how it is asked."""
import socket
import struct
import threading

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rcode(port, name, timeout=10):
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0)
    for label in name.split("."):
        query += bytes([len(label)]) + label.encode()
    query += struct.pack("!BHH", 0, 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(timeout)
        peer.connect(("127.0.0.1", port))
        peer.send(query)
        return peer.recv(4096)[3] & 15


class Upstream:
    """The one server that it knows: a port of this host. What it says, reply() does."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if len(query) < 12:
                return
            self.socket.sendto(self.reply(query), peer)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()
