"""The queues as the settings change them."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from acd.engine.queues import DEFAULT_QUEUES, Hours, Overflow, QueueRules, ServicePromise, To, When, Widening
from acd.engine.skills import Need
from helpline.errors import SettingsError
from helpline.queue_rules import queue_rules
from helpline.settings import Settings, parse

pytestmark = pytest.mark.unit


def rules(text: str) -> dict[str, QueueRules]:
    settings: Settings = parse(text, source="helpline.toml", base=Path("/srv"))
    return {one.name: one for one in queue_rules(settings.queues, zone=settings.zone)}


def test_without_a_word_the_queues_are_as_shipped() -> None:
    assert tuple(rules("").values()) == DEFAULT_QUEUES


def test_what_is_not_said_stays_and_what_is_said_counts() -> None:
    found = rules(
        """
        [queues.complaint]
        requires = ["service:complaint", "speciality:land=3"]
        race = 2
        opens = 09:00:00
        closes = 18:00:00
        promise_seconds = 30
        overflow = [{ when = "length", limit = 50, to = "message" }, { when = "closed", to = "queue", queue = "night" }]

        [queues.night]
        widening = [{ after_seconds = 20, drop = ["speciality:"], lower_to = 2 }]
        """
    )
    complaint, shipped = found["complaint"], DEFAULT_QUEUES[0]
    assert complaint.required == (Need("service:complaint"), Need("speciality:land", 3))
    assert (complaint.race, complaint.known_agent_seconds) == (2, shipped.known_agent_seconds)
    assert complaint.widening == shipped.widening
    assert complaint.hours == Hours(opens=time(9), closes=time(18), utc_minutes=330)
    assert complaint.promise == ServicePromise(seconds=30.0)
    assert complaint.overflow == (
        Overflow(when=When.LENGTH, limit=50, to=To.MESSAGE),
        Overflow(when=When.CLOSED, to=To.QUEUE, queue="night"),
    )
    assert found["night"].required == (Need("service:night"),)
    assert found["night"].widening == (Widening(after_seconds=20.0, drop=("speciality:",), lower_to=2),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[queues.complaint]\nrase = 2\n", ["line 2: queues.complaint.rase is not a setting", "race"]),
        ("[queues.complaint]\nopens = 09:00:00\n", ["queues.complaint", "opens and closes go together"]),
        ("[queues.x]\nrequires = ['land']\n", ["line 2: queues.x.requires"]),
        ("[queues.x]\noverflow = [{ when = 'never', to = 'queue' }]\n", ["line 2: queues.x.overflow"]),
    ],
    ids=["a misspelt key", "half of the hours", "no skill", "no such moment"],
)
def test_a_fault_is_told_with_its_line(text: str, expected: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        rules(text)
    for part in expected:
        assert part in str(error.value)
