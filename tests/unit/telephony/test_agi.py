from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agi import MOST_COMMAND_BYTES, Answer, Environment, HangupLine, Limits, Parser, command, quoted
from telephony.errors import PeerFault
from telephony.testing import AgiPeer

pytestmark = pytest.mark.unit

LIMITS = Limits(environment_lines=30, environment_bytes=2_000, line_bytes=500, usage_lines=5)
OPENING = AgiPeer.opening()


def read(*pieces: bytes, limits: Limits = LIMITS) -> list[object]:
    """All messages, and the fault that ended them."""
    parser = Parser(limits)
    messages: list[object] = []
    try:
        for piece in pieces:
            for message in parser.feed(piece):
                messages.append(message)
    except PeerFault as fault:
        messages.append(fault.what)
    return messages


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("200 result=0", Answer(200, "0")),
        ("200 result=-1", Answer(200, "-1")),
        ("200 result=68 endpos=4000", Answer(200, "68", "", 4000)),
        ("200 result=1 (a value)", Answer(200, "1", "a value")),
        ("200 result=1 ()", Answer(200, "1", "")),
        ("200 result=1 (f(x) (y))", Answer(200, "1", "f(x) (y)")),
        ("200 result=1 (100% of %s)", Answer(200, "1", "100% of %s")),
        ("200 result=1 (first\nsecond)", Answer(200, "1", "first\nsecond")),
        ("200 result=-1 (hangup) endpos=160", Answer(200, "-1", "hangup", 160)),
        ("200 result=12* (timeout)", Answer(200, "12*", "timeout")),
        ("200 result= (timeout)", Answer(200, "", "timeout")),
        ("200 result=", Answer(200, "")),
        ("200 result=1 (नमस्ते)\r", Answer(200, "1", "नमस्ते")),
        ("510 Invalid or unknown command", Answer(510, data="Invalid or unknown command")),
        ("511 Command Not Permitted", Answer(511, data="Command Not Permitted")),
        ("520-Usage:\n STREAM FILE\n\n520 End of proper usage.", Answer(520, data="520-Usage:\n STREAM FILE\n")),
        ("520 Invalid command syntax.", Answer(520, data="Invalid command syntax.")),
        ("100 result=0 Trying...\n200 result=1", Answer(200, "1")),
    ],
)
def test_an_answer_of_asterisk_is_read(line: str, answer: Answer) -> None:
    assert read(OPENING, line.encode() + b"\n")[1:] == [answer]


def test_a_hangup_line_is_told_apart_from_the_answer_it_comes_before() -> None:
    messages = read(OPENING + b"HANGUP\n200 result=-1\nHANGUP\n")
    assert messages[1:] == [HangupLine(), Answer(200, "-1"), HangupLine()]


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\n",
        b"agi_channel: x\n\n",
        b"\x16\x03\x01\x02\x00\x01\n",
        b"agi_a: b\n" * 10_000,
        b"a" * 600,
        b"agi_a: " + b"b" * 490 + b"\n" + b"agi_b: " + b"b" * 490 + b"\n" * 3,
        OPENING + b"HANGUP now\n",
        OPENING + b"200 no result\n",
        OPENING + b"520-x\n" + b"y\n" * 6,
        OPENING + b"200 result=1 (" + b"y\n" * 600,
        OPENING + b"\n",
    ],
    ids=range(12),
)
def test_what_is_not_agi_is_a_fault_at_a_bound(junk: bytes) -> None:
    with pytest.raises(PeerFault, match="does not speak AGI"):
        list(Parser(LIMITS).feed(junk))


STREAM = st.lists(
    st.sampled_from(
        [
            b"200 result=0\n",
            b"200 result=1 (a\nb)\n",
            b"HANGUP\n",
            b"520-Usage\nline\n520 End\n",
            b"510 no\n",
            b"rubbish\n",
            b"200 result=1 (\xe0\xa4\xa8)\r\n",
            b"x" * 300,
        ]
    )
)


@given(STREAM, st.lists(st.integers(0, 3000)))
def test_how_the_bytes_are_cut_into_pieces_makes_no_difference(lines: list[bytes], cuts: list[int]) -> None:
    data = OPENING + b"".join(lines)
    places = [0, *sorted({cut for cut in cuts if cut < len(data)}), len(data)]
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert read(*pieces) == read(data)


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_or_are_a_fault_and_nothing_else(data: bytes) -> None:
    read(data)
    read(OPENING + data)


def parse_args(line: str) -> list[str]:
    """How Asterisk takes a command apart: parse_args of res_agi.c, line by line."""
    words: list[str] = []
    in_quotes = escaped = False
    between = True
    for sign in line:
        plain = False
        if sign == '"':
            if escaped:
                plain = True
            else:
                in_quotes = not in_quotes
                if in_quotes and between:
                    words.append("")
                    between = False
        elif sign in " \t":
            if not in_quotes and not escaped:
                between = True
            else:
                plain = True
        elif sign == "\\":
            if escaped:
                plain = True
            else:
                escaped = True
        else:
            plain = True
        if plain:
            if between:
                words.append("")
                between = False
            words[-1] += sign
            escaped = False
    return words


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])), st.text("ab\" \\,'%$"))
def test_asterisk_reads_a_quoted_argument_back_as_it_was(first: str, second: str) -> None:
    line = f"SET VARIABLE {quoted(first)} {quoted(second)}"
    assert parse_args(line) == ["SET", "VARIABLE", first, second]


@pytest.mark.parametrize("bad", ["a\nHANGUP", "a\rb", "a\0b", "x" * MOST_COMMAND_BYTES])
def test_a_command_that_asterisk_would_read_as_two_is_never_sent(bad: str) -> None:
    with pytest.raises(ValueError, match="an AGI command of"):
        command("SET VARIABLE", "x", quoted(bad))


def test_the_environment_is_told_without_its_prefix() -> None:
    [environment] = read(OPENING)
    assert isinstance(environment, Environment)
    assert environment.values["channel"] == "PJSIP/trunk-00000001"
    assert environment.values["request"] == "agi://127.0.0.1/citizen"
