"""The ringing of an agent's phone: what it is recorded into, how it ended and what that means for the agent. Pure.

Asterisk's words for the end were seen by experiment (asterisk-facts.md, 6).
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from agents.presence import DID_NOT_ANSWER, PHONE_BUSY, PHONE_NOT_REACHABLE, REJECTED
from telephony.call import Dialled

CALL_REJECTED = 21  # Q.850: the phone answered 603


def pause_reason(dialled: Dialled) -> str:
    """Why the agent is paused after a ring without an answer; "" when the agent is not to blame (it was cancelled)."""
    if dialled.status == "CANCEL":
        return ""
    if dialled.status == "BUSY":
        return PHONE_BUSY
    if dialled.status == "NOANSWER":
        return DID_NOT_ANSWER
    if dialled.cause == CALL_REJECTED:
        return REJECTED
    return PHONE_NOT_REACHABLE


def recording_file(folder: Path, *, call_id: str, joined_at: datetime, began: datetime, ring: int) -> Path:
    """Where to record: a folder a day; `began` and `ring` tell one call's tries apart, also across a restart."""
    name = re.sub(r"[^A-Za-z0-9.-]", "_", call_id)
    return folder / f"{joined_at:%Y-%m-%d}" / f"{name}-{began:%H%M%S}-{ring}.wav"
