"""Where this machine gets Debian from: read from its own apt sources, in both forms that apt knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True, slots=True)
class Mirror:
    """A Debian archive and the keyring that its packages are verified by."""

    uri: str
    keyring: Path = DEBIAN_KEYRING


@dataclass(frozen=True, slots=True)
class _Source:
    uri: str
    suite: str
    components: tuple[str, ...]
    keyring: str


def mirror_in(files: Iterable[tuple[str, str]]) -> Mirror | None:
    """The first Debian main archive named in apt's source files, given as (file name, text).

    Security archives hold no testing suite and are passed over; so is any archive that a keyring other than Debian's
    vouches for, since it is not Debian's.
    """
    for name, text in files:
        for source in _deb822(text) if name.endswith(".sources") else _one_line(text):
            if _is_debian_main(source):
                chosen = Path(source.keyring) if source.keyring.startswith("/") else DEBIAN_KEYRING
                return Mirror(uri=source.uri.rstrip("/"), keyring=chosen)
    return None


def _is_debian_main(source: _Source) -> bool:
    path = source.uri.rstrip("/").rpartition("/")[2]
    return (
        "main" in source.components
        and "security" not in source.suite
        and "security" not in path
        and (path in {"debian", "debian.list"} or "/debian/" in source.uri)
        and (not source.keyring.startswith("/") or "debian-archive" in source.keyring)
    )


def _one_line(text: str) -> Iterator[_Source]:
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        match = re.match(
            r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)", line
        )
        if match:
            options = dict(option.partition("=")[::2] for option in (match["options"] or "").split())
            yield _Source(
                uri=match["uri"],
                suite=match["suite"],
                components=tuple(match["components"].split()),
                keyring=options.get("signed-by", ""),
            )


def _deb822(text: str) -> Iterator[_Source]:
    for paragraph in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields: dict[str, str] = {}
        last = ""
        for line in paragraph.splitlines():
            if line[:1].isspace():
                fields[last] = f"{fields.get(last, '')} {line.strip()}".strip()
            elif ":" in line:
                last, _, value = line.partition(":")
                last = last.strip().lower()
                fields[last] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false", "0"}:
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield _Source(
                    uri=uri,
                    suite=suite,
                    components=tuple(fields.get("components", "").split()),
                    keyring=fields.get("signed-by", ""),
                )
