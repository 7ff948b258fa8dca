"""The life cycle for people: what docs/complaint-life.md shows is what the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from grievance_core.lifecycle import FINAL, Barred, EventKind, State, Transition
from grievance_core.lifecycle_drawing import diagram, drawing, rules, staying
from grievance_core.lifecycle_table import TABLE

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[3] / "docs" / "complaint-life.md"


def part(name: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->\n")[1].split(f"<!-- end of {name} -->")[0]


@pytest.mark.parametrize(("name", "made"), [("drawing", drawing()), ("rules", rules())])
def test_the_page_shows_what_the_table_says(name: str, made: str) -> None:
    """Put it there anew with: helpline complaint lifecycle --drawing (or --rules)."""
    assert part(name) == made


def test_each_move_is_an_arrow_with_its_events_and_each_end_is_drawn() -> None:
    arrows = diagram()
    for (state, kind), outcome in TABLE.items():
        if isinstance(outcome, Transition) and outcome.to is not state:
            (line,) = [line for line in arrows.splitlines() if line.startswith(f"    {state} --> {outcome.to}:")]
            assert kind.replace("_", " ") in line.split(": ")[1].split(", ")
    for state in State:
        assert (f"    {state} --> [*]" in arrows) == (state in FINAL)


def test_what_stays_is_listed_for_each_state_and_every_rule_is_told() -> None:
    rows = {line.split("|")[1].strip(): line for line in staying().splitlines()[2:]}
    assert set(rows) == {state.replace("_", " ") for state in State}
    assert EventKind.SECOND_FEEDBACK.replace("_", " ") in rows["closed satisfied"]
    assert all(rule.value in rules() for rule in Barred)


def test_every_state_is_explained_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| {state.replace('_', ' ')} |" in text for state in State)
