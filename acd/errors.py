"""What can go wrong in the queue; each message tells a person the next step.

AcdError
    QueueUnreadable    Redis does not answer at start-up
"""

from __future__ import annotations


class AcdError(Exception):
    """Something a person must look at; the message says what to do next."""

    retryable = False


class QueueUnreadable(AcdError):
    """Redis does not answer, so nobody knows who waits."""

    retryable = True
