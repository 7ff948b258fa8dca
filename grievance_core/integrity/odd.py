"""Whose rate stands out: an officer's against their own past, an agent's beside the others who do the same calls. Pure.

A share that is honestly the same still differs from week to week and from person to person, beyond the chance of the
single answer. So it is taken as beta-binomial: a share around a mean, with a weight that says how many answers it is
worth, found from how much the honest differ (method of moments, as in figures/ranking.py). What is flagged would come
by chance so seldom that over all who are judged at most `false_alarms` a look are flagged though nothing is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grievance_core.figures.chance import chance_of, spread_parts
from grievance_core.figures.ranking import prior_of

FALSE_ALARMS: Final = 1.0  # a look, over all who are judged and all measures
NOW_WEEKS: Final = 2
PAST_WEEKS: Final = 12
FEWEST_PAST: Final = 20  # answers or reports in the past; with fewer there is nothing to jump from
FEWEST_NOW: Final = 5
FEWEST_CALLS: Final = 20  # of an agent
FEWEST_OTHERS: Final = 3  # agents who do the same calls
MOST_WEIGHT: Final = 200.0  # answers: honest shares always may differ by some three points in a hundred
MARGIN: Final = 1.4  # on a spread, which is estimated too


@dataclass(frozen=True, slots=True)
class Weeks:
    """Of one officer's post and one measure, hits and tries in each week, newest first: NOW_WEEKS, then PAST_WEEKS."""

    hits: Sequence[int]
    tries: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Who stands out, in what, with the evidence."""

    who: str
    measure: str
    kind: str = ""  # of the calls; empty for an officer
    hits: int
    tries: int = 0  # 0 when it is a number and no share
    expected: float  # hits, by their own past or by the others
    beside_hits: int  # what they are set beside: their own before, or the others' now
    beside_tries: int = 0
    chance: float  # of being so far off, if nothing is wrong

    @property
    def share(self) -> float | None:
        return self.hits / self.tries if self.tries else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one agent wrote down of one kind of call."""

    agent: str
    kind: str
    satisfied: int
    dissatisfied: int
    not_reached: int


def tail_of_share(hits: int, tries: int, share: float, weight: float) -> float:
    """The chance of so many hits or more, when the share lies around `share` as if from `weight` answers."""
    if hits <= 0:
        return 1.0
    if hits > tries or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    a, b = share * weight, (1 - share) * weight
    fixed = math.lgamma(tries + 1) + math.lgamma(weight) - math.lgamma(a) - math.lgamma(b) - math.lgamma(tries + weight)
    return min(
        1.0,
        math.fsum(
            math.exp(
                fixed
                - math.lgamma(k + 1)
                - math.lgamma(tries - k + 1)
                + math.lgamma(k + a)
                + math.lgamma(tries - k + b)
            )
            for k in range(hits, tries + 1)
        ),
    )


def jumps_of_share(measure: str, posts: Mapping[str, Weeks], *, limit: float) -> list[Odd]:
    """Officers whose share jumped up beside their own past, by less chance than `limit`."""
    weekly = _weekly_weight(posts.values())
    found = []
    for post, weeks in posts.items():
        hits, tries = sum(weeks.hits[:NOW_WEEKS]), sum(weeks.tries[:NOW_WEEKS])
        before, asked = sum(weeks.hits[NOW_WEEKS:]), sum(weeks.tries[NOW_WEEKS:])
        if tries < FEWEST_NOW or asked < FEWEST_PAST:
            continue
        # One answer of each kind added, so that a past without a single no is no proof against the first ones.
        share = (before + 1) / (asked + 2)
        # The past is known from so many answers, each week of it and of now wanders: the doubts add up.
        weeks_past = sum(1 for number in weeks.tries[NOW_WEEKS:] if number)
        doubt = 1 / (asked + 3) + (1 / (weekly + 1)) * (1 + 1 / weeks_past)
        weight = max(1.0, 1 / doubt - 1)
        chance = tail_of_share(hits, tries, share, weight) if hits > share * tries else 1.0
        if chance < limit:
            found.append(
                Odd(
                    who=post,
                    measure=measure,
                    hits=hits,
                    tries=tries,
                    expected=share * tries,
                    beside_hits=before,
                    beside_tries=asked,
                    chance=chance,
                )
            )
    return found


def jumps_of_number(measure: str, posts: Mapping[str, Weeks], *, limit: float) -> list[Odd]:
    """Officers who did far more than in their own past; hits alone are counted."""
    spread = _weekly_spread(posts.values())
    found = []
    for post, weeks in posts.items():
        hits, before = sum(weeks.hits[:NOW_WEEKS]), sum(weeks.hits[NOW_WEEKS:])
        if hits < FEWEST_NOW or before < FEWEST_PAST:
            continue
        expected = before / PAST_WEEKS * NOW_WEEKS
        chance = chance_of(hits, expected, MARGIN * spread * (1 + 1 / PAST_WEEKS) + 1 / before)
        if chance < limit:
            found.append(
                Odd(who=post, measure=measure, hits=hits, expected=expected, beside_hits=before, chance=chance)
            )
    return found


