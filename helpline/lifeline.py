"""Filing what the lifeline took while the controller was down.

The lifeline script leaves a WAV and a JSON file side by side, written whole or not at all. Filing is idempotent: the
JSON file is put aside only after the database has the message.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path

from grievance_core.service import Grievances

log = logging.getLogger(__name__)


async def file_voice_messages(folder: Path, grievances: Grievances) -> int:
    """File every message in `folder` that is not filed yet, oldest first; how many were filed.

    A broken file stops no other: it is put aside as `.broken` for a person to look at.
    """
    filed = 0
    for note in sorted(folder.glob("*.json")):
        try:
            told = json.loads(note.read_text(encoding="utf-8"))
            taken_at = datetime.fromisoformat(told["taken_at"])
            voice, caller = folder / str(told["recording"]), str(told["caller"])
        except (ValueError, KeyError, TypeError) as error:
            log.error(
                "A lifeline message can't be read; it was put aside",
                extra={"action": "lifeline_broken", "file": note.name, "error": str(error)},
            )
            note.rename(note.with_suffix(".broken"))
            continue
        await grievances.file_voice_message(voice, caller=caller, taken_at=taken_at)
        note.rename(note.with_suffix(".filed"))
        filed += 1
    return filed
