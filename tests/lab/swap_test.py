"""Generations swapped under traffic: no frame is lost, every answer is one list's or the other's."""
import socket
import struct
import threading
import time
import unittest

from .case import LabCase
from .frames import inside
from .lab import CLIENT, SERVER

SWAPS = 100
PORT = 9999
SO_RCVBUFFORCE = 33


def udp_socket(namespace, address, port=0):
    with inside(namespace):
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    out.bind((address, port))
    out.settimeout(0.5)
    return out


def query(number):
    name = b"\x03www\x06casino\x07example\0"
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)


class Swap(LabCase):
    """The receiver counts for itself; nothing that the gateway says of itself is trusted."""

    def setUp(self):
        self.stop = threading.Event()
        self.sent = 0
        self.received = set()
        self.answers = []

    def stream(self, out, sink):
        """About 10,000 datagrams a second, each with its number."""
        reader = threading.Thread(target=self.collect, args=(sink,))
        reader.start()
        while not self.stop.is_set():
            for _ in range(50):
                out.sendto(struct.pack(">I", self.sent) + b"." * 100, (SERVER[0], PORT))
                self.sent += 1
            time.sleep(0.004)
        reader.join()

    def collect(self, sink):
        while True:
            try:
                self.received.add(struct.unpack_from(">I", sink.recv(2048))[0])
            except TimeoutError:
                if self.stop.is_set():
                    return

    def ask(self, client):
        """Queries for a name that only every second list blocks."""
        number = 0
        while not self.stop.is_set():
            number = (number + 1) % 65536
            client.sendto(query(number), (SERVER[0], 53))
            try:
                answer = client.recv(2048)
            except TimeoutError:
                self.answers.append("lost")
                continue
            if answer[:2] != struct.pack(">H", number):
                self.answers.append("another's")
            else:
                self.answers.append({0: "permitted", 3: "blocked"}.get(answer[3] & 15, "wrong"))

    def test_a_hundred_swaps_lose_nothing(self):
        first = self.appliance.generations / "1.lmdb"  # blocks the name
        self.swap(first, self.appliance.compile(["unrelated.example"], number=2))

    def test_swaps_to_an_overlay_and_back_lose_nothing(self):
        first = self.appliance.generations / "1.lmdb"
        self.swap(first, self.appliance.change(first, ["-casino.example", "+new.example"], 2))

    def swap(self, first, other):
        """`first` blocks the name that is asked for, `other` does not."""
        sink = udp_socket(self.lab.server, SERVER[0], PORT)
        out = udp_socket(self.lab.client, CLIENT[0])
        client = udp_socket(self.lab.client, CLIENT[0])
        threads = [threading.Thread(target=self.stream, args=(out, sink)),
                   threading.Thread(target=self.ask, args=(client,))]
        for thread in threads:
            thread.start()
        try:
            for swap in range(SWAPS):
                self.appliance.load(other if swap % 2 == 0 else first)
                time.sleep(0.03)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
            for one in (sink, out, client):
                one.close()
        self.assertGreater(self.sent, 10_000)
        self.assertEqual(len(self.received), self.sent)
        self.assertLessEqual(set(self.answers), {"permitted", "blocked"})
        for kind in ("permitted", "blocked"):
            self.assertGreater(self.answers.count(kind), SWAPS, kind)
        self.assertEqual(self.appliance.counters()["tx_full_dropped"], 0)


if __name__ == "__main__":
    unittest.main()