def jumps(
    satisfied: Mapping[str, Weeks],
    reported: Mapping[str, Weeks],
    quick: Mapping[str, Weeks],
    *,
    false_alarms: float = FALSE_ALARMS,
) -> list[Odd]:
    """Officers who jumped in any of the three measures, the most surprising first.

    `satisfied` of those who answered, `reported` in number, `quick` of the reports.
    """
    limit = false_alarms / max(1, sum(map(_judged, (satisfied, reported, quick))))
    found = [
        *jumps_of_share("satisfied", satisfied, limit=limit),
        *jumps_of_number("reports", reported, limit=limit),
        *jumps_of_share("reported within a day", quick, limit=limit),
    ]
    return sorted(found, key=lambda odd: odd.chance)


def _judged(posts: Mapping[str, Weeks]) -> int:
    """How many officers have a past to be measured by."""
    return sum(sum(weeks.tries[NOW_WEEKS:]) >= FEWEST_PAST for weeks in posts.values())


def odd_agents(answers: Iterable[Answers], *, false_alarms: float = FALSE_ALARMS) -> list[Odd]:
    """Agents whose share of satisfied, or of not reached, lies far above or below the others' of the same calls."""
    rows = list(answers)
    measures: list[tuple[str, str, list[tuple[str, int, int]]]] = []
    for kind in sorted({row.kind for row in rows}):
        of = [row for row in rows if row.kind == kind]
        satisfied = [(row.agent, row.satisfied, row.satisfied + row.dissatisfied) for row in of]
        calls = [(row.agent, row.not_reached, row.satisfied + row.dissatisfied + row.not_reached) for row in of]
        measures += [("satisfied", kind, satisfied), ("not reached", kind, calls)]
    tested = sum(tries >= FEWEST_CALLS for _, _, counts in measures for _, _, tries in counts)
    limit = false_alarms / max(1, 2 * tested)  # above and below
    found = [odd for measure, kind, counts in measures for odd in _beside_others(measure, kind, counts, limit)]
    return sorted(found, key=lambda odd: odd.chance)


def _beside_others(measure: str, kind: str, counts: Sequence[tuple[str, int, int]], limit: float) -> Iterable[Odd]:
    """Each beside the others and not beside all: who does most calls would hide behind their own rate."""
    for agent, hits, tries in counts:
        others = [(other, asked) for name, other, asked in counts if name != agent and asked]
        if tries < FEWEST_CALLS or len(others) < FEWEST_OTHERS:
            continue
        all_hits, all_tries = sum(one for one, _ in others), sum(asked for _, asked in others)
        share = (all_hits + 1) / (all_tries + 2)
        weight = min(MOST_WEIGHT, prior_of(others).weight)
        if hits > share * tries:
            chance = tail_of_share(hits, tries, share, weight)
        else:
            chance = tail_of_share(tries - hits, tries, 1 - share, weight)
        if chance < limit:
            yield Odd(
                who=agent,
                measure=measure,
                kind=kind,
                hits=hits,
                tries=tries,
                expected=share * tries,
                beside_hits=all_hits,
                beside_tries=all_tries,
                chance=chance,
            )


def _weekly_weight(posts: Iterable[Weeks]) -> float:
    """How many answers a week's share is worth around the officer's own: from how much it wanders beyond chance."""
    squares = chance = pairs = 0.0
    for weeks in posts:
        tries = weeks.tries[NOW_WEEKS:]
        total = sum(tries)
        if total < FEWEST_PAST:
            continue
        share = sum(weeks.hits[NOW_WEEKS:]) / total
        used = [(hit, asked) for hit, asked in zip(weeks.hits[NOW_WEEKS:], tries, strict=True) if asked]
        if len(used) < 2 or not 0 < share < 1:
            continue
        own = share * (1 - share)
        # About its own mean a week varies less than about the true one.
        squares += sum((hit - asked * share) ** 2 for hit, asked in used) / own * len(used) / (len(used) - 1)
        chance += total
        pairs += sum(asked * (asked - 1) for _, asked in used)
    if not pairs:
        return MOST_WEIGHT
    alike = MARGIN * (squares - chance) / pairs  # correlation of two answers of one week
    return max(2.0, min(MOST_WEIGHT, 1 / alike - 1)) if alike > 0 else MOST_WEIGHT


def _weekly_spread(posts: Iterable[Weeks]) -> float:
    """How much NOW_WEEKS of reports vary about the officer's own mean beyond chance."""
    excess = squares = 0.0
    for weeks in posts:
        past = weeks.hits[NOW_WEEKS:]
        if sum(past) < FEWEST_PAST:
            continue
        sums = [sum(past[at : at + NOW_WEEKS]) for at in range(0, PAST_WEEKS, NOW_WEEKS)]
        mean = sum(sums) / len(sums)
        more, square = spread_parts((one, mean) for one in sums)
        excess += (more + mean * len(sums)) * len(sums) / (len(sums) - 1) - mean * len(sums)
        squares += square
    return max(0.0, excess / squares) if squares else 0.0
