"""QUIC Initials for packet cases: RFC 9000 17.2.2, RFC 9001 5, RFC 9369 3. Knows nothing of the program."""
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

# version, salt, label prefix, type bits of an Initial
V1 = (0x00000001, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", b"quic ", 0x00)
V2 = (0x6B3343CF, "0dede3def700a6db819381be6e269dcbf9bd2ed9", b"quicv2 ", 0x10)
DRAFT29 = (0xFF00001D, "afbfec289993d24c9e9786f19c6111e04390a899", b"quic ", 0x00)
DESTINATION, SOURCE = b"destined", b"source-id"
PING, PADDING = b"\x01", b"\0"
CLOSE_NUMBER = 1000


def varint(value):
    return struct.pack(">H", 0x4000 | value)


def crypto(offset, data):
    return b"\x06" + varint(offset) + varint(len(data)) + data


def hmac(key, data):
    mac = HMAC(key, hashes.SHA256())
    mac.update(data)
    return mac.finalize()


def expand(secret, label, length):
    label = b"tls13 " + label
    info = struct.pack(">HB", length, len(label)) + label + b"\0"
    return hmac(secret, info + b"\x01")[:length]


def keys(version, destination, side):
    secret = expand(hmac(bytes.fromhex(version[1]), destination), side + b" in", 32)
    return (expand(secret, version[2] + b"key", 16), expand(secret, version[2] + b"iv", 12),
            expand(secret, version[2] + b"hp", 16))


def protect(version, destination, side, header, number, payload):
    """A packet; header ends before Length."""
    key, iv, hp = keys(version, destination, side)
    sealed_octets = 2 + len(payload) + 16
    first = 0xC0 | version[3] | 1
    head = bytes([first]) + header + varint(sealed_octets) + struct.pack(">H", number)
    nonce = bytes(a ^ b for a, b in zip(iv, number.to_bytes(12, "big")))
    sealed = AESGCM(key).encrypt(nonce, payload, head)
    mask = Cipher(algorithms.AES(hp), modes.ECB()).encryptor().update(sealed[2:18])
    out = bytearray(head)
    out[0] ^= mask[0] & 0x0F
    out[-2] ^= mask[1]
    out[-1] ^= mask[2]
    return bytes(out) + sealed


def initial(version, frames, destination=DESTINATION, number=0, token=b"", size=1200):
    header = (struct.pack(">I", version[0]) + bytes([len(destination)]) + destination +
              bytes([len(SOURCE)]) + SOURCE + varint(len(token)) + token)
    payload = b"".join(frames)
    payload += PADDING * max(0, size - len(header) - len(payload) - 21)
    return protect(version, destination, b"client", header, number, payload)


def server_initial(version, frames, source, destination=DESTINATION):
    """The server's, with a connection ID of its own, under the keys of the client's first one."""
    header = (struct.pack(">I", version[0]) + bytes([len(SOURCE)]) + SOURCE +
              bytes([len(source)]) + source + b"\0")
    return protect(version, destination, b"server", header, 0, b"".join(frames))


def close(version, destination, reason, source=None):
    source = destination if source is None else source
    header = (struct.pack(">I", version[0]) + bytes([len(SOURCE)]) + SOURCE +
              bytes([len(source)]) + source + b"\0")
    payload = b"\x1c\x02\0" + varint(len(reason)) + reason
    return protect(version, destination, b"server", header, CLOSE_NUMBER, payload)
