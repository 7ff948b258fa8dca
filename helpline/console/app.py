"""The console's web application: the local JSON API, the agents' desk page and the officers' page."""

from __future__ import annotations

from pathlib import Path

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from helpline.console.api import Api
from helpline.console.api_queue import QueueApi
from helpline.console.api_work import WorkApi
from helpline.console.desk import Desk
from helpline.console.faults import ROOMS_ERRORS, Faults
from helpline.console.feed import Feed
from helpline.console.office import Office
from helpline.console.pages import Pages
from helpline.console.parts import Parts
from helpline.console.shield import Shield


def build(parts: Parts) -> Starlette:
    """The application, for uvicorn. `app.state.feed.close()` ends all open streams before the server stops."""
    pages = Pages(zone=parts.zone, catalogue=parts.catalogue)
    feed = Feed(parts.agents, parts.acd)
    faults = Faults(pages)
    queue = QueueApi(parts)
    feed.on_close(queue.live.close)
    expected = (HTTPException, *ROOMS_ERRORS, RedisError)
    app = Starlette(
        routes=[
            Route("/", _to_the_desk),
            *WorkApi(parts).routes,
            *queue.routes,  # before the agents' verbs, which take any word
            *Api(parts).routes,
            *Desk(parts, pages, feed).routes,
            *Office(parts, pages).routes,
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        middleware=[Middleware(Shield, api_token=parts.api_token, refuse=faults.expected)],
        exception_handlers={**dict.fromkeys(expected, faults.expected), Exception: faults.ours},
    )
    app.state.feed = feed
    return app


async def _to_the_desk(_request: Request) -> RedirectResponse:
    return RedirectResponse("/desk")
