"""The complaint as a message: the caller speaks, and an agent types it up later.

It is kept as the lifeline keeps its messages, in the same folder, and filed by the same hand (`helpline.lifeline`): a
recording that broke off because Asterisk or the machine died is brought in too.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Final

from asterisk_conf import messages
from ivr.flows import STEP_VARIABLE, Flows, Step
from ivr.menu import say
from ivr.speaking import Language
from telephony.call import Call
from telephony.errors import CommandRefused, HungUp

log = logging.getLogger(__name__)

TRIES: Final = 2
SILENCE_SECONDS: Final = 6.0
"""So long a pause ends the message: people who are upset stop to think."""
SHORTEST_SECONDS: Final = 1.0
"""Nothing can be complained about in less: a key pressed by mistake."""


async def leave_message(call: Call, flows: Flows, language: Language) -> bool:
    """Let the caller speak; they hear that it is kept once it is on the disk. False: nothing came of it.

    # ends the message, or a pause. What a caller said who hangs up is kept.
    """
    await call.set(STEP_VARIABLE, Step.MESSAGE.value)
    await call.music(False)
    words = "message_ask"
    for _ in range(TRIES):
        await say(call, language, words)
        try:
            kept = await _record(call, flows, language)
        except (CommandRefused, OSError) as error:
            log.error(
                "A message can't be recorded",
                extra={"action": "message_failed", "call_id": call.id, "error": str(error)},
            )
            break
        if kept:
            await call.set(STEP_VARIABLE, Step.MESSAGE_KEPT.value)
            await message_kept(call, language)
            return True
        words = "message_empty"
    await say(call, language, "message_not_kept")
    return False


async def message_kept(call: Call, language: Language) -> None:
    """What a caller hears whose message is on the disk."""
    await say(call, language, "message_kept", "thanks", "goodbye")


async def _record(call: Call, flows: Flows, language: Language) -> bool:
    """Whether something was said. Raises OSError and CommandRefused, then nothing can be kept."""
    folder = flows.messages_folder
    taken = await asyncio.to_thread(
        messages.begin, folder, caller=call.caller, taken_at=flows.clock(), language=language, uniqueid=call.id
    )
    try:
        recorded = await call.record(
            taken.sound, max_seconds=messages.MAX_SECONDS, silence_seconds=SILENCE_SECONDS, keys="#"
        )
    except HungUp:
        await _keep_of_one_who_left(folder, taken, call)
        raise
    except CommandRefused:
        await asyncio.to_thread(messages.discard, taken)
        raise
    if recorded.seconds < SHORTEST_SECONDS:
        await asyncio.to_thread(messages.discard, taken)
        return False
    return await _keep(folder, taken, call)


async def _keep_of_one_who_left(folder: Path, taken: messages.VoiceMessage, call: Call) -> None:
    try:
        await _keep(folder, taken, call)
    except OSError as error:
        # The recording stays where it was begun, and is brought in later.
        log.error(
            "A message could not be kept at once",
            extra={"action": "message_not_kept", "call_id": call.id, "error": str(error)},
        )


async def _keep(folder: Path, taken: messages.VoiceMessage, call: Call) -> bool:
    kept = await asyncio.to_thread(_on_disk, folder, taken)
    if kept is None:
        return False
    log.info(
        "A caller left a message",
        extra={"action": "message_left", "call_id": call.id, "sound": kept.id, "seconds": kept.seconds},
    )
    return True


def _on_disk(folder: Path, taken: messages.VoiceMessage) -> messages.VoiceMessage | None:
    """Keep what was recorded so that a power cut can't take it back; None when there is nothing."""
    if taken.sound.exists():
        _sync(taken.sound)
    kept = messages.keep(folder, taken)
    if kept is not None:
        _sync(folder)
    return kept


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
