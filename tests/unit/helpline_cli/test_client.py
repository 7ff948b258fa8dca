from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from helpline.client import Client
from helpline.errors import HelplineError, NotRunning, Refused
from helpline.runfolder import RunFolder
from helpline.settings import Settings, parse

pytestmark = pytest.mark.unit

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "run").mkdir()
    return parse("", source="test", base=tmp_path)


def asked(settings: Settings, answer: Answer) -> object:
    with Client(settings, transport=httpx.MockTransport(answer)) as client:
        return client.post("/api/agents/1001/ready", {"by": "me"})


def failing(error: type[httpx.TransportError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    return answer


def test_it_shows_the_token_of_the_run_folder(settings: Settings) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {RunFolder(settings.run_folder).secret('api')}"
        assert request.content == b'{"by":"me"}'
        return httpx.Response(200, json={"fine": True})

    assert asked(settings, answer) == {"fine": True}


def test_a_run_folder_that_is_not_there_is_no_running_helpline(tmp_path: Path) -> None:
    settings = parse("", source="test", base=tmp_path)
    with pytest.raises(NotRunning, match="helpline run"):
        asked(settings, lambda _: httpx.Response(200, json={}))
    assert not settings.run_folder.exists()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        pytest.param(failing(httpx.ConnectError), NotRunning, "Start it: helpline run", id="nobody answers"),
        pytest.param(failing(httpx.ReadTimeout), NotRunning, "helpline doctor", id="too slow"),
        pytest.param(lambda _: httpx.Response(409, json={"error": "No!"}), Refused, "^No!$", id="refused"),
        pytest.param(lambda _: httpx.Response(500, json=[]), Refused, "answered 500", id="an error without words"),
        pytest.param(lambda _: httpx.Response(401, json={}), Refused, "another run folder", id="a stranger's token"),
        pytest.param(lambda _: httpx.Response(200, text="<html>"), HelplineError, "not this helpline", id="a stranger"),
    ],
)
def test_each_failure_names_the_next_step(
    settings: Settings, answer: Answer, kind: type[HelplineError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        asked(settings, answer)
