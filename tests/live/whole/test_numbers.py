"""Under which numbers the helpline is reached from the telephone network, and under which it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from asterisk_conf.programs import Programs
from helpline.demo.lab import Lab
from helpline.demo.sipp import Results, Sipp

pytestmark = pytest.mark.live

CITIZEN = "9800000001"


@pytest.fixture
def sipp(programs: Programs, tmp_path: Path) -> Sipp:
    return Sipp(programs.find("sipp"), tmp_path)


async def dial(lab: Lab, sipp: Sipp, number: str) -> Results:
    async with await sipp.calls(lab.exchange, numbers=[CITIZEN], dialled=number, stay=0.05) as call:
        return await call.finished(timeout=10)


@pytest.mark.parametrize(
    "number",
    [
        "1076",
        "01076",
        "5221076",
        "05221076",
        "911076",
        "+911076",
        "00911076",
        "915221076",
        "+915221076",
        "00915221076",
        "+9105221076",
    ],
)
async def test_the_helpline_is_reached_in_every_form_that_a_network_delivers(lab: Lab, sipp: Sipp, number: str) -> None:
    results = await dial(lab, sipp, number)
    assert (results.well, results.badly) == (1, 0), str(results)


@pytest.mark.parametrize("number", ["1077", "107", "10760", "112", "1001", "9876543210", "s", "fallback"])
async def test_any_other_number_is_refused_as_unknown(lab: Lab, sipp: Sipp, number: str) -> None:
    results = await dial(lab, sipp, number)
    assert (results.well, results.badly) == (0, 1)
    assert "404" in " ".join(results.words)
