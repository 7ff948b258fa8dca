"""What can go wrong in the dialer; each message tells a person the next step.

DialerError
├── CampaignRefused  the campaign is in no state for this, or there is none of that name
├── ImportUnderWay   another import into the same campaign is under way
├── InvalidList      a file of contacts that can't be read as one
├── InvalidContact   the source named a contact that can't be kept
├── InvalidNumber    what was given is no telephone number that can be rung
├── InvalidSettings  hours, tries or pace that make no sense
└── UnknownAttempt   no attempt has that id
"""

from __future__ import annotations

from typing import ClassVar


class DialerError(Exception):
    """Any failure of the dialer. `retryable`: the same request can succeed later without a person's doing."""

    retryable: ClassVar[bool] = False


class CampaignRefused(DialerError):
    """The campaign is in no state for this, or there is none of that name."""


class ImportUnderWay(DialerError):
    """Another import into the same campaign is under way."""

    retryable = True


class InvalidList(DialerError):
    """A file of contacts that can't be read as one."""


class InvalidContact(DialerError):
    """The source named a contact that can't be kept: a fault in the source."""


class InvalidNumber(DialerError):
    """What was given is no telephone number that can be rung."""

    def __init__(self, number: str) -> None:
        super().__init__(f"{number!r} can't be rung. Give national digits without spaces, such as 9876543210.")


class InvalidSettings(DialerError):
    """Hours, tries or pace that make no sense."""


class UnknownAttempt(DialerError):
    def __init__(self, attempt_id: str) -> None:
        super().__init__(
            f"There is no attempt {attempt_id!r}. Use the id of the outgoing call, as `attempt_for` told it."
        )
