from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from asterisk_conf.testing import free_ports
from tests.unit.helpline_cli.stand_ins import Shell


@pytest.fixture(autouse=True)
def _no_loop_is_left_open() -> Iterator[None]:
    """pytest-asyncio leaves a loop open that `asyncio.run` then makes everyone forget: close it ourselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            loop = asyncio.get_event_loop_policy().get_event_loop()
        except RuntimeError:
            yield
            return
    yield
    loop.close()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    sip, ami, agi, redis, console = free_ports(5)
    file = tmp_path / "helpline.toml"
    file.write_text(
        f'run_folder = "run"\nredis_port = {redis}\n'
        f"[telephony]\nsip_port = {sip}\nami_port = {ami}\nagi_port = {agi}\n[console]\nport = {console}\n"
    )
    return Shell(file)
