"""The floors between the rooms hold, a breach of each contract is caught, and what is packed is what there is."""

from __future__ import annotations

import configparser
import importlib
import re
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

import helpline

pytestmark = pytest.mark.unit

CHECKOUT = Path(helpline.__file__).parent.parent
ROOMS = ("asterisk_conf", "telephony", "grievance_core", "agents", "acd", "outbound_dialer", "ivr", "helpline")
FLOORS = "Imports point down only"
NO_TELEPHONY = "The grievance core knows nothing of telephony"
NO_COMPLAINTS = "The ACD and the dialer know nothing of complaints"
SIDE_BY_SIDE = "Rooms on one floor do not know each other"
PANORAMISK = "panoramisk is spoken to in telephony only"
PURE_ENGINE = "The queue's engine is pure"
PURE_LIFE = "The life of a complaint is pure"

Lint = Callable[[Path], tuple[int, str]]
Plant = Callable[[list[tuple[str, str]]], tuple[int, str]]


@pytest.fixture
def lint(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lint:
    """import-linter in this process: its exit code and what it said, in one line."""
    # It would silence the loggers of all that is imported already.
    monkeypatch.setattr("logging.config.dictConfig", lambda _config: None)

    def run(config: Path) -> tuple[int, str]:
        code = lint_imports(config_filename=str(config), no_cache=True)
        said = " ".join(capsys.readouterr().out.split())
        return code, said

    return run


def settings_of(file: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(CHECKOUT / file, encoding="utf-8")
    return parser


# -- the contracts


def test_the_contracts_are_kept(lint: Lint) -> None:
    code, said = lint(CHECKOUT / ".importlinter")
    assert code == 0, said
    assert "8 kept, 0 broken" in said


def test_the_contracts_speak_of_every_room() -> None:
    contracts = settings_of(".importlinter")
    assert sorted(contracts["importlinter"]["root_packages"].split()) == sorted(ROOMS)
    floors = contracts["importlinter:contract:floors"]["layers"]
    assert sorted(re.findall(r"\w+", floors)) == sorted(ROOMS)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lint: Lint) -> Plant:
    """Rooms of no more than these imports, under names of their own, looked at with the real contracts."""
    prefix = f"planted_{tmp_path.name.translate({ord(sign): None for sign in '-[]'})}_"

    def renamed(text: str) -> str:
        return re.sub(rf"\b({'|'.join(ROOMS)})\b", rf"{prefix}\1", text)

    def plant(imports: list[tuple[str, str]]) -> tuple[int, str]:
        config = tmp_path / "contracts.ini"
        contracts = (CHECKOUT / ".importlinter").read_text(encoding="utf-8")
        for room in ROOMS:
            (tmp_path / f"{prefix}{room}").mkdir()
            (tmp_path / f"{prefix}{room}" / "__init__.py").write_text("")
            for module in {"module", *re.findall(rf"^\s+{room}\.([\w.]+)$", contracts, re.MULTILINE)}:
                importers = {f"{room}.{module}", room if module == "module" else ""}
                lines = [f"import {renamed(to)}\n" for importer, to in imports if importer in importers]
                file = tmp_path.joinpath(f"{prefix}{room}", *module.split(".")).with_suffix(".py")
                if not file.parent.exists():  # of a room in a room
                    file.parent.mkdir()
                    (file.parent / "__init__.py").write_text("")
                file.write_text("".join(lines))
        # Names of contracts are prose: they stay.
        lines = [line if line.startswith("name") else renamed(line) for line in contracts.splitlines()]
        config.write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return lint(config)

    return plant


@pytest.mark.parametrize(
    ("importer", "imported", "broken"),
    [
        pytest.param("telephony", "ivr.module", FLOORS, id="from the ground up"),
        pytest.param("agents", "acd.module", FLOORS, id="one floor up"),
        pytest.param("ivr", "helpline.module", FLOORS, id="into the roof"),
        pytest.param("grievance_core", "ivr.module", FLOORS, id="from the grievances up"),
        pytest.param("grievance_core", "telephony.module", NO_TELEPHONY, id="grievances to telephony"),
        pytest.param("grievance_core", "asterisk_conf.module", NO_TELEPHONY, id="grievances to Asterisk"),
        pytest.param("acd", "grievance_core.module", NO_COMPLAINTS, id="the queue to complaints"),
        pytest.param("outbound_dialer", "grievance_core.module", NO_COMPLAINTS, id="the dialer to complaints"),
        pytest.param("acd", "outbound_dialer.module", SIDE_BY_SIDE, id="the queue to the dialer"),
        pytest.param("outbound_dialer", "acd.module", SIDE_BY_SIDE, id="the dialer to the queue"),
        pytest.param("ivr", "panoramisk", PANORAMISK, id="panoramisk in a flow"),
        pytest.param("helpline", "panoramisk", PANORAMISK, id="panoramisk in the roof"),
        pytest.param("acd.engine", "asyncio", PURE_ENGINE, id="waiting in the engine"),
        pytest.param("acd.engine", "agents.module", PURE_ENGINE, id="agents in the engine"),
        pytest.param("grievance_core.life", "random", PURE_LIFE, id="chance in the life of a complaint"),
        pytest.param("grievance_core.life", "grievance_core.store", PURE_LIFE, id="the store in a life"),
        pytest.param("grievance_core.posts.roster", "sqlalchemy", PURE_LIFE, id="a database in the roster"),
    ],
)
def test_a_breach_of_each_contract_is_caught(importer: str, imported: str, broken: str, planted: Plant) -> None:
    code, said = planted([(importer, imported)])
    assert code == 1
    assert re.search(rf"{broken}(?:(?! KEPT ).)* BROKEN ", said), said


def test_a_breach_by_way_of_another_room_is_caught(planted: Plant) -> None:
    code, said = planted([("acd", "agents.module"), ("agents", "grievance_core.module")])
    assert code == 1
    assert f"{NO_COMPLAINTS} BROKEN" in said


def test_imports_that_point_down_are_let_pass(planted: Plant) -> None:
    code, said = planted(
        [
            ("helpline", "ivr.module"),
            ("helpline", "telephony.module"),
            ("ivr", "acd.module"),
            ("ivr", "grievance_core.module"),
            ("acd", "agents.module"),
            ("outbound_dialer", "telephony.module"),
            ("telephony", "panoramisk"),
        ]
    )
    assert code == 0, said


def test_panoramisk_and_pyst2_are_each_spoken_to_by_few_modules() -> None:
    graph = grimp.build_graph(*ROOMS, include_external_packages=True)
    assert graph.find_modules_that_directly_import("panoramisk") == {"telephony.wire"}
    assert {name.split(".")[0] for name in graph.find_modules_that_directly_import("asterisk")} == {"asterisk_conf"}
    assert graph.find_modules_that_directly_import("pydub") <= {
        name for name in graph.modules if name.startswith("ivr")
    }


# -- what is packed


def packages_on_disk() -> set[str]:
    return {
        ".".join(file.parent.relative_to(CHECKOUT).parts)
        for room in ROOMS
        for file in (CHECKOUT / room).rglob("__init__.py")
    }


def folders_with_code() -> set[str]:
    return {
        ".".join(file.parent.relative_to(CHECKOUT).parts) for room in ROOMS for file in (CHECKOUT / room).rglob("*.py")
    }


def packed() -> list[str]:
    return settings_of("setup.cfg")["options"]["packages"].split()


def test_the_packages_that_are_packed_are_those_on_the_disk_and_no_tests() -> None:
    assert len(packed()) == len(set(packed()))
    assert set(packed()) == packages_on_disk()
    assert not [name for name in packed() if "test" in name.split(".")[0]]


def test_no_folder_with_code_lacks_its_init_file() -> None:
    assert folders_with_code() - packages_on_disk() == set()


def data_patterns() -> list[tuple[str, str]]:
    data = settings_of("setup.cfg")["options.package_data"]
    return [(package, pattern.strip()) for package, patterns in data.items() for pattern in patterns.split(",")]


@pytest.mark.parametrize(("package", "pattern"), data_patterns())
def test_each_pattern_of_data_files_matches_a_file(package: str, pattern: str) -> None:
    folder = CHECKOUT.joinpath(*package.split("."))
    assert package in packed()
    assert [file for file in folder.glob(pattern) if file.is_file()], f"{package}: nothing matches {pattern}"


def test_every_file_that_is_no_code_is_packed_with_its_package() -> None:
    patterns = [f"{package.replace('.', '/')}/{pattern}" for package, pattern in data_patterns()]
    loose = [
        name
        for room in ROOMS
        for file in (CHECKOUT / room).rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"}
        for name in [file.relative_to(CHECKOUT).as_posix()]
        if not any(fnmatch(name, pattern) and name.count("/") == pattern.count("/") for pattern in patterns)
    ]
    # The pattern of a new step of the schema is for those who work on the checkout.
    assert loose == ["helpline/migrations/script.py.mako"]


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_is_typed_for_its_users(room: str) -> None:
    assert (CHECKOUT / room / "py.typed").exists()


def test_the_command_is_there_under_its_name() -> None:
    scripts = settings_of("setup.cfg")["options.entry_points"]["console_scripts"].split()
    assert scripts == ["helpline", "=", "helpline.cli:main"]


def test_this_python_is_one_of_those_that_are_promised() -> None:
    options = settings_of("setup.cfg")
    promised = re.findall(r"Python :: (\d)\.(\d+)", options["metadata"]["classifiers"])
    assert options["options"]["python_requires"] == ">=3.11,<3.14"
    assert {(int(major), int(minor)) for major, minor in promised} == {(3, 11), (3, 12), (3, 13)}
    assert (3, 11) <= sys.version_info[:2] <= (3, 13)
