"""What may be asked of the engine: its state, only to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import merge

from acd.engine.decisions import Offer
from acd.engine.events import Caller
from acd.engine.matching import Matching
from acd.engine.places import Place, Queue, Seat, State
from acd.engine.queues import QueueRules


class View:
    """The state of `acd.engine.engine.Engine`, and the questions that the other rooms may ask of it."""

    def __init__(self) -> None:
        self._at = datetime.fromtimestamp(0, UTC)  # of the last event
        self._now = 0.0  # the same in seconds
        self._places: dict[str, Place] = {}
        self._queues: dict[str, Queue] = {}
        self._agents: dict[str, Seat] = {}
        self._offered: dict[str, str] = {}  # agent to caller
        self._calling: dict[str, Place] = {}  # citizens whom we ring
        self._matching = Matching()

    # -- callers

    def position(self, caller: str) -> int | None:
        """The caller's place in their queue, from 1, counting all who have not been answered; None for a stranger."""
        place = self._places.get(caller)
        return None if place is None else place.queue.everyone.before(place.key) + 1

    def caller(self, id: str) -> Caller | None:
        place = self._places.get(id)
        return None if place is None else place.caller

    def queue_of(self, caller: str) -> str | None:
        """Where they stand now; overflow may have moved them from the queue they came to."""
        place = self._places.get(caller)
        return None if place is None else place.queue.rules.name

    def offer_to(self, caller: str) -> Offer | None:
        """The live offer for that caller; in a race the first."""
        return next(iter(self.offers_to(caller)), None)

    def offers_to(self, caller: str) -> tuple[Offer, ...]:
        """The live offers for that caller: more than one in a race."""
        place = self._places.get(caller)
        return () if place is None else tuple(place.offers.values())

    def waiting(self, queue: str | None = None) -> Iterator[Caller]:
        """Everyone who has not been answered, first to last; of one queue, or of all."""
        queues = (
            list(self._queues.values()) if queue is None else [self._queues[queue]] if queue in self._queues else []
        )
        return (self._places[key[2]].caller for key in merge(*(each.everyone for each in queues)))

    def work(self) -> Iterator[Caller]:
        """Pieces of work that nobody has taken, first to last."""
        places = [place for place in self._places.values() if place.is_work]
        return (place.caller for place in sorted(places, key=lambda place: place.key))

    def is_attached(self, caller: str) -> bool:
        """Whether they can be talked to now."""
        place = self._places.get(caller)
        return place is not None and place.attached

    def wants_callback(self, caller: str) -> bool:
        """Whether the place is kept for one who is to be called back."""
        place = self._places.get(caller)
        return place is not None and place.holds

    def is_called_back(self, caller: str) -> bool:
        """Whether it was decided to ring that citizen, and how it went was not told yet."""
        return caller in self._calling

    def __len__(self) -> int:
        return len(self._places)

    def __bool__(self) -> bool:
        return True  # an engine with nobody in it is an engine

    # -- for acd.engine.explain and acd.waiting.standing

    def place(self, caller: str) -> Place | None:
        return self._places.get(caller)

    def seat(self, agent: str) -> Seat | None:
        return self._agents.get(agent)

    def seats(self) -> list[Seat]:
        """Everybody who is signed in, by id."""
        return [self._agents[id] for id in sorted(self._agents)]

    @property
    def matching(self) -> Matching:
        return self._matching

    # -- queues

    def queues(self) -> tuple[QueueRules, ...]:
        return tuple(queue.rules for queue in self._queues.values())

    def is_open(self, queue: str, at: datetime) -> bool:
        """A queue that nobody told of is open."""
        return queue not in self._queues or self._queues[queue].is_open(at)

    def length(self, queue: str) -> int:
        """How many have not been answered there."""
        return len(self._queues[queue].everyone) if queue in self._queues else 0

    # -- agents

    def offered_caller(self, agent: str) -> str | None:
        """The caller whose live offer that agent has."""
        return self._offered.get(agent)

    def is_idle(self, agent: str) -> bool:
        seat = self._agents.get(agent)
        return seat is not None and seat.state is State.IDLE
