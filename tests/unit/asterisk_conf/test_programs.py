from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from asterisk_conf import commands
from asterisk_conf.commands import Ended
from asterisk_conf.errors import ProgramBroken
from asterisk_conf.packages import PackageFetcher
from asterisk_conf.platforms import AMD64, ARM64, Platform
from asterisk_conf.programs import PROGRAM_NAMES, RECIPES, Program, ProgramName, Programs
from asterisk_conf.progress import FetchProgress, Progress, bar, silent

pytestmark = pytest.mark.unit


class FakeFetcher(PackageFetcher):
    """Unpacks a prefix with the given files instead of Debian's."""

    def __init__(self, cache: Path, files: Sequence[str]) -> None:
        super().__init__(cache, AMD64)
        self.files = files
        self.fetched: list[str] = []

    def fetch(self, program: str, packages: Sequence[str], *, needs_mb: int, progress: Progress = silent) -> Path:
        self.fetched.append(program)
        for file in self.files:
            place = self.prefix(program) / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        return self.prefix(program)


def says(version: str) -> Callable[..., Ended]:
    def run(argv: Sequence[str], *, on_line: Callable[[str], None] | None = None) -> Ended:
        return Ended(0, version)

    return run


@pytest.fixture(params=[AMD64, ARM64], ids=["amd64", "arm64"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Platform:
    chosen: Platform = request.param
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: chosen.triplet.partition("-")[0])
    return chosen


def executable(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o755)
    return file


def asterisk_files(machine: Platform) -> list[str]:
    return [
        f"usr/lib/{machine.triplet}/{machine.loader}",
        f"usr/lib/{machine.triplet}/asterisk/modules/chan_pjsip.so",
        "usr/share/asterisk/documentation/core-en_US.xml",
    ]


def test_a_fetched_program_runs_through_its_prefix_s_own_loader(tmp_path: Path, machine: Platform) -> None:
    fetcher = FakeFetcher(tmp_path, asterisk_files(machine))
    found = Programs(tmp_path, fetcher=fetcher, runner=says("Asterisk 22.10.1"), path=[]).find("asterisk")
    prefix = fetcher.prefix("asterisk")
    libraries = prefix / "usr/lib" / machine.triplet
    assert found == Program(
        "asterisk",
        (str(libraries / machine.loader), "--library-path", str(libraries), str(prefix / "usr/sbin/asterisk")),
        {},
        "fetched",
        "22.10.1",
        prefix=prefix,
        modules=libraries / "asterisk/modules",
        data=prefix / "usr/share/asterisk",
    )


def test_library_folders_beside_the_usual_one_are_searched_and_data_is_pointed_to(
    tmp_path: Path, machine: Platform
) -> None:
    library = f"usr/lib/{machine.triplet}"
    files = [f"{library}/{machine.loader}", f"{library}/pulseaudio/libp.so", f"{library}/espeak-ng-data/phontab"]
    fetcher = FakeFetcher(tmp_path, files)
    found = Programs(tmp_path, fetcher=fetcher, runner=says("eSpeak NG 1.52.0"), path=[]).find("espeak-ng")
    prefix = fetcher.prefix("espeak-ng")
    assert found.argv[2] == f"{prefix / library}:{prefix / library / 'pulseaudio'}"
    assert found.env == {"ESPEAK_DATA_PATH": str(prefix / library / "espeak-ng-data")}


@pytest.mark.parametrize("name", [name for name in PROGRAM_NAMES if name not in {"asterisk", "baresip"}])
def test_the_system_s_own_program_is_preferred_whatever_its_version(
    name: ProgramName, tmp_path: Path, machine: Platform
) -> None:
    file = executable(tmp_path / "bin" / Path(RECIPES[name].file).name)
    programs = Programs(tmp_path, fetcher=FakeFetcher(tmp_path, []), runner=says("v0.1"), path=[str(file.parent)])
    found = programs.find(name)
    assert (found.argv, found.origin, found.version, found.prefix) == ((str(file),), "system", "0.1", None)


@pytest.mark.parametrize(
    ("version", "files", "origin"),
    [
        pytest.param("Asterisk 20.6.0", True, "system", id="new enough"),
        pytest.param("Asterisk 18.10.0", True, "fetched", id="too old"),
        pytest.param("Asterisk 22.1.0", False, "fetched", id="modules not found"),
        pytest.param("error while loading shared libraries", True, "broken", id="says no version"),
    ],
)
def test_the_system_s_asterisk_will_do_from_20_on_with_its_modules(
    version: str, files: bool, origin: str, tmp_path: Path, machine: Platform
) -> None:
    file = executable(tmp_path / "usr/sbin/asterisk")
    if files:
        for each in asterisk_files(machine):
            executable(tmp_path / each)
    fetcher = FakeFetcher(tmp_path / "cache", asterisk_files(machine))
    programs = Programs(tmp_path, fetcher=fetcher, runner=says(version), path=[str(file.parent)])
    if origin == "broken":
        with pytest.raises(ProgramBroken, match=r"shared libraries.*--fresh"):
            programs.find("asterisk")
    else:
        assert programs.find("asterisk").origin == origin


def test_a_prefix_without_a_loader_is_told_as_broken(tmp_path: Path, machine: Platform) -> None:
    programs = Programs(tmp_path, fetcher=FakeFetcher(tmp_path, ["usr/bin/sipp"]), runner=says("3.8"), path=[])
    with pytest.raises(ProgramBroken, match=rf"no {machine.loader}.*--fresh"):
        programs.find("sipp")


def test_a_program_is_looked_for_once_and_again_after_forget(tmp_path: Path, machine: Platform) -> None:
    fetcher = FakeFetcher(tmp_path, asterisk_files(machine))
    programs = Programs(tmp_path, fetcher=fetcher, runner=says("Asterisk 22.10.1"), path=[], show=lambda: silent)
    assert programs.find("asterisk") is programs.find("asterisk")
    assert fetcher.fetched == ["asterisk"]
    programs.forget()
    assert not fetcher.prefix("asterisk").exists()
    programs.find("asterisk")
    assert fetcher.fetched == ["asterisk", "asterisk"]


def test_the_bar_shows_each_stage_on_stderr_and_nothing_if_nothing_is_fetched() -> None:
    shown = io.StringIO()
    with redirect_stderr(shown), bar():
        pass
    assert shown.getvalue().strip() == ""
    with redirect_stderr(shown), bar() as progress:
        progress(FetchProgress("sipp", "download", 0.5))
        progress(FetchProgress("sipp", "download", 1.0))
        progress(FetchProgress("sipp", "unpack", 1.0))
    assert "sipp: downloading" in shown.getvalue()
    assert "100%" in shown.getvalue()


def test_a_command_that_is_not_there_ends_like_in_a_shell(tmp_path: Path) -> None:
    ended = commands.run((str(tmp_path / "nothing"),))
    assert ended.code == commands.NOT_FOUND
    assert "nothing" in ended.last_words()
