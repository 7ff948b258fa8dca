"""Telephone sound in WAV files: 8000 samples a second, 16 bits, one channel, little-endian.

`Pcm` is such samples as bytes. Reading takes what is there, because a recording that is still being written has a
header that does not yet know its length.
"""

from __future__ import annotations

import struct
from pathlib import Path

from helpline.demo.errors import NotAudible

RATE = 8000
SAMPLE_BYTES = 2
BYTES_PER_SECOND = RATE * SAMPLE_BYTES
PCM_FORMAT = 1

Pcm = bytes


def seconds(pcm: Pcm) -> float:
    """How long a piece of sound lasts."""
    return len(pcm) / BYTES_PER_SECOND


def silence(length: float) -> Pcm:
    """Digital silence of so many seconds."""
    return bytes(round(length * RATE) * SAMPLE_BYTES)


def read_wav(path: Path) -> Pcm:
    """The samples of a WAV file, also of one that is still being written. Raises NotAudible."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotAudible(
            f"{path} can't be read ({error.strerror}): did the call have sound? See the log beside it."
        ) from error
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise NotAudible(f"{path} is no WAV file: it starts with {content[:12]!r}.")
    position = 12
    while position + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, position)
        position += 8
        if kind == b"fmt ":
            _expect_telephone_sound(path, content[position : position + 16])
        if kind == b"data":
            # A length of 0 or beyond the file's end is a header written at the start: take what there is.
            end = position + size if 0 < size <= len(content) - position else len(content)
            return content[position : end - (end - position) % SAMPLE_BYTES]
        position += size + size % 2
    raise NotAudible(f"{path} has no sound in it yet.")


def _expect_telephone_sound(path: Path, header: bytes) -> None:
    if len(header) < 16:
        raise NotAudible(f"{path} breaks off in its header.")
    encoding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", header)
    if (encoding, channels, rate, bits) != (PCM_FORMAT, 1, RATE, SAMPLE_BYTES * 8):
        raise NotAudible(
            f"{path} has format {encoding}, {channels} channels, {rate} Hz, {bits} bits; "
            f"expected PCM, 1 channel, {RATE} Hz, 16 bits."
        )


def write_wav(path: Path, pcm: Pcm, *, at_least: float = 0.0) -> None:
    """Write sound; if it is shorter than `at_least` seconds, silence follows (which takes no room on the disk)."""
    length = max(len(pcm), round(at_least * RATE) * SAMPLE_BYTES)
    form = struct.pack("<HHIIHH", PCM_FORMAT, 1, RATE, BYTES_PER_SECOND, SAMPLE_BYTES, SAMPLE_BYTES * 8)
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + length) + b"WAVE")
        file.write(b"fmt " + struct.pack("<I", len(form)) + form)
        file.write(b"data" + struct.pack("<I", length) + pcm)
        file.truncate(44 + length)


def looped(pcm: Pcm, length: float, *, pause: float = 0.5) -> Pcm:
    """The sound again and again, `pause` seconds between, until `length` seconds are full."""
    if not pcm:
        return silence(length)
    turn = pcm + silence(pause)
    wanted = round(length * RATE) * SAMPLE_BYTES
    return (turn * (wanted // len(turn) + 1))[:wanted]
