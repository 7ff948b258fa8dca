"""What `helpline doctor` looks at. Each look gives a Check; none changes anything, fetches anything or raises."""

from __future__ import annotations

import asyncio
import fcntl
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from asterisk_conf.errors import AsteriskConfError
from asterisk_conf.packages import PackageFetcher, default_cache
from asterisk_conf.platforms import platform_of
from asterisk_conf.programs import PROGRAM_NAMES, ProgramName, Programs
from helpline.commands.common import Asked
from helpline.commands.records import is_new
from helpline.errors import HelplineError, NameTaken, SettingsError
from helpline.runfolder import LEAST_FREE_BYTES, RunFolder
from helpline.settings import Settings, parse, refuse_taken_names

PYTHONS = ((3, 11), (3, 13))
ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class Check:
    """One look: what was found, and what to do about it when it is a problem."""

    name: str
    ok: bool
    found: str
    mend: str = ""


def all_checks(asked: Asked) -> list[Check]:
    """Every check, in the order in which a person would mend things."""
    try:
        settings = asked.settings
        first = Check("settings", True, "read" if asked.settings_file else "defaults, or the file found here")
    except SettingsError as error:
        settings = parse("", source="", base=Path.cwd())
        first = Check("settings", False, str(error), "Correct that line. What follows is checked with the defaults.")
    looks: list[Callable[[], Check]] = [
        python,
        machine,
        names,
        lambda: disk(settings),
    ]
    programs = _programs_that_fetch_nothing()
    return [
        first,
        *(look() for look in looks),
        *(program(name, programs) for name in PROGRAM_NAMES),
        prompts(settings),
        *asyncio.run(_running(settings, programs)),
    ]


def python() -> Check:
    running = sys.version_info[:2]
    good = PYTHONS[0] <= running <= PYTHONS[1]
    return Check(
        "python",
        good,
        platform.python_version(),
        "" if good else "Use Python 3.11 to 3.13: remove .venv, then PYTHON=python3.11 make run.",
    )


def machine() -> Check:
    try:
        platform_of(platform.system(), platform.machine())
    except AsteriskConfError as error:
        return Check("machine", False, f"{platform.system()} on {platform.machine()}", str(error))
    return Check("machine", True, f"{platform.system()} on {platform.machine()}")


def names() -> Check:
    try:
        refuse_taken_names()
    except NameTaken as error:
        return Check("package names", False, "taken by another distribution", str(error))
    return Check("package names", True, "ours")


def disk(settings: Settings) -> Check:
    folder = settings.run_folder
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    good = free >= LEAST_FREE_BYTES
    return Check(
        "disk",
        good,
        f"{free // 2**20} MiB free for {folder}",
        "" if good else f"Free at least {LEAST_FREE_BYTES // 2**20} MiB, or choose another run_folder in the settings.",
    )


class _NotHere(AsteriskConfError):
    """It is not on this machine yet."""


class _Looking(PackageFetcher):
    """Finds what was fetched before and fetches nothing."""

    def fetch(self, program: str, *_: object, **__: object) -> Path:
        raise _NotHere(program)


def _programs_that_fetch_nothing() -> Programs:
    cache = default_cache(os.environ)
    try:
        here = platform_of(platform.system(), platform.machine())
    except AsteriskConfError:
        return Programs(cache)  # nothing can be fetched here: asked for a program, it says so
    return Programs(cache, fetcher=_Looking(cache, here))


def program(name: ProgramName, programs: Programs) -> Check:
    """On the machine, fetched, or to be fetched by the first `helpline run`."""
    try:
        found = programs.find(name)
    except _NotHere:
        missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
        if missing:
            return Check(name, False, "not here", f"Install {name}; without {', '.join(missing)} it can't be fetched.")
        return Check(name, True, "not here yet; the first `helpline run` or `helpline demo` fetches it")
    except AsteriskConfError as error:
        return Check(name, False, "can't be used", str(error))
    return Check(name, True, f"{found.version} ({found.origin})")


def is_running(folder: Path, role: str = "supervisor") -> bool:
    """Whether somebody holds this run folder. The lock is the kernel's, so a file alone means nothing."""
    try:
        with (folder / f"{role}.lock").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def ports(settings: Settings, *, ours: frozenset[str]) -> Iterator[Check]:
    """Each port is free, or one of our own (`ours`, by name) has it."""
    bind = settings.telephony.bind
    wanted = [
        ("sip_port", bind, settings.telephony.sip_port, socket.SOCK_DGRAM),
        ("ami_port", "127.0.0.1", settings.telephony.ami_port, socket.SOCK_STREAM),
        ("agi_port", "127.0.0.1", settings.telephony.agi_port, socket.SOCK_STREAM),
        ("[console] port", settings.console.host, settings.console.port, socket.SOCK_STREAM),
    ]
    if not settings.redis_url:
        wanted.append(("redis_port", "127.0.0.1", settings.redis_port, socket.SOCK_STREAM))
    for name, host, port, kind in wanted:
        yield _port(name, host, port, kind, ours=name in ours)


