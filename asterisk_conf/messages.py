"""Voice messages that the lifeline took, as files: a WAV and beside it a JSON file that says whose it is.

The JSON file is written last and in one step, so a message that can be seen is whole. A recording that broke off
because Asterisk or the machine died is brought in later: what a citizen said is not thrown away.
"""

from __future__ import annotations

import json
import logging
import os
import re
import struct
import wave
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

TAKING = ".taking"
"""The folder of recordings in progress, below the lifeline's folder."""
MAX_SECONDS = 180
BROKEN_OFF_AFTER = timedelta(seconds=MAX_SECONDS + 60)
"""A recording that has not grown for so long is not in progress any more."""
WAV_HEADER = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceMessage:
    """A complaint that was spoken while nobody could be reached."""

    id: str
    caller: str
    """As the network gave it; "" if it was withheld."""
    taken_at: datetime
    """Aware: when the recording began."""
    language: str
    uniqueid: str
    seconds: float
    sound: Path

    @property
    def sidecar(self) -> Path:
        return self.sound.with_suffix(".json")


def begin(folder: Path, *, caller: str, taken_at: datetime, language: str, uniqueid: str) -> VoiceMessage:
    """Note whose recording is about to be made; Asterisk is to write it to the result's `sound`."""
    name = f"{taken_at:%Y%m%dT%H%M%S}-{re.sub(r'[^0-9A-Za-z.-]', '_', uniqueid)}"
    taking = folder / TAKING
    taking.mkdir(mode=0o700, parents=True, exist_ok=True)
    message = VoiceMessage(
        id=name,
        caller=caller,
        taken_at=taken_at,
        language=language,
        uniqueid=uniqueid,
        seconds=0.0,
        sound=taking / f"{name}.wav",
    )
    _write(message)
    return message


def keep(folder: Path, taken: VoiceMessage) -> VoiceMessage | None:
    """Make a finished recording a message to be filed; None if nothing was recorded, and then nothing is left."""
    _mend(taken.sound)
    seconds = _length(taken.sound)
    if seconds == 0:
        discard(taken)
        return None
    kept = VoiceMessage(
        id=taken.id,
        caller=taken.caller,
        taken_at=taken.taken_at,
        language=taken.language,
        uniqueid=taken.uniqueid,
        seconds=seconds,
        sound=folder / taken.sound.name,
    )
    taken.sound.chmod(0o600)
    taken.sound.replace(kept.sound)
    _write(kept)
    taken.sidecar.unlink(missing_ok=True)
    return kept


def discard(taken: VoiceMessage) -> None:
    """Remove a recording of which nothing came."""
    taken.sound.unlink(missing_ok=True)
    taken.sidecar.unlink(missing_ok=True)


def recover(folder: Path, *, now: datetime) -> list[VoiceMessage]:
    """Bring in recordings that broke off because Asterisk or the machine died; call it before messages are filed."""
    brought = []
    for taken in _read(folder / TAKING):
        touched = max(file.stat().st_mtime for file in (taken.sidecar, taken.sound) if file.exists())
        if now.timestamp() - touched > BROKEN_OFF_AFTER.total_seconds():
            brought.append(keep(folder, taken))
    return [message for message in brought if message is not None]


def waiting(folder: Path) -> list[VoiceMessage]:
    """The messages that are to be filed, oldest first. Whoever has filed one says so with `filed`."""
    return sorted(_read(folder), key=lambda message: (message.taken_at, message.id))


def filed(message: VoiceMessage) -> None:
    """Put a message's JSON file aside: it is in the books now."""
    message.sidecar.rename(message.sidecar.with_suffix(".filed"))


def _read(folder: Path) -> Iterator[VoiceMessage]:
    for sidecar in sorted(folder.glob("*.json")):
        # One bad file must stop no other; its sound stays where it is, for a person to look at.
        try:
            message = _understood(json.loads(sidecar.read_text(encoding="utf-8")), folder)
        except FileNotFoundError:
            continue  # the recording was finished meanwhile, and lies outside now
        except OSError as error:
            log.error(
                "A voice message's JSON file can't be opened; it is tried again",
                extra={"action": "voice_message_unread", "file": sidecar.name, "error": type(error).__name__},
            )
            continue
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.error(
                "A voice message's JSON file can't be understood; it was put aside as .broken",
                extra={"action": "voice_message_broken", "file": sidecar.name, "error": type(error).__name__},
            )
            sidecar.rename(sidecar.with_suffix(".broken"))
            continue
        yield message


def _understood(told: Any, folder: Path) -> VoiceMessage:
    """What a JSON file says. Raises ValueError, KeyError, TypeError or AttributeError when it is not one of ours."""
    taken_at, recording = datetime.fromisoformat(told.pop("taken_at")), told.pop("recording")
    words = (recording, told["id"], told["caller"], told["language"], told["uniqueid"])
    if taken_at.tzinfo is None or not all(isinstance(word, str) for word in words) or "/" in recording:
        raise ValueError("not a voice message")
    return VoiceMessage(**told, taken_at=taken_at, sound=folder / recording)


def _write(message: VoiceMessage) -> None:
    told = asdict(message)
    told["recording"] = told.pop("sound").name
    told["taken_at"] = message.taken_at.isoformat()
    fresh = message.sidecar.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(told, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(0o600)
    fresh.replace(message.sidecar)


def _mend(sound: Path) -> None:
    """Put the true length into a WAV's header: Asterisk writes it at the end, which a broken recording never saw."""
    if not sound.exists() or sound.stat().st_size <= WAV_HEADER:
        return
    data = sound.stat().st_size - WAV_HEADER
    with sound.open("r+b") as file:
        file.seek(4)
        file.write(struct.pack("<I", data + WAV_HEADER - 8))
        file.seek(WAV_HEADER - 4)
        file.write(struct.pack("<I", data))


def _length(sound: Path) -> float:
    try:
        with wave.open(str(sound), "rb") as file:
            return round(file.getnframes() / file.getframerate(), 2)
    except (OSError, EOFError, wave.Error):
        return 0.0
