"""See `bench.acd`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from asterisk_conf.programs import Programs
from bench.acd.place import Place
from bench.acd.report import Results, table
from bench.acd.rows import ROWS


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


async def measure(
    names: set[str], *, rounds: int, quick: bool, systems: set[str], rate: float, profile: Path | None
) -> Results:
    results: Results = {}
    async with Place(Programs(), rate=rate, profile=profile) as place:
        for turn in range(rounds):
            for row in ROWS:
                if names and row.name not in names:
                    continue
                for system in row.systems[turn % len(row.systems) :] + row.systems[: turn % len(row.systems)]:
                    if systems and system not in systems:
                        continue
                    figures = await row.measure(place, system, row.seconds / 3 if quick else row.seconds)
                    told = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
                    _say(f"{turn + 1} {row.name:<10} {system:<13} {told}")
                    results.setdefault(row.name, {}).setdefault(system, []).append(figures)
        _say(f"repairs: {await place.tell('repairs')}")
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.acd", description="Speed, side by side with app_queue.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument("--rows", default="", help=f"of {', '.join(row.name for row in ROWS)}; separated by commas")
    parser.add_argument("--systems", default="", help="of aq, floor, ours; separated by commas")
    parser.add_argument("--rate", type=float, default=60.0, help="calls a second of the row `per call`")
    parser.add_argument("--json", type=Path, help="write everything that was measured here")
    parser.add_argument("--profile", type=Path, help="write a profile (cProfile) of our controller under load here")
    asked = parser.parse_args()
    names = {name for name in asked.rows.split(",") if name}
    systems = {name for name in asked.systems.split(",") if name}
    results = asyncio.run(
        measure(
            names,
            rounds=1 if asked.quick else asked.rounds,
            quick=asked.quick,
            systems=systems,
            rate=asked.rate,
            profile=asked.profile and asked.profile.absolute(),
        )
    )
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    sys.stdout.write(table(results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
