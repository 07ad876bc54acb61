"""Frames between the agent and containers: a length and a msgpack map (PROTOCOL.md 5.2)."""
import os
import struct
import threading

import msgpack

_writing = threading.Lock()


def pack(message):
    return msgpack.packb(message, use_bin_type=True)


def unpack(payload):
    return msgpack.unpackb(payload, use_list=False)


def write(message, fd=1):
    """Writes one frame, whole, whatever other threads write."""
    payload = pack(message)
    data = memoryview(struct.pack(">I", len(payload)) + payload)
    with _writing:
        while data:
            data = data[os.write(fd, data):]


class Reader:
    """Cuts what is fed to it into messages."""

    def __init__(self):
        self._buffer = b""

    def feed(self, data):
        self._buffer += data
        while len(self._buffer) >= 4:
            (size,) = struct.unpack(">I", self._buffer[:4])
            if len(self._buffer) < 4 + size:
                return
            payload, self._buffer = self._buffer[4:4 + size], self._buffer[4 + size:]
            yield unpack(payload)


def exactly(source, size):
    """Reads size bytes from a function like os.read. Fewer mean that the other side is gone."""
    data = b""
    while len(data) < size:
        more = source(size - len(data))
        if not more:
            raise EOFError("the other side is gone")
        data += more
    return data
