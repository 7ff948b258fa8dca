"""See `bench.dialer`."""

from __future__ import annotations

import argparse
import sys

from bench.dialer.million import run

TO_REACH = {"import s": 60.0, "next p99 ms": 5.0}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.dialer", description="A campaign's list of a million.")
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--database", help="the address of an empty database; else a temporary SQLite file")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    figures = run(asked.contacts, asked.database, asked.seed)
    for name, value in figures.items():
        bound = TO_REACH.get(name)
        held = "" if bound is None else f"  to reach <= {bound:g}: {'yes' if value <= bound else 'NO'}"
        sys.stdout.write(f"{name:<18} {value:>12.2f}{held}\n")
    return int(any(figures[name] > bound for name, bound in TO_REACH.items()))


if __name__ == "__main__":
    sys.exit(main())
