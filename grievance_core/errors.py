"""What can go wrong in the grievance core; each message tells a person the next step.

GrievanceError
    CatalogueError       a data file can't be used: every wrong line, and what was expected there
    NumberUnreadable     what was typed or keyed is no complaint number (.flaw says in which way)
    DraftRefused         what is to be registered or filed lacks something
        UnknownCategory  no such category (the nearest one is suggested)
        UnknownDistrict  no such district (the nearest one is suggested)
        UnknownDepartment
        UnknownMatter    no such excluded matter
        CapReached       this phone number has as many this month as the policy allows
    UnknownComplaint     no complaint has this number
    NotAllowed           the life cycle forbids it now (.barred names the rule)
    ChangedMeanwhile     somebody else changed the complaint at the same moment
    SheetUnreadable      a file can't be read as a sheet at all
    SheetRefused         lines of it are wrong (.faults), so nothing was taken
    RosterRefused        a change of the roster of officers that can't be
    LetterRefused        no such letter in the outbox, or nothing is left to do about it
    NotDelivered         another system did not take a letter (.retryable: it may later)
    FiguresBehind        registrations of the day asked about are not counted yet
    StoreError           the database did not do it; nothing was changed
        StoreBusy        it is locked by another program or transaction
        StoreFailed      it is full, gone, or not set up

`retryable` says whether the same request may simply be made again. No message holds a caller's number, name or words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

Flaw = Literal["empty", "not_digits", "length", "check_digit"]


class GrievanceError(Exception):
    """Something a person must look at; the message says what to do next."""

    retryable = False


class CatalogueError(GrievanceError):
    """A file of districts, departments or categories can't be used; `problems` holds one sentence per fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(
            f"{count} {'fault' if count == 1 else 'faults'} in the catalogue's files. Mend and load again:\n"
            + "\n".join(self.problems)
        )


class NumberUnreadable(GrievanceError):
    """What was typed or keyed is no complaint number."""

    def __init__(self, flaw: Flaw, message: str) -> None:
        self.flaw: Flaw = flaw
        super().__init__(message)


class DraftRefused(GrievanceError):
    """What is to be registered or filed lacks something or is out of bounds."""


class UnknownCategory(DraftRefused):
    """No category has this code."""


class UnknownDistrict(DraftRefused):
    """No district has this code or name."""


class UnknownDepartment(DraftRefused):
    """No department has this code."""


class UnknownMatter(DraftRefused):
    """No excluded matter has this name."""


class CapReached(DraftRefused):
    """This phone number has as many complaints this month as the policy allows; nobody is hung up on for it."""

    def __init__(self, cap: int) -> None:
        super().__init__(
            f"This phone number has {cap} complaints this month, as many as the rule allows. Note it as a reminder of "
            "one of them, or have a supervisor allow a further one."
        )


class UnknownComplaint(GrievanceError):
    """No complaint has this number."""


class NotAllowed(GrievanceError):
    """The life cycle forbids this now; `barred` is the name of the rule (lifecycle.Barred)."""

    def __init__(self, barred: str, message: str) -> None:
        self.barred = barred
        super().__init__(message)


class ChangedMeanwhile(GrievanceError):
    """Somebody else changed the complaint at the same moment; what was asked has not been done."""

    retryable = True

    def __init__(self) -> None:
        super().__init__(
            "Somebody else changed this complaint at the same moment. "
            "Look at it again, then repeat what is still needed."
        )


class FiguresBehind(GrievanceError):
    """Registrations of a day that was asked about are not counted yet."""

    retryable = True

    def __init__(self, day: date) -> None:
        super().__init__(
            f"Not all that was registered up to {day:%d-%m-%Y} is counted yet. The running helpline counts once a "
            "minute: ask again then, see `helpline doctor` if it stays so, or give an earlier day."
        )


class StoreError(GrievanceError):
    """The database did not do what was asked; nothing was changed."""


class StoreBusy(StoreError):
    """The database is locked by another program or transaction."""

    retryable = True


class StoreFailed(StoreError):
    """The database is full, gone, or not set up."""


class SheetUnreadable(GrievanceError):
    """A file can't be read as a sheet at all: no spreadsheet, no columns, no line."""


class SheetRefused(GrievanceError):
    """Lines of a file of officers are wrong; nothing was taken. `faults` holds one sentence for each."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        super().__init__(
            f"{count} {'fault' if count == 1 else 'faults'}; nothing was taken. Mend the file and give it again:\n"
            + "\n".join(self.faults)
        )


class RosterRefused(GrievanceError):
    """A change of the roster of officers that can't be: no such post or officer, or it overlaps another."""


class LetterRefused(GrievanceError):
    """What is asked about a letter of the outbox can't be done."""


class NotDelivered(GrievanceError):
    """Another system did not take a letter. `retryable`: it may take the same one later; else it never will."""

    def __init__(self, message: str, *, retryable: bool, retry_after: timedelta | None = None) -> None:
        self.retryable = retryable
        self.retry_after = retry_after
        super().__init__(message)
