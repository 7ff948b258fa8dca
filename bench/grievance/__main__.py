"""Figures of the grievance core, on SQLite and on a private PostgreSQL that is gone afterwards.

    .venv/bin/python -m bench.grievance                    # registering
    .venv/bin/python -m bench.grievance --sweep 10000000   # and the sweep among so many complaints
    .venv/bin/python -m bench.grievance --complaints 0 --dashboard 10000000   # the figures over so many, PostgreSQL

What they mean stands in bench/grievance/README.md. Only figures of one run may be compared.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.grievance.dashboard import dashboard_row
from bench.grievance.register import register_row
from bench.grievance.sweep import sweep_row
from tests.postgres import OPTIONS, start_postgres

DURABLE = ("listen_addresses=", "max_connections=60")
BULK = (*OPTIONS, "max_wal_size=4GB", "maintenance_work_mem=512MB")


@contextmanager
def place(kind: str, *, options: tuple[str, ...]) -> Iterator[str]:
    """The address of an empty database of this kind."""
    if kind == "postgresql":
        server = start_postgres(options=options)
        try:
            yield server.url()
        finally:
            server.stop()
        return
    folder = Path(tempfile.mkdtemp(prefix="hl-"))
    try:
        yield f"sqlite+aiosqlite:///{folder / 'helpline.sqlite3'}"
    finally:
        shutil.rmtree(folder)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--complaints", type=int, default=1000, help="registered in each round")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--clients", type=int, default=4)
    asked.add_argument(
        "--sweep", type=int, default=0, metavar="ROWS", help="measure the sweep among so many complaints"
    )
    asked.add_argument(
        "--dashboard", type=int, default=0, metavar="COMPLAINTS", help="measure the figures over so many complaints"
    )
    asked.add_argument("--only", choices=("sqlite", "postgresql"))
    given = asked.parse_args()
    logging.disable(logging.INFO)
    if given.dashboard:
        with place("postgresql", options=BULK) as url:
            row = dashboard_row(url, complaints=given.dashboard)
            sys.stdout.write(f"dashboard postgresql  {asyncio.run(row)}\n")
            sys.stdout.flush()
    for kind in ("sqlite", "postgresql"):
        if given.only not in (None, kind):
            continue
        if given.complaints:
            with place(kind, options=DURABLE) as url:
                row = register_row(url, complaints=given.complaints, rounds=given.rounds, clients=given.clients)
                sys.stdout.write(f"register  {kind:10}  {asyncio.run(row)}\n")
                sys.stdout.flush()
        if given.sweep:
            with place(kind, options=BULK) as url:
                sys.stdout.write(f"sweep     {kind:10}  {asyncio.run(sweep_row(url, rows=given.sweep))}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
