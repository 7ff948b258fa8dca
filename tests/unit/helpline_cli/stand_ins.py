"""Running the command as people do, with its settings in a folder of the test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from helpline.cli import app
from helpline.settings import Settings, load


@dataclass(frozen=True, slots=True)
class Shell:
    """`helpline --settings FILE …` of one test."""

    file: Path

    @property
    def settings(self) -> Settings:
        return load(self.file)

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["--settings", str(self.file), *arguments], prog_name="helpline")

    def fine(self, *arguments: str) -> str:
        """What it printed; it must have ended well."""
        result = self(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.fine(*arguments, "--json"))

    def refused(self, *arguments: str) -> str:
        """The one plain message on stderr; nothing else may be printed."""
        result = self(*arguments)
        assert result.exit_code == 1, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        return result.stderr