def _port(name: str, host: str, port: int, kind: socket.SocketKind, *, ours: bool) -> Check:
    label = f"port {port} ({name})"
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if ours:
                return Check(label, True, "in use by the helpline that runs here")
            flag = "u" if kind is socket.SOCK_DGRAM else "t"
            return Check(
                label,
                False,
                f"{host} can't be had ({error.strerror})",
                f"See who has it with `ss -l{flag}np 'sport = :{port}'` and stop it, or set {name} to a free one.",
            )
    return Check(label, True, "free")


def prompts(settings: Settings) -> Check:
    folder = RunFolder(settings.run_folder).prompts
    count = sum(1 for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else 0
    return Check("prompts", True, f"{count} files" if count else "not spoken yet; the first `helpline run` makes them")


async def _running(settings: Settings, programs: Programs) -> list[Check]:
    """What may run: the helpline itself, Asterisk and Redis (both outlive it when it is killed), the database."""
    runs = is_running(settings.run_folder)
    redis_check = await redis_there(settings)
    ours: set[str] = set()
    if runs:
        ours |= {"agi_port", "[console] port"}
    if runs or asterisk_runs(settings, programs):
        ours |= {"sip_port", "ami_port"}
    if redis_check.found == ANSWERS:
        ours.add("redis_port")
    found = [*ports(settings, ours=frozenset(ours)), redis_check, await database(settings)]
    return [*found, helpline(settings)] if runs else found


def asterisk_runs(settings: Settings, programs: Programs) -> bool:
    """Whether an Asterisk of this run folder is there."""
    from helpline import wiring

    if not settings.run_folder.is_dir():
        return False
    try:
        return wiring.asterisk(settings, programs.find("asterisk")).running()
    except AsteriskConfError:
        return False


def helpline(settings: Settings) -> Check:
    """The running helpline's own word on its parts."""
    from helpline.client import Client

    try:
        with Client(settings) as client:
            links = client.get("/api/status")["links"]
    except HelplineError as error:
        return Check("helpline", False, "runs and does not answer", str(error))
    missing = [name for name, there in links.items() if not there]
    return Check(
        "helpline",
        not missing,
        f"runs, without {', '.join(missing)}" if missing else "runs, all parts are there",
        f"Look into {RunFolder(settings.run_folder).log}, then stop and start `helpline run`." if missing else "",
    )


async def redis_there(settings: Settings) -> Check:
    """The Redis of the settings answers; a private one need not run yet."""
    from helpline import wiring

    private = not settings.redis_url
    if private and not (settings.run_folder / "redis.secret").exists():
        return Check("redis", True, "not running; `helpline run` starts a private one")
    client = wiring.redis_client(settings)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        if private and not is_running(settings.run_folder):
            return Check("redis", True, "not running; `helpline run` starts a private one")
        return Check(
            "redis",
            False,
            f"does not answer ({type(error).__name__})",
            "Stop `helpline run` and start it again." if private else "Start it, or check redis_url in the settings.",
        )
    finally:
        await client.aclose()
    return Check("redis", True, ANSWERS)


async def database(settings: Settings) -> Check:
    """It can be reached, and its schema is the one of this version."""
    from helpline import storage

    if is_new(settings):
        return Check("database", True, "not there yet; it is made at first use")
    engine = storage.open_engine(settings.database)
    try:
        async with engine.connect() as connection:
            has = await connection.run_sync(_heads)
    except (SQLAlchemyError, OSError) as error:
        said = str(getattr(error, "orig", error))
        return Check("database", False, f"can't be used ({said})", "Check database_url in the settings.")
    finally:
        await engine.dispose()
    wanted = newest_schema()
    if has != wanted:
        return Check(
            "database",
            False,
            f"has schema {', '.join(sorted(has)) or 'none'}, this version wants {', '.join(sorted(wanted))}",
            "Run `helpline run`: it brings the schema up to date. Make a copy of the database before.",
        )
    return Check("database", True, "reachable, schema up to date")


def _heads(connection: Connection) -> frozenset[str]:
    from alembic.runtime.migration import MigrationContext

    return frozenset(MigrationContext.configure(connection).get_current_heads())


def newest_schema() -> frozenset[str]:
    """The step of the schema that this version wants."""
    from alembic.script import ScriptDirectory

    from helpline import migrations

    return frozenset(ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads())
