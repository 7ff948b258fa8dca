from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf import dialled, render
from asterisk_conf.check import refuse_broken
from asterisk_conf.errors import ConfigurationBroken, SettingRefused
from asterisk_conf.modules import MODULES, not_running
from asterisk_conf.settings import SOCKET_PATH_LIMIT, AsteriskSettings, PhoneAccount, TrunkSettings

pytestmark = pytest.mark.unit

CRED = "0123456789abcdef0123456789abcdef"
ASHA = PhoneAccount("agent-1001", CRED, "आशा, Lucknow")
RAVI = PhoneAccount("agent-1002", CRED, "")


def settings(**changes: object) -> AsteriskSettings:
    values: dict[str, object] = {
        "run_folder": Path("/r un"),
        "prompts_folder": Path("/p"),
        "music_folder": Path("/m"),
        "recordings_folder": Path("/rec"),
        "lifeline_folder": Path("/it's/life"),
        "python": Path("/venv/bin/python"),
        "sip_port": 5060,
        "ami_port": 5038,
        "agi": ("127.0.0.1", 4573),
        "rtp_first": 12000,
        "rtp_last": 13999,
        "trunk": TrunkSettings("127.0.0.2", 5080),
        "emergency_trunk": TrunkSettings("127.0.0.3", 5080),
        **changes,
    }
    return AsteriskSettings(**values)  # type: ignore[arg-type]


def rendered(*phones: PhoneAccount, **changes: object) -> dict[str, str]:
    return render.configuration(settings(**changes), modules_folder=Path("/mod"), phones=phones, ami_secret="s-e_c")


def test_every_file_is_read_by_pyst2_s_parser() -> None:
    refuse_broken(rendered(ASHA, RAVI))


@pytest.mark.parametrize("text", ["[general]\nport 5060\n", "\n[general\n", "\ngeneral]\n"])
def test_a_broken_file_is_told_with_its_line(text: str) -> None:
    line = 1 + next(n for n, each in enumerate(text.split("\n")) if each and each != "[general]")
    with pytest.raises(ConfigurationBroken, match=rf"rtp.conf, line {line}: .*rtp.conf.j2"):
        refuse_broken({"rtp.conf": text})


@pytest.mark.parametrize("name", sorted(rendered(ASHA)))
def test_every_file_says_what_it_is_for_in_its_first_line(name: str) -> None:
    assert rendered(ASHA)[name].startswith("; ")


def test_nothing_but_the_bound_address_is_listened_on() -> None:
    files = rendered(ASHA)
    bound = [line for text in files.values() for line in text.splitlines() if re.match(r"bind(addr)? *=", line)]
    assert bound == ["bindaddr = 127.0.0.1", "bind = 127.0.0.1:5060"]
    assert "webenabled = no" in files["manager.conf"]
    assert files["pjsip.conf"].count("bind_rtp_to_media_address = yes") == 3


def test_the_ami_stays_on_loopback_when_phones_are_let_in() -> None:
    files = rendered(ASHA, bind="0.0.0.0")
    assert "bindaddr = 127.0.0.1" in files["manager.conf"]
    assert "bind = 0.0.0.0:5060" in files["pjsip.conf"]
    assert "media_address" not in files["pjsip.conf"]


def test_no_trunk_is_asked_for_more_digits_of_a_number() -> None:
    trunks = rendered()["pjsip.conf"].partition("; -- Trunks")[2].partition("; -- Agents")[0]
    assert trunks.count("type = endpoint") == trunks.count("allow_overlap = no") == 2


def test_only_the_events_that_are_set_pass_the_ami_s_filter() -> None:
    only, not_these = (
        line.partition(" = ")[2].replace("[[:space:]]", r"\s")
        for line in rendered(ami_events=("Hangup", "DialEnd"))["manager.conf"].splitlines()
        if "filter =" in line
    )
    assert re.match(only, "Event: Hangup\r\nPrivilege: call,all\r\n")
    assert not re.match(only, "Event: HangupRequest\r\n")
    assert not re.search(only, "Event: Newchannel\r\nCallerIDName: Event: Hangup \r\n")
    assert not_these.startswith("!")
    assert re.search(not_these[1:], "Event: DeviceStateChange\r\nDevice: PJSIP/agent-1001\r\nState: INUSE\r\n")
    for told in ("State: NOT_INUSE", "State: UNAVAILABLE", "ChannelState: 6\r\nChannelStateDesc: Up"):
        assert not re.search(not_these[1:], f"Event: Any\r\n{told}\r\n")


