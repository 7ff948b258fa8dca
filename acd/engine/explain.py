"""Why a caller waits, why this agent was chosen, why an agent is idle: in plain words.

Pure, and read off the engine's own state: nothing is worked out anew that could differ from what the engine does. Times
are said as they are in `at`'s zone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from acd.engine.decisions import Offer
from acd.engine.events import Kind
from acd.engine.matching import AskLine
from acd.engine.places import BALANCE_SECONDS, BEFORE_ALL, Place, Seat, State
from acd.engine.queues import HEAD_START_SECONDS, To, When
from acd.engine.skills import Need
from acd.engine.view import View

MOST_NAMED = 5  # of a longer list the first are named


def why_waiting(view: View, caller: str, at: datetime) -> list[str]:
    """Why that caller has not been answered yet; one sentence a line, the nearest reason first."""
    place = view.place(caller)
    if place is None:
        return [f"{caller} is not in line: answered, gone, or never here."]
    return [
        *_standing(view, place, at),
        *_state(view, place, at),
        *_known_agent(view, place, at),
        *_who_fits(view, place.wide, at),
        *_ahead(view, place),
        *_what_changes(place, at),
    ]


def why_chosen(offer: Offer) -> str:
    """Why that agent was offered to that caller."""
    return f"{offer.agent} for {offer.caller}: {offer.why}."


def why_agent(view: View, agent: str, at: datetime) -> list[str]:
    """What that agent is doing for the queue, and why no other caller."""
    seat = view.seat(agent)
    if seat is None:
        return [f"{agent} is not signed in."]
    lines = []
    caller = view.offered_caller(agent)
    offer = next((offer for offer in view.offers_to(caller or "") if offer.agent == agent), None)
    if offer is not None:
        lines.append(f"The phone rings for {offer.caller} since {_clock(offer.at, at)}: {offer.why}.")
    elif seat.state is State.IDLE:
        lines += _idle(view, seat, at)
    elif seat.state is State.PAUSED:
        lines.append(f"{agent} is paused, or the phone is away: nobody is offered.")
    elif seat.caller:
        lines.append(f"{agent} has {seat.caller}.")
    else:
        lines.append(f"{agent} is not ready: nobody is offered until they are.")
    lines.append(f"Skills: {_skills(seat)}.")
    line = view.matching.known.get(agent)
    if line is not None and line.waiting:
        lines.append(f"Waiting for {agent} alone, who knows the complaint: {_named(key[2] for key in line.waiting)}.")
    return lines


# -- a caller


def _standing(view: View, place: Place, at: datetime) -> Iterable[str]:
    caller, queue = place.caller, place.queue.rules.name
    waited = _span(at.timestamp() - place.joined)
    if place.is_work:
        yield f"A piece of work in the queue {queue}, since {waited}."
        if place.work_due is not None:
            yield f"All live callers go before it until {_moment(place.work_due, at)}; then it stands as if just come."
        return
    yield f"Position {view.position(caller.id)} in the queue {queue}, since {waited}."
    if place.been:
        yield f"Came to the queue {caller.queue} and was moved here at the old place."
    head_start = HEAD_START_SECONDS[caller.urgency]
    if place.key[0] < BEFORE_ALL / 2:
        yield "A supervisor moved them to the front."
    elif head_start:
        yield f"As {caller.urgency}, they stand as if they had come {_span(head_start)} earlier."


def _state(view: View, place: Place, at: datetime) -> Iterable[str]:
    for offer in place.offers.values():
        yield f"The phone of {offer.agent} rings for them since {_clock(offer.at, at)}: {offer.why}."
    if place.holds and view.is_called_back(place.caller.id):
        yield "We ring them now: their place was due."
    elif place.holds and place.again > at.timestamp():
        yield f"They did not answer our call; they are rung again from {_moment(place.again, at)} on, at the old place."
    elif place.holds:
        yield "They are to be called back when fewer stand before them than agents become free while a phone rings."
    elif not place.attached:
        yield "They can't be talked to now (their session is not there, or busy): the place is held, nobody is offered."


def _known_agent(view: View, place: Place, at: datetime) -> Iterable[str]:
    if place.line is not None and place.line.ask.only and place.hold_until is not None:
        seat = view.seat(place.line.ask.only)
        doing = f" ({_doing(seat)})" if seat is not None else ""
        yield (
            f"They wait for {place.line.ask.only}{doing} alone, who knows the complaint, until"
            f" {_moment(place.hold_until, at)}; then anybody who fits will do."
        )


def _who_fits(view: View, line: AskLine, at: datetime) -> Iterable[str]:
    ask, seats = line.ask, view.seats()
    if ask.required:
        yield f"The agent must have {_needs(ask.required)}."
    if ask.preferred:
        yield f"Rather one with {_needs(ask.preferred)}."
    fitting = [seat for seat in seats if line.fitting & seat.pool.bit]
    if fitting:
        yield f"Signed in and fitting: {_named(f'{seat.id} ({_doing(seat)})' for seat in fitting)}."
        pace = view.matching.pace(line, at.timestamp())
        yield f"Agents who fit become free at {60 * pace:.1f} a minute, by what was seen of late."
        return
    yield "Nobody who fits is signed in."
    for need in ask.required:
        having = [seat for seat in seats if need.met_by(seat.pool.skills)]
        if not having:
            yield f"Nobody who is signed in has {need}."
            continue
        lacking = (f"{seat.id} (lacks {_needs(ask.missing(seat.pool.skills))})" for seat in having)
        yield f"{need} have {_named(lacking)}."


def _ahead(view: View, place: Place) -> Iterable[str]:
    if place.offers:
        return
    keys = sorted(
        key
        for line in view.matching.sharing(place.wide)
        for key in line.waiting
        if key < place.key and key[2] != place.caller.id
    )
    if keys:
        yield f"{len(keys)} before them may take an agent who fits: {_named(key[2] for key in keys)}."
    else:
        theirs = place.line is not None and not place.holds and not place.line.ask.only
        then = ": the next who fits and is free is theirs." if theirs else "."
        yield f"Nobody before them may take an agent who fits{then}"


def _what_changes(place: Place, at: datetime) -> Iterable[str]:
    now = at.timestamp()
    stages = place.stages
    for (_, before), (seconds, after) in zip(stages[place.stage :], stages[place.stage + 1 :], strict=False):
        gone = tuple(need for need in before.ask.required if need not in after.ask.required)
        if gone:
            still = _needs(after.ask.required) or "nothing"
            yield f"At {_moment(place.joined + seconds, at)} {_needs(gone)} is only preferred; still required: {still}."
    if place.caller.kind is not Kind.CALL or place.holds:
        return
    for number, rule in enumerate(place.queue.rules.overflow):
        due = place.joined + rule.limit
        if rule.when not in (When.WAIT, When.NO_AGENTS) or (place.queue.rules.name, number) in place.used or due <= now:
            continue
        only = ", if nobody who fits is signed in," if rule.when is When.NO_AGENTS else ""
        match rule.to:
            case To.QUEUE:
                then = f"they go on to the queue {rule.queue} at the old place"
            case To.GOODBYE:
                then = "they are let go"
            case suggestion:
                then = f"a {suggestion} is suggested to them"
        yield f"At {_moment(due, at)}{only} {then}."


# -- an agent


def _idle(view: View, seat: Seat, at: datetime) -> Iterable[str]:
    since = _clock(seat.since, at) if seat.since else "a while"
    yield f"{seat.id} is idle since {since}: nobody who can be offered now fits."
    heads = sorted((line.waiting.first(), line.index) for line in view.matching.waiting_lines())
    for key, index in heads[:MOST_NAMED]:
        if key is not None:
            missing = view.matching.lines[index].ask.missing(seat.pool.skills)
            yield f"{key[2]} waits for one with {_needs(missing)}, which {seat.id} lacks."
    before = seat.pool.idle.before(seat.key)
    yield (
        f"Of {len(seat.pool.idle)} idle with the same skills, {before} are taken first:"
        f" by idle time, less {_span(BALANCE_SECONDS * seat.busy_share)} for {seat.busy_share:.0%} of the shift busy."
    )


def _doing(seat: Seat) -> str:
    if seat.state is State.BUSY and seat.caller:
        return f"has {seat.caller}"
    return seat.state.value


def _skills(seat: Seat) -> str:
    return ", ".join(f"{skill} {level}" for skill, level in sorted(seat.pool.skills.items())) or "none"


# -- words


def _needs(needs: Iterable[Need]) -> str:
    return ", ".join(str(need) for need in needs)


def _named(names: Iterable[str]) -> str:
    all_ = list(names)
    more = len(all_) - MOST_NAMED
    return ", ".join(all_[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _clock(moment: datetime, at: datetime) -> str:
    return f"{moment.astimezone(at.tzinfo):%H:%M:%S}"


def _moment(timestamp: float, at: datetime) -> str:
    return f"{_clock(datetime.fromtimestamp(timestamp, at.tzinfo), at)} (in {_span(timestamp - at.timestamp())})"


def _span(seconds: float) -> str:
    minutes, left = divmod(max(0, round(seconds)), 60)
    return f"{minutes} min {left} s" if minutes and left else f"{minutes} min" if minutes else f"{left} s"
