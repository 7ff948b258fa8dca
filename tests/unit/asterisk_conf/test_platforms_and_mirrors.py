from __future__ import annotations

from pathlib import Path

import pytest

from asterisk_conf.errors import UnknownPlatform
from asterisk_conf.mirrors import DEBIAN_KEYRING, Mirror, mirror_in
from asterisk_conf.platforms import AMD64, ARM64, Platform, platform_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", AMD64), ("aarch64", ARM64), ("ARM64", ARM64)])
def test_amd64_and_arm64_are_known_under_the_kernel_s_names(machine: str, expected: Platform) -> None:
    assert platform_of("Linux", machine) is expected


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "riscv64"), ("Windows", "AMD64")])
def test_any_other_platform_is_refused_with_what_to_install(system: str, machine: str) -> None:
    with pytest.raises(UnknownPlatform, match=rf"{system} on {machine}.*Install asterisk 20 or newer"):
        platform_of(system, machine)


@pytest.mark.parametrize("place", ["usr/lib/aarch64-linux-gnu", "usr/lib"])
def test_the_loader_is_found_beside_the_libraries_or_where_it_used_to_be(place: str, tmp_path: Path) -> None:
    loader = tmp_path / place / "ld-linux-aarch64.so.1"
    loader.parent.mkdir(parents=True)
    loader.touch()
    assert ARM64.loader_in(tmp_path) == loader
    assert AMD64.loader_in(tmp_path) is None


DEB822 = """\
# A comment
Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
  contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main
"""


def test_a_deb822_source_gives_mirror_and_keyring() -> None:
    assert mirror_in([("debian.sources", DEB822)]) == Mirror(
        "http://mirror.invalid/debian", Path("/usr/share/keyrings/debian-archive-keyring.pgp")
    )


@pytest.mark.parametrize(
    ("line", "uri"),
    [
        pytest.param("deb http://m.invalid/debian/ bookworm main", "http://m.invalid/debian", id="plain"),
        pytest.param(
            "deb [arch=amd64] https://m.invalid/debian trixie contrib main", "https://m.invalid/debian", id="opts"
        ),
        pytest.param(
            "deb mirror+file:/etc/apt/mirrors/debian.list sid main",
            "mirror+file:/etc/apt/mirrors/debian.list",
            id="list",
        ),
        pytest.param(
            "deb http://m.invalid/archive/debian/20250101 x main # note",
            "http://m.invalid/archive/debian/20250101",
            id="snapshot",
        ),
    ],
)
def test_a_one_line_source_gives_the_mirror(line: str, uri: str) -> None:
    assert mirror_in([("sources.list", f"# first\n\n{line}\n")]) == Mirror(uri, DEBIAN_KEYRING)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.list", "deb-src http://m.invalid/debian x main", id="sources only"),
        pytest.param("a.list", "deb http://m.invalid/debian-security x-security main", id="security"),
        pytest.param("a.list", "deb http://m.invalid/debian x contrib", id="no main"),
        pytest.param("a.list", "deb http://m.invalid/ubuntu noble main", id="another distribution"),
        pytest.param(
            "a.list", "deb [signed-by=/usr/share/keyrings/x.gpg] http://m.invalid/debian x main", id="another key"
        ),
        pytest.param("a.sources", DEB822.replace("Types:", "Enabled: no\nTypes:"), id="disabled"),
        pytest.param("a.sources", "", id="empty"),
        pytest.param("a.sources", "   \nUnfinished\n :x\n", id="garbage"),
    ],
)
def test_what_is_not_debian_s_main_archive_is_passed_over(name: str, text: str) -> None:
    assert mirror_in([(name, text)]) is None


def test_the_first_fitting_source_of_all_files_is_taken() -> None:
    files = [("a.list", "deb http://m.invalid/ubuntu noble main"), ("b.list", "deb http://b.invalid/debian x main")]
    found = mirror_in([*files, ("debian.sources", DEB822)])
    assert found is not None
    assert found.uri == "http://b.invalid/debian"
