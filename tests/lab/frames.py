"""Frames as they are, sent and received on an interface of a namespace."""
import collections
import contextlib
import ctypes
import os
import pathlib
import socket
import struct
import time

from .process import PATIENCE

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 3
_SOL_PACKET, _PACKET_AUXDATA, _PACKET_IGNORE_OUTGOING = 263, 8, 23
_TP_STATUS_VLAN_VALID, _TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40
_AUXDATA = struct.Struct("IIIHHHH")


@contextlib.contextmanager
def inside(namespace):
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    other = os.open(pathlib.Path("/run/netns") / namespace.name, os.O_RDONLY)
    try:
        if _libc.setns(other, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        _libc.setns(own, _CLONE_NEWNET)
        os.close(own)
        os.close(other)


class Tap:
    """A packet socket; frames come back with the VLAN tag that the kernel takes out of them."""

    def __init__(self, namespace, interface="eth0"):
        with inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                         socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind((interface, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_details):
        self.close()

    def close(self):
        self._socket.close()

    def send(self, frame):
        self._socket.send(frame)

    def receive(self, timeout):
        self._socket.settimeout(timeout)
        try:
            frame, controls, _, _ = self._socket.recvmsg(70000, 256)
        except TimeoutError:
            return None
        for level, kind, data in controls:
            if (level, kind) != (_SOL_PACKET, _PACKET_AUXDATA):
                continue
            state, _, _, _, _, tci, tpid = _AUXDATA.unpack_from(data)
            if state & _TP_STATUS_VLAN_VALID:
                tpid = tpid if state & _TP_STATUS_VLAN_TPID_VALID else 0x8100
                frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        return frame

    def receive_all(self, expected, quiet=0.5):
        """Frames until all the expected ones came, or nothing more comes."""
        missing = collections.Counter(expected)
        received = []
        end = time.monotonic() + PATIENCE
        while missing and time.monotonic() < end:
            frame = self.receive(quiet)
            if frame is None:
                break
            received.append(frame)
            missing -= collections.Counter([frame])
        return received
