"""Which of Debian's architectures this machine is, and what files are called there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.errors import UnknownPlatform


@dataclass(frozen=True, slots=True)
class Platform:
    """One of Debian's architectures."""

    debian: str
    triplet: str
    """The name of the library folder under usr/lib."""
    loader: str
    """The dynamic loader's file name."""

    def loader_in(self, prefix: Path) -> Path | None:
        """The loader of an unpacked prefix: beside the libraries, or in the older places that link to it."""
        folders = (f"usr/lib/{self.triplet}", "usr/lib", "usr/lib64", f"lib/{self.triplet}", "lib", "lib64")
        return next(
            (prefix / folder / self.loader for folder in folders if (prefix / folder / self.loader).is_file()), None
        )


AMD64 = Platform(debian="amd64", triplet="x86_64-linux-gnu", loader="ld-linux-x86-64.so.2")
ARM64 = Platform(debian="arm64", triplet="aarch64-linux-gnu", loader="ld-linux-aarch64.so.1")
PLATFORMS = {"x86_64": AMD64, "amd64": AMD64, "aarch64": ARM64, "arm64": ARM64}


def platform_of(system: str, machine: str) -> Platform:
    """The platform for what `uname -s` and `uname -m` say. Raises UnknownPlatform."""
    found = PLATFORMS.get(machine.lower()) if system == "Linux" else None
    if found is None:
        raise UnknownPlatform(system, machine)
    return found
