"""What the forecast is told of the live queue, and what it says to one caller: glue between engine and forecast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from acd.engine import Engine
from acd.events import (
    AgentPaused,
    AgentReady,
    AgentSignedOut,
    CallerHolds,
    CallerJoined,
    CallerLeft,
    Event,
    Kind,
    OfferAnswered,
)
from acd.forecast import Accuracy, Forecast, Standing
from acd.queues import HEAD_START_SECONDS
from acd.ranges import Range


class Expectation:
    """`hear` every event with what was decided, in order; `quote` when a caller is to be told."""

    def __init__(self, engine: Engine, forecast: Forecast) -> None:
        self._engine = engine
        self._forecast = forecast

    def hear(self, events: Sequence[Event], at: datetime, sent_away: Sequence[str]) -> None:
        """`sent_away`: callers whom the engine let go by itself, who did not give up."""
        forecast = self._forecast
        for caller in sent_away:
            forecast.note_left(caller, at, gave_up=False)
        for event in events:
            match event:
                case CallerJoined(joined) if joined.kind is Kind.CALL:
                    head_start = HEAD_START_SECONDS[joined.urgency]
                    forecast.note_joined(joined.id, joined.queue, at, head_start=head_start)
                case OfferAnswered(caller, agent):
                    forecast.note_answered(caller, agent, at)
                case CallerLeft(caller):
                    forecast.note_left(caller, at)
                case CallerHolds(caller):
                    forecast.note_left(caller, at, gave_up=False)
                case AgentReady(agent):
                    forecast.note_free(agent, at)
                case AgentPaused(agent) | AgentSignedOut(agent):
                    forecast.note_away(agent)

    def quote(self, call_id: str, at: datetime) -> Range | None:
        """How long that caller will still wait; None: better nothing."""
        caller = self._engine.caller(call_id)
        if caller is None:
            return None
        return self._forecast.quote(
            Standing(
                caller=call_id,
                queue=self._engine.queue_of(call_id) or caller.queue,
                ahead=self._ahead(call_id),
                agents=self._engine.agents_for(call_id),
                waited=(at - caller.joined_at).total_seconds(),
                head_start=HEAD_START_SECONDS[caller.urgency],
            ),
            at,
        )

    def _ahead(self, call_id: str) -> int:
        """Callers before them in all queues: agents who serve one serve the others too, but for few."""
        ahead = 0
        for caller in self._engine.waiting():
            if caller.id == call_id:
                break
            ahead += 1
        return ahead

    @property
    def accuracy(self) -> Accuracy:
        """What callers were told against what came of it."""
        return self._forecast.measure()
