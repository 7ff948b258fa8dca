"""Who may act as the one controller: a lease in Redis that runs out. Pure: what Redis answered and when goes in.

Times are seconds of one process's own clock, which runs on while the process is stopped. Two processes never compare
their clocks; they rely on Redis' time-out alone, and each of them errs to its own loss: the holder counts from the
moment it asked, the one that stands by from the moment it was answered.

While Redis is away nobody can take the lease, so the holder goes on. When Redis is back, perhaps empty, whoever stands
by leaves the holder `grace` seconds to write its lease again. A holder writes one that is missing only while it is held
by its own clock: after that another may have had it, and lost it with Redis too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a lease lasts and how often it is asked for, in seconds."""

    lasts: float = 2.0
    renew_every: float = 0.5
    look_every: float = 0.1
    answer_within: float = 0.5
    """An answer that takes longer counts as none: Redis is away."""

    @property
    def quick(self) -> float:
        """A look that was answered so soon, `at_most_between` after the one before, proves that Redis was there all
        the time: it can't have been away for `answer_within`, which is what the holder goes by, without its being seen.
        """
        return 0.35 * self.answer_within

    @property
    def at_most_between(self) -> float:
        return 0.6 * self.answer_within

    @property
    def margin(self) -> float:
        """So much sooner than Redis does the holder think that its lease has run out."""
        return self.lasts / 8

    @property
    def grace(self) -> float:
        """How long a Redis that was away is watched before a lease that is not there counts as nobody's."""
        return self.lasts + 2 * self.renew_every


@dataclass(frozen=True, slots=True)
class Hold:
    """The lease as its holder knows it. `proven_at`: when the question was asked whose answer last proved it."""

    fence: int
    proven_at: float

    def held(self, now: float, terms: Terms) -> bool:
        """Whether nobody else can have it: false in whoever was stopped for longer than the lease lasts."""
        return now - self.proven_at < terms.lasts - terms.margin

    def renewed(self, asked: float) -> Hold:
        """Redis has answered that it is ours still."""
        return replace(self, proven_at=asked)

    def unanswered(self, asked: float, now: float, terms: Terms) -> Hold:
        """Redis is away: nobody can take the lease. One that had run out already is not kept alive by that."""
        return replace(self, proven_at=asked) if self.held(now, terms) else self


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the lease; `seconds_left` None when there is none.

    `mark`: which run of Redis answered, and the highest fence it knows. Whoever takes the lease names it, so that it is
    not taken from another Redis than was watched, nor after somebody else has had it.
    """

    mark: str
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Watch:
    """What one that stands by has seen in an unbroken row of looks at one Redis."""

    mark: str = ""
    began_at: float | None = None
    looked_at: float | None = None
    runs_out_at: float | None = None
    """The soonest that the lease that was seen last runs out by itself; None: none was seen in this row."""
    absent_since: float | None = None

    def looked(self, seen: Seen | None, *, asked: float, answered: float, terms: Terms) -> Watch:
        """After one more look; `seen` None: no answer."""
        if seen is None:
            return Watch()
        present = seen.seconds_left is not None
        unbroken = (
            seen.mark == self.mark
            and self.looked_at is not None
            and answered - asked <= terms.quick
            and asked - self.looked_at <= terms.at_most_between
        )
        vanished = not present and self.runs_out_at is not None and answered < self.runs_out_at
        began: float | None
        if not unbroken or vanished:  # somebody emptied it, or we can't tell: the holder may be alive
            began, runs_out, absent = answered, None, None if present else answered
        else:
            began, runs_out = self.began_at, self.runs_out_at
            absent = None if present else answered if self.absent_since is None else self.absent_since
        if seen.seconds_left is not None:
            runs_out = asked + seen.seconds_left
        return Watch(mark=seen.mark, began_at=began, looked_at=asked, runs_out_at=runs_out, absent_since=absent)

    def may_take(self, now: float, terms: Terms) -> bool:
        """Whether the lease has run out, or was missed for so long that its holder can't be alive.

        Before this row of looks Redis may have been away, and its holder have gone on for as long as a lease lasts.
        """
        if self.absent_since is None or self.began_at is None:
            return False
        if self.runs_out_at is not None and now - self.began_at >= terms.lasts:
            return True
        return now - self.absent_since >= terms.grace


def next_fence(*, known: int, milliseconds: int) -> int:
    """A number above all that were ever given out: `known` the highest on record, `milliseconds` the time of day.

    The time makes it rise also where every record was lost; the record where the clock was set back.
    """
    return max(known + 1, milliseconds)
