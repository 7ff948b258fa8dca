"""What can go wrong in the roof; each message tells a person the next step.

HelplineError
    SettingsError        the settings file can't be used: says the line and what was expected
    NameTaken            another distribution owns one of our package names in this environment
    RunFolderInUse       another helpline runs in this run folder
    ServiceFailed        Redis or the controller did not come up
    NotRunning           the command needs a running helpline
    Refused              the running helpline said no, and why
"""

from __future__ import annotations


class HelplineError(Exception):
    """Something a person must look at; the message says what to do next."""

    retryable = False


class SettingsError(HelplineError):
    """The settings file cannot be used."""


class NameTaken(HelplineError):
    """Another installed distribution owns one of the names agents, acd, ivr, …"""


class RunFolderInUse(HelplineError):
    """Another helpline runs in this run folder."""


class ServiceFailed(HelplineError):
    """Redis, the database or the controller did not come up, or went away."""

    retryable = True


class NotRunning(HelplineError):
    """No helpline answers in this run folder."""

    retryable = True


class Refused(HelplineError):
    """The running helpline refused what was asked."""