def test_a_phone_has_endpoint_auth_and_aor_and_no_password_in_clear() -> None:
    text = rendered(ASHA, RAVI)["pjsip_agents.conf"]
    assert text.count("[agent-1001]") == 3
    assert f"md5_cred = {CRED}" in text
    assert "password" not in text.replace("; Agents' phones, generated. Passwords", "").lower().replace(
        "realm and password", ""
    )
    assert 'callerid = "आशा, Lucknow" <1001>' in text


def test_the_fallback_queue_rings_every_phone_but_keeps_nobody_waiting_for_none() -> None:
    text = rendered(ASHA, RAVI)["queues.conf"]
    assert re.findall(r"(?m)^member => (.*)$", text) == [
        "PJSIP/agent-1001,0,agent-1001",
        "PJSIP/agent-1002,0,agent-1002",
    ]
    assert "joinempty = unavailable,invalid,unknown" in text
    assert "leavewhenempty = unavailable,invalid,unknown" in text


def test_reloading_phones_writes_the_same_text_as_the_start() -> None:
    whole = rendered(ASHA, RAVI)
    assert render.phone_configuration(settings(), [ASHA, RAVI]) == {name: whole[name] for name in render.PHONE_FILES}


def test_the_loop_hands_the_caller_to_the_controller_and_gives_up_in_the_set_time() -> None:
    text = rendered(away_seconds=12)["extensions.conf"]
    for path in ("citizen", "feedback", "callback"):
        assert f"AGI(agi://127.0.0.1:4573/{path},${{tries}},${{CHANNEL(state)}},${{BLINDTRANSFER}})" in text
    assert "${tries} > 40 " in text
    citizen, feedback = text.split("[in1076]")[1].split("[feedback]")
    assert "Queue(fallback" in citizen
    assert "Queue(" not in feedback.split("[from-agents]")[0]


def test_a_phone_is_asked_whether_it_is_there_and_silence_alone_ends_no_call_soon() -> None:
    text = rendered()["pjsip.conf"]
    values = {name: int(value) for name, value in re.findall(r"(?m)^(qualify_frequency|rtp_timeout) = (\d+)$", text)}
    assert values == {"qualify_frequency": 5, "rtp_timeout": 60}


def test_a_colleague_s_phone_is_rung_only_when_the_controller_has_nothing_better() -> None:
    lines = rendered()["extensions.conf"].split("exten => _XXXX,1,")[1].split("exten =>")[0].splitlines()
    asked = next(
        number for number, line in enumerate(lines) if "/colleague,0,${CHANNEL(state)},${BLINDTRANSFER})" in line
    )
    rung = next(number for number, line in enumerate(lines) if "Dial(PJSIP/agent-${EXTEN}" in line)
    between = "\n".join(lines[asked:rung])
    assert all(word in between for word in ("ENGINE_DONE", '"queued"]?in1076,1076,loop', '"busy"]?busy'))


def test_every_jump_in_the_dialplan_has_a_landing() -> None:
    contexts = re.split(r"(?m)^\[([\w-]+)\]$", rendered(ASHA)["extensions.conf"])[1:]
    labels = {
        name: set(re.findall(r"n\((\w+)\)", body)) for name, body in zip(contexts[::2], contexts[1::2], strict=True)
    }
    for name, body in zip(contexts[::2], contexts[1::2], strict=True):
        for label in re.findall(r"GotoIf\(.*\?(\w+)\)|Goto\((\w+)\)", body):
            assert set(filter(None, label)) <= labels[name], (name, label)
        for context, label in re.findall(r"\?(\w+),1076,(\w+)\)", body):
            assert label in labels[context]


def test_every_emergency_number_is_an_extension_of_its_own_for_agents() -> None:
    text = rendered(emergency_numbers=("112", "1090"))["extensions.conf"].split("[from-agents]")[1]
    assert "exten => 1090,1,Dial(PJSIP/1090@emergency-trunk,60)" in text
    assert "exten => 112,1,Dial(PJSIP/112@emergency-trunk,60)" in text


def test_the_lifeline_s_script_quotes_what_a_shell_would_take_apart() -> None:
    command = render.lifeline_script(settings()).splitlines()[-1]
    assert shlex.split(command) == [
        *("exec", "/venv/bin/python", "-P", "-m", "asterisk_conf.lifeline", "/it's/life", "$@"),
    ]


