"""QUIC through the gateway: ngtcp2's client to Caddy."""
import os
import time
import unittest

from .case import LabCase
from .servers import requests_of_caddy, start_caddy

PATIENCE = 3      # seconds that the client waits for an answer
SERVER = ("192.0.2.3", "2001:db8:7::3")
NAMES = {SERVER[0]: "four", SERVER[1]: "six"}  # the label by which a name has this address


class QuicCase(LabCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.file = os.urandom(1_000_000)
        (cls.lab.folder / "www" / "random").write_bytes(cls.file)
        cls.lab.server.address("eth0", SERVER[0] + "/24", SERVER[1] + "/64")
        caddy = start_caddy(cls.lab.server, cls.lab.folder, cls.lab.certs, SERVER)
        cls.lab.callback(caddy.stop)
        cls.lab.client.know({address: [f"{label}.library.example", f"{label}.casino.example"]
                             for address, label in NAMES.items()})

    def tearDown(self):
        self.assert_nothing_lost()

    def get(self, name, *arguments):
        """What ngtcp2's client told, and how many seconds it took."""
        start = time.monotonic()
        done = self.lab.client.run(
            "gtlsclient", "--exit-on-all-streams-close", "--no-quic-dump", "--no-http-dump",
            f"--timeout={PATIENCE}s", f"--handshake-timeout={PATIENCE}s", *arguments, name, "443",
            f"https://{name}/random", check=False)
        return done.stderr, time.monotonic() - start

    def assert_passes(self, label):
        folder = self.lab.folder / f"by-{label}"
        folder.mkdir(exist_ok=True)
        text, _ = self.get(f"{label}.library.example", f"--download={folder}")
        self.assertTrue((folder / "random").read_bytes() == self.file, text[-2000:])
        self.assertIn(("HTTP/3.0", f"{label}.library.example"), requests_of_caddy(self.lab.folder))


class Close(QuicCase):
    def test_permitted_files_arrive_byte_for_byte(self):
        before = self.appliance.counters()
        for label in NAMES.values():
            with self.subTest(label):
                self.assert_passes(label)
        counted = self.counted(before)
        self.assertEqual(counted["quic_client_hellos"], 2)
        self.assertNotIn("quic_blocked", counted)

    def test_blocked_names_are_refused_at_once(self):
        before = self.appliance.counters()
        for label in NAMES.values():
            with self.subTest(label):
                text, _ = self.get(f"{label}.casino.example")
                self.assertIn("CONNECTION_CLOSE(0x1c) error_code=CONNECTION_REFUSED(0x2)", text)
                self.assertIn("[blocked by policy]", text)
        self.assertEqual(self.counted(before)["quic_blocked"], 2)
        self.assertNotIn("casino", str(requests_of_caddy(self.lab.folder)))


class Drop(QuicCase):
    ANSWER = {"quic": "drop"}

    def test_permitted_files_arrive_byte_for_byte(self):
        self.assert_passes("four")

    def test_blocked_names_get_silence(self):
        before = self.appliance.counters()
        text, seconds = self.get("four.casino.example")
        self.assertNotIn("Received packet", text)
        self.assertIn("ERR_IDLE_CLOSE", text)
        self.assertGreater(seconds, PATIENCE - 0.1)
        counted = self.counted(before)
        self.assertEqual(counted["quic_blocked"], 1)
        self.assertNotIn("resets_sent", counted)
        self.assertNotIn("casino", str(requests_of_caddy(self.lab.folder)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
