"""What was measured, against what is to be reached. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

Results = dict[str, dict[str, list[dict[str, float]]]]
"""Figures by row, system and round."""


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table: a ratio of medians and its bound."""

    what: str
    row: str
    figure: str
    against: str
    bound: float
    at_most: bool = True
    own: bool = False
    """The figure itself is bounded, not a ratio."""


TARGETS = (
    Target("agent idle with callers waiting, p50", "idle", "idle p50 ms", "aq", 0.03),
    Target("agent idle with callers waiting, p95", "idle", "idle p95 ms", "aq", 0.03),
    Target("served at saturation, share of capacity", "saturation", "of capacity", "", 0.9, at_most=False, own=True),
    Target("served at saturation", "saturation", "served/s", "aq", 3.5, at_most=False),
    Target("CPU of waiting callers (250)", "waiting", "cpu", "aq", 0.4),
    Target("CPU a call at 60 calls/s", "per call", "ms a call", "floor", 1.3),
    Target("highest rate, in order", "rate", "calls/s", "floor", 0.85, at_most=False),
    Target("offer to an idle agent, p95", "offer", "offer p95 ms", "floor", 1.5),
    Target("growth of set-up cost, 0 to 300 calls", "growth", "growth", "floor", 1.5),
)


def median(results: Results, row: str, system: str, figure: str) -> float:
    values = [figures[figure] for figures in results.get(row, {}).get(system, ()) if figure in figures]
    return statistics.median(values) if values else float("nan")


def table(results: Results) -> str:
    """The targets, then every median."""
    head = f"{'what':<42} {'ours':>9} {'other':>9} {'ratio':>7}  to reach\n"
    lines = [head, *(_line(results, target) for target in TARGETS if target.row in results)]
    swaps = [f["out of order"] for by in results.values() for f in by.get("ours", ()) if "out of order" in f]
    lines.append(f"{'out-of-order offers, all rows':<42} {sum(swaps):>9.0f} {'':>9} {'':>7}  0\n")
    return "".join(lines) + "\n" + "".join(_medians(results))


def _line(results: Results, target: Target) -> str:
    ours = median(results, target.row, "ours", target.figure)
    other = median(results, target.row, target.against, target.figure) if target.against else float("nan")
    ratio = ours if target.own else ours / other if other else float("nan")
    held = ratio <= target.bound if target.at_most else ratio >= target.bound
    sign = "<=" if target.at_most else ">="
    against = f" x {target.against}" if target.against else ""
    return (
        f"{target.what:<42} {ours:>9.3g} {other:>9.3g} {ratio:>7.3f}  "
        f"{sign} {target.bound:g}{against}  {'yes' if held else 'NO'}\n"
    )


def _medians(results: Results) -> list[str]:
    lines = []
    for row, systems in results.items():
        for system, rounds in systems.items():
            told = "  ".join(f"{name} {median(results, row, system, name):.4g}" for name in rounds[0])
            lines.append(f"{row:<10} {system:<13} n={len(rounds)}  {told}\n")
    return lines
