"""How long the command line takes to start: wall time of whole processes, medians.

Run: .venv/bin/python bench/cli_start.py [--runs N]. The target is 0.4 s for `helpline --help`; ends with 1 above it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_SECONDS = 0.4
COMMANDS = (
    ("--help",),
    ("complaint", "register", "--help"),
    ("status",),
    ("complaint", "lifecycle"),
    ("complaint", "list"),
)


def seconds(arguments: tuple[str, ...], folder: Path) -> float:
    """Wall time of one run in an empty folder; what it answers does not matter here."""
    program = Path(sys.executable).parent / "helpline"
    began = time.perf_counter()
    subprocess.run([program, *arguments], cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs: int = parser.parse_args().runs
    medians = {}
    with tempfile.TemporaryDirectory() as folder:
        for arguments in COMMANDS:
            seconds(arguments, Path(folder))  # fills the page cache, and makes the database at its first use
            taken = sorted(seconds(arguments, Path(folder)) for _ in range(runs))
            medians[arguments] = statistics.median(taken)
            line = f"helpline {' '.join(arguments):<28} median {medians[arguments]:.3f} s, slowest {taken[-1]:.3f} s"
            sys.stdout.write(f"{line} of {runs} runs\n")
    return 0 if medians["--help",] < TARGET_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main())
