"""What can go wrong in the queue; each message tells a person the next step.

AcdError
    QueueUnreadable    Redis does not answer at start-up
    JournalUnreadable  a file, or a line of it, that is no journal
    NothingRecorded    a journal without a day that could be played again
    NoSuchCall         nobody waits or talks under that id
    NoSuchQueue        no queue has that name
    NoSuchWork         no work item has that id
    NotKept            what is known of a caller could not be written
    NotSupervisable    what a supervisor asked for can't be done now
"""

from __future__ import annotations


class AcdError(Exception):
    """Something a person must look at; the message says what to do next."""

    retryable = False


class QueueUnreadable(AcdError):
    """Redis does not answer, so nobody knows who waits."""

    retryable = True


class JournalUnreadable(AcdError):
    """The file is not there, or a line in it is none of a journal's."""


class NothingRecorded(AcdError):
    """The journal holds no callers, or no agents."""


class NoSuchCall(AcdError):
    """The call ended meanwhile, or never was one of the queue's."""


class NoSuchQueue(AcdError):
    """The name is none of the settings' queues."""


class NoSuchWork(AcdError):
    """The work item is done already, or was never added."""


class NotKept(AcdError):
    """The number is withheld, or the database does not answer."""

    retryable = True


class NotSupervisable(AcdError):
    """A supervisor asked for what is not possible now."""

    retryable = True
