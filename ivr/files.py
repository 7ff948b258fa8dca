"""Sound files in Asterisk's formats, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

from ivr.errors import PromptsNotWritten

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.13 on audioop-lts has it
    import audioop

WIDTH = 2  # bytes of a sample
SUFFIXES = (".sln", ".alaw")
"""Signed linear for recoding to any codec, and G.711 A-law, which India's network speaks, to play without recoding."""


def write_sound(path: Path, samples: bytes) -> None:
    """Write 16 bit samples of 8 kHz beside each other as `path` with each suffix. Raises PromptsNotWritten."""
    write_file(path.with_suffix(".sln"), samples)
    write_file(path.with_suffix(".alaw"), audioop.lin2alaw(samples, WIDTH))


def write_file(file: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old or the new one. Raises PromptsNotWritten."""
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".new")
        with os.fdopen(descriptor, "wb") as new:
            new.write(content)
        os.replace(temporary, file)
        temporary = None
    except OSError as error:
        raise PromptsNotWritten(file, error.strerror or type(error).__name__) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
