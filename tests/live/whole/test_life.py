"""One complaint lives its whole life over real calls: the demo's story, proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpline.demo.lab import Lab
from helpline.demo.story import Story
from helpline.demo.timeline import Timeline

pytestmark = pytest.mark.live


async def test_a_complaint_is_registered_refused_twice_escalated_and_closed_and_each_end_heard_the_other(
    lab: Lab, voices: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    await Story(lab, Timeline(), voices).tell()
    told = capsys.readouterr().out
    assert "the agent heard the citizen" in told
    assert "satisfied, level 2" in told
