"""The lock files are installed without looking at dependencies, so they must name every one, for every Python."""

from __future__ import annotations

from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

pytestmark = pytest.mark.unit

HERE = Path(__file__).parents[3]
PYTHONS = ("3.11.0", "3.11.2", "3.11.3", "3.12.0", "3.13.0")
"""Debian 12 ships 3.11.2; what was added to Python in 3.11.3 is a package of its own before."""


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("lock", "extras"), [("requirements.lock", {"demo"}), ("requirements-test.lock", {"test"})])
def test_every_dependency_is_locked_in_a_version_that_fits(lock: str, extras: set[str], python: str) -> None:
    locked = pinned(lock, python)
    wanted = [(f"setup.cfg of {lock}", line) for line in of_setup_cfg(extras) if applies(line, python)]
    seen: set[tuple[str, frozenset[str]]] = set()
    faults = []
    while wanted:
        by, line = wanted.pop()
        requirement = Requirement(line)
        name, chosen = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if name not in locked:
            faults.append(f"{by} needs {line}")
        elif locked[name] not in requirement.specifier:
            faults.append(f"{by} needs {line}, locked is {locked[name]}")
        elif (name, chosen) not in seen:
            seen.add((name, chosen))
            wanted += [(name, needed) for needed in of_package(name) if applies(needed, python, chosen)]
    assert not faults


def pinned(lock: str, python: str) -> dict[str, Version]:
    found: dict[str, Version] = {}
    for line in (HERE / lock).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found |= pinned(line.removeprefix("-r "), python)
        elif line and not line.startswith("#") and applies(line, python):
            requirement = Requirement(line)
            (exact,) = requirement.specifier
            assert exact.operator == "=="
            found[canonicalize_name(requirement.name)] = Version(exact.version)
    return found


def of_setup_cfg(extras: set[str]) -> list[str]:
    setup = ConfigParser()
    setup.read(HERE / "setup.cfg", encoding="utf-8")
    texts = [setup["options"]["install_requires"], *(setup["options.extras_require"][extra] for extra in extras)]
    return [line for text in texts for line in text.splitlines() if line]


def of_package(name: str) -> list[str]:
    """What an installed package asks for. One that only another Python needs is not here to be asked."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def applies(line: str, python: str, extras: frozenset[str] = frozenset()) -> bool:
    marker = Requirement(line).marker
    version = {"python_version": python.rpartition(".")[0], "python_full_version": python}
    return marker is None or any(marker.evaluate({**version, "extra": extra}) for extra in {"", *extras})