@pytest.mark.parametrize("phone", ["agent-1090", "agent-1076", "agent-112"])
def test_an_agent_can_t_have_the_helpline_s_or_an_emergency_number(phone: str) -> None:
    with pytest.raises(SettingRefused, match="no emergency number"):
        rendered(PhoneAccount(phone, CRED, "x"))


def test_a_phone_given_twice_is_refused() -> None:
    with pytest.raises(SettingRefused, match="only once"):
        rendered(ASHA, ASHA)


@pytest.mark.parametrize(
    "changes",
    [
        {"run_folder": Path("relative")},
        {"run_folder": Path("/a;b")},
        {"music_folder": Path("/a\nb")},
        {"run_folder": Path("/" + "x" * SOCKET_PATH_LIMIT)},
        {"sip_port": 0},
        {"ami_port": 70000},
        {"bind": "localhost"},
        {"agi": ("::1", 4573)},
        {"agi": ("127.0.0.1", 0)},
        {"rtp_last": 12001},
        {"trunk": TrunkSettings("trunk.invalid; x")},
        {"trunk": TrunkSettings("127.0.0.3")},
        {"helpline_number": "10;76"},
        {"std_code": "522"},
        {"country_code": "+91"},
        {"emergency_numbers": ("112", "a")},
        {"realm": "a b"},
        {"ami_user": "a]"},
        {"ami_events": ("Hang|up",)},
        {"max_calls": 0},
        {"away_seconds": -1},
    ],
    ids=str,
)
def test_a_setting_that_can_t_stand_in_the_configuration_is_named(changes: dict[str, object]) -> None:
    with pytest.raises(SettingRefused, match="expected") as raised:
        settings(**changes)
    assert raised.value.name.split(".")[0] in {*changes, "emergency_trunk"}


@given(name=st.text(max_size=20), cred=st.text(max_size=33), endpoint=st.text(max_size=12))
def test_no_phone_can_break_out_of_its_lines(name: str, cred: str, endpoint: str) -> None:
    try:
        phones = [PhoneAccount("agent-1001", CRED, name), *_maybe(endpoint, cred)]
        text = render.phone_configuration(settings(), phones)["pjsip_agents.conf"]
    except SettingRefused:
        return
    assert text.count("\n[") == 3 * len(phones)
    assert text.count(";") == 1


def _maybe(endpoint: str, cred: str) -> list[PhoneAccount]:
    try:
        return [PhoneAccount(endpoint, cred, "")]
    except SettingRefused:
        return []


def test_a_secret_with_a_line_end_is_refused() -> None:
    with pytest.raises(SettingRefused, match="single line"):
        render.configuration(settings(), modules_folder=Path("/m"), phones=[], ami_secret="a\nb")


@pytest.mark.parametrize(
    "form", ["1076", "01076", "05221076", "5221076", "+915221076", "915221076", "+911076", "911076"]
)
def test_each_form_in_which_networks_deliver_the_number_is_known(form: str) -> None:
    assert form in dialled.forms(number="1076", std_code="0522", country_code="91")


@given(
    number=st.from_regex(r"\A[0-9]{2,6}\Z"),
    std_code=st.from_regex(r"\A0[0-9]{2,4}\Z"),
    country_code=st.from_regex(r"\A[1-9][0-9]{0,2}\Z"),
)
def test_every_form_ends_in_the_number_and_none_comes_twice(number: str, std_code: str, country_code: str) -> None:
    found = dialled.forms(number=number, std_code=std_code, country_code=country_code)
    assert found[0] == number
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(rf"\+?\d*{number}", form) for form in found)


def test_a_setting_never_changes_once_it_is_made() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings().sip_port = 1  # type: ignore[misc]


MODULE_SHOW = """\
Module                         Description                              Use Count  Status      Support Level
app_dial.so                    Dialing Application                      0          Running              core
chan_pjsip.so                  PJSIP Channel Driver                     0          Not Running          core
res_agi.so                     Asterisk Gateway Interface (AGI)         1          Running              core
"""


def test_a_module_that_is_not_running_or_not_there_is_told() -> None:
    assert not_running(MODULE_SHOW, ("app_dial", "res_agi", "chan_pjsip", "app_queue")) == ["chan_pjsip", "app_queue"]


def test_each_module_is_wanted_once_and_loaded() -> None:
    assert len(set(MODULES)) == len(MODULES)
    assert re.findall(r"(?m)^load = (\S+)\.so$", rendered()["modules.conf"]) == list(MODULES)
