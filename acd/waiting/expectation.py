"""What the forecast is told of the live queue, and what it says to one caller: glue between engine and forecast."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime

from acd.engine.engine import Engine
from acd.engine.events import (
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
from acd.engine.queues import HEAD_START_SECONDS
from acd.waiting.forecast import Accuracy, Forecast
from acd.waiting.ranges import Range
from acd.waiting.standing import standing_of

log = logging.getLogger(__name__)

VERSION = 1
"""Of what is kept of the forecast. Another one is not read: it is learned anew within some minutes."""


class Expectation:
    """`hear` every event with what was decided, in order; `quote` when a caller is to be told."""

    def __init__(self, engine: Engine, forecast: Forecast) -> None:
        self._engine = engine
        self._forecast = forecast

    def kept(self) -> str:
        """All that was learned, as text for the next controller."""
        return json.dumps({"version": VERSION, **self._forecast.state()}, separators=(",", ":"))

    def take_up(self, text: str) -> None:
        """Go on with what the controller before had learned; "" or what can't be read: begin anew."""
        if not text:
            return
        try:
            state = json.loads(text)
            if state["version"] != VERSION:
                raise ValueError(f"version {state['version']!r}")
            self._forecast = Forecast.of(state)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning(
                "What was learned of waits can't be read", extra={"action": "forecast_unreadable", "error": repr(error)}
            )

    def hear(self, events: Sequence[Event], at: datetime, sent_away: Sequence[str], *, found: bool = False) -> None:
        """`sent_away`: callers whom the engine let go by itself, who did not give up. `found`: at the start, so who
        joins came before."""
        forecast = self._forecast
        for caller in sent_away:
            forecast.note_left(caller, at, gave_up=False)
        for event in events:
            match event:
                case CallerJoined(joined) if joined.kind is Kind.CALL:
                    head_start = HEAD_START_SECONDS[joined.urgency]
                    forecast.note_joined(joined.id, joined.queue, at, head_start=head_start, arrives=not found)
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
        standing = standing_of(self._engine, call_id, at)
        return None if standing is None else self._forecast.quote(standing, at)

    @property
    def accuracy(self) -> Accuracy:
        """What callers were told against what came of it."""
        return self._forecast.measure()
