"""Filing what citizens spoke: to the lifeline while the controller was down, and as a message instead of waiting.

Each message is a work item too: an agent listens between calls, and types the complaint up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from acd.live.work import WorkItem
from asterisk_conf import messages
from grievance_core.service import Grievances
from telephony.numbers import national

E164_DIGITS = 15
"""No telephone number is longer, and the database keeps no more; a forged caller id must not hold up the messages."""
TYPED_UP_WITHIN: Final = timedelta(hours=2)
"""Until then callers come first; from then on the message stands in line like a caller."""
SECONDS_PER_ITEM: Final = 900.0
"""Listening and typing for up to three minutes of speech."""

AddWork = Callable[[WorkItem], Awaitable[None]]


async def file_voice_messages(
    folder: Path, grievances: Grievances, *, now: datetime, add_work: AddWork | None = None, queue: str = "complaint"
) -> int:
    """File every message in `folder` that is not filed yet, oldest first; how many were filed.

    `add_work` is given an item in that queue for each. Safe to repeat: a message is put aside only after the database
    and the queue have it, and both take each file once.
    """
    messages.recover(folder, now=now)
    waiting = messages.waiting(folder)
    for message in waiting:
        caller = national(message.caller).removeprefix("+")[:E164_DIGITS]
        await grievances.file_voice_message(message.sound, caller=caller, taken_at=message.taken_at)
        if add_work is not None:
            await add_work(_to_type_up(message, caller=caller, queue=queue, now=now))
        messages.filed(message)
    return len(waiting)


def _to_type_up(message: messages.VoiceMessage, *, caller: str, queue: str, now: datetime) -> WorkItem:
    return WorkItem(
        id=f"voice-{message.id}",
        queue=queue,
        added_at=now,
        due_at=message.taken_at + TYPED_UP_WITHIN,
        about=f"A complaint was spoken ({message.seconds:.0f} s): listen, and register it.",
        needs=(f"language:{message.language}",) if message.language else (),
        seconds=SECONDS_PER_ITEM,
        sound=str(message.sound),
        caller=caller,
        language=message.language,
    )
