"""What can go wrong with the demo's phones and networks; each message tells the next step.

DemoError
    ProgramMissing       baresip, SIPp or espeak-ng, or a part of one, is not where it was expected
    PhoneFailed          a softphone's process did not start, or ended by itself
    NotRegistered        Asterisk did not accept a softphone's account
    PhoneRefused         baresip refused a command
    ExpectationFailed    what was waited for did not happen in time
        CallEnded        the call ended while something else of it was waited for
    ScenarioFailed       SIPp could not run a scenario, or did not end in time
    NotAudible           a recording is missing, empty, or no WAV file
"""

from __future__ import annotations

from helpline.errors import HelplineError


class DemoError(HelplineError):
    """Something of the demo's equipment failed; the helpline itself may be sound."""


class ProgramMissing(DemoError):
    """A program that the demo needs, or a part of it, can't be found."""


class PhoneFailed(DemoError):
    """A softphone's process did not come up, or went away."""

    retryable = True


class NotRegistered(DemoError):
    """Asterisk refused a softphone's registration, or did not answer it."""

    retryable = True


class PhoneRefused(DemoError):
    """baresip refused a command, such as a hold without a call."""


class ExpectationFailed(DemoError):
    """What was waited for did not happen in time."""


class CallEnded(ExpectationFailed):
    """The call ended while something else of it was waited for; `reason` is baresip's."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ScenarioFailed(DemoError):
    """SIPp could not run its scenario, or did not end in time."""


class NotAudible(DemoError):
    """A recording is missing, empty, or no WAV file of the expected kind."""
