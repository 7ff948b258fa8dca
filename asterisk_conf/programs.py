"""The programs that the helpline and its demo run: the system's own where they will do, else Debian's, fetched."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from asterisk_conf import commands, progress
from asterisk_conf.commands import Runner
from asterisk_conf.errors import ProgramBroken
from asterisk_conf.packages import PackageFetcher, default_cache
from asterisk_conf.platforms import Platform, platform_of
from asterisk_conf.progress import Progress

ProgramName = Literal["asterisk", "redis-server", "sipp", "baresip", "espeak-ng"]
PROGRAM_NAMES: tuple[ProgramName, ...] = get_args(ProgramName)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is on this machine and starts."""

    name: ProgramName
    argv: tuple[str, ...]
    """What to run it by; arguments go behind. A fetched program starts through its prefix's own loader."""
    env: Mapping[str, str]
    """Variables to set beside the environment."""
    origin: Literal["system", "fetched"]
    version: str
    prefix: Path | None = None
    """The folder that stands for / in a fetched program's files; None for the system's own."""
    modules: Path | None = None
    """The folder of its loadable modules (Asterisk's astmoddir, baresip's module_path)."""
    data: Path | None = None
    """The folder of its data (Asterisk's documentation, espeak-ng's voices)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    packages: tuple[str, ...]
    file: str
    version: tuple[str, ...]
    """Arguments that make it say its version."""
    needs_mb: int
    minimum: int = 0
    """The oldest major version that will do."""
    modules: tuple[str, ...] = ()
    """Where modules may lie, below the root; {triplet} is Debian's library folder."""
    modules_proof: str = ""
    data: tuple[str, ...] = ()
    data_proof: str = ""
    data_variable: str = ""
    libraries: tuple[str, ...] = field(default=())
    """Folders of libraries beside the usual one."""


RECIPES: dict[ProgramName, _Recipe] = {
    "asterisk": _Recipe(
        packages=("asterisk",),
        file="usr/sbin/asterisk",
        version=("-V",),
        needs_mb=500,
        minimum=20,
        modules=("usr/lib/{triplet}/asterisk/modules", "usr/lib/asterisk/modules", "usr/lib64/asterisk/modules"),
        modules_proof="chan_pjsip.so",
        # Without the documentation's XML Asterisk refuses to start its own core.
        data=("usr/share/asterisk", "var/lib/asterisk"),
        data_proof="documentation/core-en_US.xml",
    ),
    "redis-server": _Recipe(
        packages=("redis-server",), file="usr/bin/redis-server", version=("--version",), needs_mb=150
    ),
    "sipp": _Recipe(packages=("sip-tester",), file="usr/bin/sipp", version=("-v",), needs_mb=150),
    "baresip": _Recipe(
        packages=("baresip-core",),
        file="usr/bin/baresip",
        version=("-h",),
        needs_mb=400,
        modules=("usr/lib/{triplet}/baresip/modules", "usr/lib/baresip/modules"),
        modules_proof="account.so",
        libraries=("usr/lib/{triplet}/pulseaudio",),
    ),
    "espeak-ng": _Recipe(
        packages=("espeak-ng",),
        file="usr/bin/espeak-ng",
        version=("--version",),
        needs_mb=250,
        data=("usr/lib/{triplet}/espeak-ng-data", "usr/share/espeak-ng-data"),
        data_proof="phontab",
        data_variable="ESPEAK_DATA_PATH",
        libraries=("usr/lib/{triplet}/pulseaudio",),
    ),
}

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")
"""Looked into beside PATH: a person's PATH often lacks the sbin folders where asterisk lies."""


