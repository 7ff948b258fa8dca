"""Filing what the lifeline took while the controller was down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from asterisk_conf import messages
from grievance_core.service import Grievances
from telephony.numbers import national

E164_DIGITS = 15
"""No telephone number is longer, and the database keeps no more; a forged caller id must not hold up the messages."""


async def file_voice_messages(folder: Path, grievances: Grievances, *, now: datetime) -> int:
    """File every message in `folder` that is not filed yet, oldest first; how many were filed.

    Safe to repeat: a message is put aside only after the database has it, and the database takes each file once.
    """
    messages.recover(folder, now=now)
    waiting = messages.waiting(folder)
    for message in waiting:
        caller = national(message.caller).removeprefix("+")[:E164_DIGITS]
        await grievances.file_voice_message(message.sound, caller=caller, taken_at=message.taken_at)
        messages.filed(message)
    return len(waiting)
