from __future__ import annotations

from pathlib import Path

import pytest

from asterisk_conf.testing import free_ports
from tests.unit.helpline_cli.stand_ins import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    sip, ami, agi, redis, console = free_ports(5)
    file = tmp_path / "helpline.toml"
    file.write_text(
        f'run_folder = "run"\nredis_port = {redis}\n'
        f"[telephony]\nsip_port = {sip}\nami_port = {ami}\nagi_port = {agi}\n[console]\nport = {console}\n"
    )
    return Shell(file)
