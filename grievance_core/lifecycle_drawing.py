"""The life cycle for people: the table as rows, and for docs/complaint-life.md as a diagram and lists. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from grievance_core.lifecycle import FINAL, Barred, EventKind, State, Transition
from grievance_core.lifecycle_table import TABLE


@dataclass(frozen=True, slots=True)
class TableRow:
    """One cell of the table for printing."""

    state: str
    event: str
    to: str  # "" when barred
    effects: tuple[str, ...]
    barred: str  # name of the rule, "" when allowed
    words: str  # the effects, or what to do instead


def printable() -> tuple[TableRow, ...]:
    """The whole table, state by state, as plain text."""
    rows = []
    for (state, kind), outcome in TABLE.items():
        if isinstance(outcome, Transition):
            effects = tuple(effect.name.lower() for effect in outcome.effects)
            words = "; ".join(outcome.effects) or "put on record"
            rows.append(TableRow(state.value, kind.value, outcome.to.value, effects, "", words))
        else:
            rows.append(TableRow(state.value, kind.value, "", (), outcome.name.lower(), outcome.value))
    return tuple(rows)


def diagram() -> str:
    """The moves from state to state as a Mermaid state diagram; what leaves a complaint where it is is not drawn."""
    moves: dict[tuple[State, State], list[EventKind]] = {}
    for (state, kind), outcome in TABLE.items():
        if isinstance(outcome, Transition) and outcome.to is not state:
            moves.setdefault((state, outcome.to), []).append(kind)
    lines = ["stateDiagram-v2", f"    [*] --> {State.REGISTERED}"]
    for (state, to), kinds in moves.items():
        lines.append(f"    {state} --> {to}: {', '.join(kind.replace('_', ' ') for kind in kinds)}")
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines) + "\n"


def staying() -> str:
    """What is put on record in a state without leaving it, as a table in Markdown."""
    lines = ["| state | what is put on record there and leaves it where it is |", "|---|---|"]
    for state in State:
        kinds = [
            kind.replace("_", " ")
            for kind in EventKind
            if isinstance(cell := TABLE[state, kind], Transition) and cell.to is state
        ]
        lines.append(f"| {state.replace('_', ' ')} | {', '.join(kinds) or '–'} |")
    return "\n".join(lines) + "\n"


def drawing() -> str:
    """The diagram as Markdown shows it, and what it leaves out."""
    return f"```mermaid\n{diagram()}```\n\n{staying()}"


def rules() -> str:
    """The rules against events, as a table in Markdown: by name, with what they tell the person."""
    lines = ["| rule | what the person is told |", "|---|---|"]
    lines += [f"| {rule.name.lower().replace('_', ' ')} | {rule.value} |" for rule in Barred]
    return "\n".join(lines) + "\n"
