"""A list of many contacts: how long its import takes, and then how long the next contact takes to choose."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import async_sessionmaker

from helpline.contact_files import ContactFile
from helpline.storage import migrate, open_engine
from outbound_dialer.campaign import Campaign
from outbound_dialer.campaigns import Campaigns
from outbound_dialer.contacts import Contacts

INDIA = ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 11, 25, 6, tzinfo=UTC)
ROUNDS = 2000


def p99(seconds: Sequence[float]) -> float:
    """In milliseconds."""
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000


def write_list(file: Path, contacts: int, seed: int) -> None:
    """Each line with a complaint and a due time of its own, in no order."""
    rng = random.Random(seed)
    with file.open("w", encoding="utf-8") as out:
        out.write("number,complaint,due\n")
        for one in range(contacts):
            due = NOW + timedelta(seconds=rng.randrange(14 * 86400))
            out.write(f"9{rng.randrange(10**9):09},{rng.randrange(10**5):05}{one:07},{due:%Y-%m-%d %H:%M:%S}\n")


async def measure(url: str, file: Path, say: Callable[[str], None]) -> dict[str, float]:
    """On an empty database. After each choice the one who was chosen rests, or is settled, as after a call."""
    await migrate(url)
    engine = open_engine(url)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    try:
        await Campaigns(sessions, clock=lambda: NOW).make(Campaign(name="million", made_at=NOW, made_by="bench"))
        contacts = Contacts(sessions, clock=lambda: datetime.now(UTC))
        lines = ContactFile(file, zone=INDIA, now=NOW, asks=True)
        begun = time.perf_counter()
        right, faults = lines.check()
        checked = time.perf_counter()
        loaded = await contacts.load("million", lines.right(), source=file.name, by="bench")
        done = time.perf_counter()
        say(f"imported {loaded.new} in {done - begun:.1f} s, {len(faults)} bad")
        took: list[float] = []
        for turn in range(ROUNDS):
            at = time.perf_counter()
            (chosen,) = await contacts.next("million", 1)
            took.append(time.perf_counter() - at)
            if turn % 2:
                await contacts.settle("million", chosen.key, "answered")
            else:
                await contacts.rest("million", chosen.key, NOW + timedelta(days=30))
        again = time.perf_counter()
        repeated = await contacts.load("million", lines.right(), source=file.name, by="bench")
        return {
            "contacts": loaded.new,
            "of lines": right,
            "check s": checked - begun,
            "import s": done - begun,
            "next p50 ms": sorted(took)[len(took) // 2] * 1000,
            "next p99 ms": p99(took),
            "same again s": time.perf_counter() - again,
            "same again, new": repeated.new,
        }
    finally:
        await engine.dispose()


def run(contacts: int, url: str | None, seed: int) -> dict[str, float]:
    """In a temporary SQLite file unless the address of an empty database is given."""
    with tempfile.TemporaryDirectory(prefix="hl-") as folder:
        file = Path(folder) / "list.csv"
        write_list(file, contacts, seed)
        address = url or f"sqlite+aiosqlite:///{folder}/bench.sqlite3"
        return asyncio.run(measure(address, file, lambda words: sys.stderr.write(f"{words}\n")))
