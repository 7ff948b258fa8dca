"""What can go wrong in the queue; each message tells a person the next step.

AcdError
    QueueUnreadable    Redis does not answer at start-up
    JournalUnreadable  a file, or a line of it, that is no journal
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
