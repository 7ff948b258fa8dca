"""The sound files of one softphone, call by call.

baresip's module sndfile names them by the second, `dump-<time>-dec.wav` what was heard and `…-enc.wav` what was sent;
a second call within the same second would overwrite them. So a finished call's files are named anew, by its number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from helpline.demo.sound import Pcm, read_wav

Way = Literal["dec", "enc"]


class Recordings:
    """The recordings in a phone's folder. Calls are counted from 0; calls that overlap share their files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._finished = 0

    def files(self) -> list[Path]:
        """All of them, those of finished calls first."""
        return sorted(self._folder.glob("call-*.wav")) + self._going_on("dec") + self._going_on("enc")

    def forget(self) -> None:
        """Remove what an earlier phone left in this folder."""
        for file in self.files():
            file.unlink()
        self._finished = 0

    def call_is_over(self) -> None:
        """Put the files of the call that just ended aside. One that is still being written is written on."""
        dumps: list[tuple[Way, list[Path]]] = [("dec", self._going_on("dec")), ("enc", self._going_on("enc"))]
        for way, files in dumps:
            for part, file in enumerate(files):
                file.rename(self._folder / f"call-{self._finished:03}-{way}-{part}.wav")
        if any(files for _, files in dumps):
            self._finished += 1

    def sound(self, way: Way, call: int) -> Pcm:
        """One side of a call, -1 being the last, whether over or not; empty if it had no sound. Raises NotAudible."""
        calls = [sorted(self._folder.glob(f"call-{number:03}-{way}-*.wav")) for number in range(self._finished)]
        if going_on := self._going_on(way):
            calls.append(going_on)
        if not -len(calls) <= call < len(calls):
            return b""
        return b"".join(read_wav(file) for file in calls[call])

    def _going_on(self, way: Way) -> list[Path]:
        return sorted(self._folder.glob(f"dump-*-{way}.wav"))
