"""Following the live view over connections that break, on virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from helpline.commands.following import RETRY_SECONDS, Lost, News, Still, Wall, follow
from helpline.errors import HelplineError, NotRunning, Refused
from helpline.runfolder import RunFolder
from helpline.settings import Settings, parse

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

Answer = Callable[[], httpx.Response]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "run").mkdir()
    return parse("", source="test", base=tmp_path)


class Pieces(httpx.AsyncByteStream):
    """What comes over one connection, piece by piece; then it ends, or breaks."""

    def __init__(self, *pieces: str, breaks: Exception | None = None) -> None:
        self.pieces = pieces
        self.breaks = breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece.encode()
        if self.breaks:
            raise self.breaks


class Helpline(httpx.AsyncBaseTransport):
    """Answers one connection after the other as a test says; beyond the last nobody answers."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.at: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.at.append(asyncio.get_running_loop().time())
        if not self.answers:
            raise httpx.ConnectError("refused")
        return self.answers.pop(0)()


def speaks(*pieces: str, breaks: Exception | None = None) -> Answer:
    return lambda: httpx.Response(200, stream=Pieces(*pieces, breaks=breaks))


def event(name: str, **values: object) -> str:
    return f"event: {name}\ndata: {json.dumps(values, ensure_ascii=False)}\n\n"


async def heard(settings: Settings, helpline: Helpline, count: int) -> list[News]:
    stream = follow(settings, callers=9, agents=8, transport=helpline)
    news = [await anext(stream) for _ in range(count)]
    await stream.aclose()
    return news


async def test_it_shows_the_token_says_how_much_fits_and_tells_what_comes(settings: Settings) -> None:
    helpline = Helpline(speaks("retry: 1000\n\n", event("wall", at="12:00", names="आशा"), event("still", at="12:01")))
    assert await heard(settings, helpline, 2) == [Wall({"at": "12:00", "names": "आशा"}), Still("12:01")]
    request = helpline.requests[0]
    assert request.headers["authorization"] == f"Bearer {RunFolder(settings.run_folder).secret('api')}"
    assert request.url.query == b"callers=9&agents=8"


async def test_an_event_cut_into_pieces_is_whole_and_half_a_one_is_never_told(settings: Settings) -> None:
    whole = event("wall", at="12:00", names="अजय")
    pieces = [whole[:9], whole[9:30], whole[30:], whole[:40]]
    news = await heard(settings, Helpline(speaks(*pieces)), 2)
    assert news[0] == Wall({"at": "12:00", "names": "अजय"})
    assert isinstance(news[1], Lost)


@pytest.mark.parametrize(
    ("breaks", "why"),
    [
        pytest.param(None, "ended it", id="closed by the helpline"),
        pytest.param(httpx.ReadTimeout("x"), "said nothing for 3 s", id="silent"),
        pytest.param(httpx.ReadError("reset by peer"), "reset by peer", id="reset"),
        pytest.param(httpx.RemoteProtocolError(""), "RemoteProtocolError", id="cut in the middle"),
    ],
)
async def test_a_connection_that_is_lost_is_told_and_made_again(
    settings: Settings, breaks: Exception | None, why: str
) -> None:
    again = speaks(event("wall", at="12:09"))
    helpline = Helpline(speaks(event("wall", at="12:00"), breaks=breaks), again)
    first, lost, second = await heard(settings, helpline, 3)
    assert (first, second) == (Wall({"at": "12:00"}), Wall({"at": "12:09"}))
    assert isinstance(lost, Lost)
    assert why in lost.why


async def test_a_helpline_that_restarts_is_asked_again_and_again_ever_more_slowly(settings: Settings) -> None:
    helpline = Helpline(speaks(event("wall", at="1")))
    news = await heard(settings, helpline, 6)
    assert [type(one) for one in news[1:]] == [Lost] * 5
    assert helpline.at == [0.0, *(sum(RETRY_SECONDS[:count]) for count in (1, 2, 3)), sum(RETRY_SECONDS) + 2.0]


async def test_after_a_success_the_next_loss_is_mended_quickly_again(settings: Settings) -> None:
    def refused() -> httpx.Response:
        raise httpx.ConnectError("refused")

    helpline = Helpline(
        speaks(event("wall", at="1")), refused, refused, speaks(event("wall", at="2")), speaks(event("wall", at="3"))
    )
    assert (await heard(settings, helpline, 7))[-1] == Wall({"at": "3"})
    assert helpline.at[4] - helpline.at[3] == RETRY_SECONDS[0]


async def test_a_controller_that_is_being_replaced_answers_with_an_error_and_is_asked_again(settings: Settings) -> None:
    wall = event("wall", at="1")
    helpline = Helpline(speaks(wall), lambda: httpx.Response(503, json={"error": "Not yet."}), speaks(wall))
    news = await heard(settings, helpline, 4)
    assert news[2] == Lost("Not yet.")
    assert news[3] == Wall({"at": "1"})


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        pytest.param([], NotRunning, "Start it: helpline run", id="nobody answers"),
        pytest.param([lambda: httpx.Response(401, json={})], Refused, "another run folder", id="another's helpline"),
        pytest.param([lambda: httpx.Response(404, text="<html>")], HelplineError, "not this helpline", id="a stranger"),
        pytest.param(
            [speaks(event("wall", at="1")), lambda: httpx.Response(422, json={"error": "No!"})],
            Refused,
            "No!",
            id="a no later on",
        ),
    ],
)
async def test_what_waiting_does_not_mend_ends_it(
    settings: Settings, answers: list[Answer], kind: type[HelplineError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        await heard(settings, Helpline(*answers), 3)


async def test_a_run_folder_that_is_not_there_is_no_running_helpline(tmp_path: Path) -> None:
    settings = parse("", source="test", base=tmp_path)
    with pytest.raises(NotRunning, match="helpline run"):
        await heard(settings, Helpline(), 1)
    assert not settings.run_folder.exists()
