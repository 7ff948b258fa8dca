"""What can go wrong on the live link.

TelephonyError
├── HungUp            the caller is gone: expected, ends every flow
├── CommandRefused    Asterisk did not accept an AGI command
├── CommandTimedOut   Asterisk did not answer one in time; the session is closed, the dialplan brings the caller back
├── PeerFault         what came over an AGI connection is not AGI
├── LinkDown          there is no AMI connection
├── LoginRefused      Asterisk does not accept our AMI name or secret
├── ActionRefused     Asterisk answered an AMI action with an error
└── ActionTimedOut    Asterisk did not answer one in time: it may or may not have been carried out
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from telephony.call import Dialled, Recorded


class TelephonyError(Exception):
    """Any failure of the live link. `retryable`: the same request can succeed later without a person's doing."""

    retryable: ClassVar[bool] = False


class HungUp(TelephonyError):
    """The caller is gone, or was transferred away (`transferred`): this coroutine no longer has the channel.

    `taken`: the channel lives, somebody else's `bridge` has it; the dialplan gives it a session of its own afterwards.
    `dialled` and `recorded` tell what the verb it happened in had come to.
    """

    def __init__(
        self,
        reason: str = "the caller hung up",
        *,
        transferred: bool = False,
        taken: bool = False,
        dialled: Dialled | None = None,
        recorded: Recorded | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.transferred = transferred
        self.taken = taken
        self.dialled = dialled
        self.recorded = recorded


class CommandRefused(TelephonyError):
    def __init__(self, command: str, answer: str) -> None:
        super().__init__(
            f"Asterisk refused the AGI command {command!r}: {answer}. "
            "See its usage with `agi show commands topic …`, and whether the module that has it is loaded."
        )
        self.command = command
        self.answer = answer


class CommandTimedOut(TelephonyError):
    retryable = True

    def __init__(self, command: str, seconds: float) -> None:
        super().__init__(
            f"Asterisk did not answer the AGI command {command!r} within {seconds:g} s; the session is closed. "
            "See whether Asterisk is overloaded: `core show channels count`, `core show taskprocessors`."
        )


class PeerFault(TelephonyError):
    def __init__(self, what: str) -> None:
        super().__init__(f"The peer on the AGI port does not speak AGI: {what}. Only Asterisk should connect to it.")
        self.what = what


class LinkDown(TelephonyError):
    retryable = True

    def __init__(self, what: str = "there is no connection") -> None:
        super().__init__(f"The AMI link to Asterisk is down: {what}. It is made anew by itself; is Asterisk running?")


class LoginRefused(TelephonyError):
    def __init__(self, user: str, answer: str) -> None:
        super().__init__(
            f"Asterisk refused the AMI login of {user!r}: {answer}. Its manager.conf and our secret do not belong "
            "together: restart Asterisk from the same run folder."
        )


class ActionRefused(TelephonyError):
    def __init__(self, action: str, answer: str) -> None:
        super().__init__(f"Asterisk refused the AMI action {action}: {answer}.")
        self.action = action
        self.answer = answer


class ActionTimedOut(TelephonyError):
    retryable = True

    def __init__(self, action: str, seconds: float) -> None:
        super().__init__(
            f"Asterisk did not answer the AMI action {action} within {seconds:g} s; it may have been carried out. "
            "Look at the live channels before trying again."
        )