class Programs:
    """Finds programs, fetching what the machine lacks into a cache that is shared by all checkouts.

    `show` gives the callback that is told of a fetch's progress; by default a bar on stderr.
    """

    def __init__(
        self,
        cache: Path | None = None,
        *,
        show: Callable[[], Progress] | None = None,
        runner: Runner = commands.run,
        fetcher: PackageFetcher | None = None,
        path: Sequence[str] | None = None,
    ) -> None:
        self.cache = cache or default_cache(os.environ)
        self._show = show
        self._run = runner
        self._fetcher = fetcher
        self._path = os.pathsep.join(path if path is not None else (os.environ.get("PATH", ""), *SYSTEM_FOLDERS))
        self._found: dict[ProgramName, Program] = {}

    def find(self, name: ProgramName) -> Program:
        """The program, ready to run. May take some seconds and the network the first time. Raises ProgramError."""
        if name not in self._found:
            self._found[name] = self._of_system(name) or self._fetched(name)
        return self._found[name]

    def forget(self) -> None:
        """Drop everything fetched, so that it is fetched anew. Stop what runs from the cache first."""
        self._found.clear()
        if self._fetcher or self.cache.is_dir():
            self._packages().forget()

    def _of_system(self, name: ProgramName) -> Program | None:
        recipe = RECIPES[name]
        file = shutil.which(Path(recipe.file).name, path=self._path)
        version = self._version((file,), recipe) if file else None
        if file is None or version is None or _major(version) < recipe.minimum:
            return None
        root = Path(file).resolve().parents[2] if "/usr/" in file else Path("/")
        triplet = _triplet()
        modules = _first(root, recipe.modules, recipe.modules_proof, triplet)
        data = _first(root, recipe.data, recipe.data_proof, triplet)
        if (recipe.modules and modules is None) or (name == "asterisk" and data is None):
            return None
        return Program(name, (file,), {}, "system", version, modules=modules, data=data)

    def _fetched(self, name: ProgramName) -> Program:
        recipe = RECIPES[name]
        packages = self._packages()
        prefix = packages.prefix(name)
        if not prefix.is_dir():
            with self._shown() as progress_of:
                prefix = packages.fetch(name, recipe.packages, needs_mb=recipe.needs_mb, progress=progress_of)
        machine = _this_platform()
        loader = machine.loader_in(prefix)
        if loader is None:
            raise ProgramBroken(name, f"{prefix} has no {machine.loader}")
        folders = [
            prefix / folder.format(triplet=machine.triplet) for folder in ("usr/lib/{triplet}", *recipe.libraries)
        ]
        libraries = ":".join(str(folder) for folder in folders if folder.is_dir())
        argv = (str(loader), "--library-path", libraries, str(prefix / recipe.file))
        data = _first(prefix, recipe.data, recipe.data_proof, machine.triplet)
        env = {recipe.data_variable: str(data)} if recipe.data_variable and data else {}
        version = self._version(argv, recipe)
        if version is None:
            raise ProgramBroken(name, self._run((*argv, *recipe.version)).last_words())
        return Program(
            name,
            argv,
            env,
            "fetched",
            version,
            prefix=prefix,
            modules=_first(prefix, recipe.modules, recipe.modules_proof, machine.triplet),
            data=data,
        )

    def _version(self, argv: Sequence[str], recipe: _Recipe) -> str | None:
        # The exit code says nothing: SIPp answers -v with 99, baresip -h with 254.
        match = re.search(r"\d+(?:\.\d+)+", self._run((*argv, *recipe.version)).output)
        return match[0] if match else None

    def _packages(self) -> PackageFetcher:
        if self._fetcher is None:
            self._fetcher = PackageFetcher(self.cache, _this_platform())
        return self._fetcher

    @contextmanager
    def _shown(self) -> Iterator[Progress]:
        if self._show:
            yield self._show()
        else:
            with progress.bar() as progress_of:
                yield progress_of


def _this_platform() -> Platform:
    return platform_of(platform.system(), platform.machine())


def _triplet() -> str:
    return f"{platform.machine()}-linux-gnu"


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _first(root: Path, places: Sequence[str], proof: str, triplet: str) -> Path | None:
    folders = (root / place.format(triplet=triplet) for place in places)
    return next((folder for folder in folders if (folder / proof).exists()), None)
