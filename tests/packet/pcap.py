"""Classic pcap files of Ethernet frames, in and out."""
import struct

_GLOBAL = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_MICROSECONDS, _NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    magic = _GLOBAL.unpack_from(data)[0]
    if magic not in (_MICROSECONDS, _NANOSECONDS):
        raise ValueError(f"{path}: not a little-endian pcap file")
    frames, at = [], _GLOBAL.size
    while at + _RECORD.size <= len(data):
        _, _, captured, _ = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        frames.append(data[at:at + captured])
        at += captured
    return frames


def write(path, frames, microseconds=1):
    """`microseconds`: between two frames."""
    with open(path, "wb") as file:
        file.write(_GLOBAL.pack(_MICROSECONDS, 2, 4, 0, 0, 262144, 1))
        for number, frame in enumerate(frames):
            after, fraction = divmod(number * microseconds, 1_000_000)
            file.write(_RECORD.pack(1_767_225_600 + after, fraction, len(frame), len(frame)))
            file.write(frame)
