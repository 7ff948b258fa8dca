"""A look at the rendered configuration with pyst2's parser, before Asterisk is given it."""

from __future__ import annotations

import re

from asterisk.config import Config, ParseError

from asterisk_conf.errors import ConfigurationBroken


class _Text(Config):  # type: ignore[misc]  # pyst2 has no types
    """pyst2's parser over a text instead of a file.

    It knows neither section templates, `[name](template)`, nor `#include`: both are taken away before, line for line.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        super().__init__("")

    def load(self) -> None:
        known = re.sub(r"(?m)^(\[[^\]\n]+\])\([^)\n]*\)", r"\1", self._text)
        self.raw_lines = re.sub(r"(?m)^#include .*$", "", known).split("\n")


def refuse_broken(files: dict[str, str]) -> None:
    """Raise ConfigurationBroken with file and line if a text is no Asterisk configuration."""
    for name, text in files.items():
        try:
            _Text(text)
        except ParseError as error:
            line, reason = error.args
            raise ConfigurationBroken(name, int(line), str(reason)) from error
