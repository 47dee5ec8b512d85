"""The page of what goes on: a server on the loopback interface that sends what has changed as server-sent
events. What there is to see, `fuzz.export.pages.live_sources` says.

It listens on 127.0.0.1 alone, answers to that name and to localhost alone, changes nothing and has no secret
in any address. Where the system says whose a connection is, no other user of the machine gets an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fuzz.export.pages.live_sources import Source

HOST = "127.0.0.1"
LOOK_SECONDS = 2.0
SAYING_SECONDS = 0.4
LAST_SECONDS = 2.0
"""From the end of a run until pages that are open have heard of it, and at most until the server ends."""
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class _OwnUser:
    """Lets only this user's processes, and root's, have an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client is not None and owner(client[1]) not in (None, 0, os.getuid()):
            await PlainTextResponse("This is another user's run.", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def owner(port: int) -> int | None:
    """The user whose end of a loopback connection has this port; None where the system does not say."""
    try:
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return None
    wanted = f"0100007F:{port:04X}"
    return next((int(line.split()[7]) for line in lines if line.split()[1] == wanted), None)


class Live:
    """What is served of a source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.over = threading.Event()

    async def page(self, request: Request) -> Response:
        """The page as it is now; its script asks for the rest."""
        return HTMLResponse(await asyncio.to_thread(self.source.page), headers=HEADERS)

    async def events(self, request: Request) -> Response:
        """What changes, until it is over."""
        return StreamingResponse(self._events(), media_type="text/event-stream", headers=HEADERS)

    async def _events(self) -> AsyncIterator[str]:
        while True:
            over = self.over.is_set()
            yield _event("parts", await asyncio.to_thread(self._parts))
            if over:
                yield _event("over", "The run is over.")
                return
            for _ in range(int(LOOK_SECONDS * 10)):
                if self.over.is_set():
                    break
                await asyncio.sleep(0.1)

    def _parts(self) -> str:
        parts, said = self.source.parts()
        return json.dumps({"parts": parts, "said": said})

    async def failure(self, request: Request) -> Response:
        """The page of one failure's program."""
        wanted = request.path_params
        text = await asyncio.to_thread(self.source.failure, wanted["run"], wanted["number"])
        if text is None:
            return PlainTextResponse(
                "There is no such failure, or no program of it yet.", 404, headers=HEADERS
            )
        return HTMLResponse(text, headers=HEADERS)

    def app(self) -> Starlette:
        """All that is answered."""
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/events", self.events),
                Route("/failure/{run:int}/{number:int}", self.failure),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]),
                Middleware(_OwnUser),
            ],
        )


def _event(name: str, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n"


@contextlib.contextmanager
def served(source: Source, port: int = 0) -> Iterator[str]:
    """Serve a source while this lasts, and give the address. `port` 0 is any that is free. At the end each
    page that is open hears so. Raises OSError where the port is taken."""
    live = Live(source)
    with socket.create_server((HOST, port)) as listening:
        settings = uvicorn.Config(
            live.app(), log_level="critical", access_log=False, timeout_graceful_shutdown=1, lifespan="off"
        )
        server = uvicorn.Server(settings)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, daemon=True, name="live page"
        )
        thread.start()
        try:
            yield f"http://{HOST}:{listening.getsockname()[1]}/"
        except BaseException:
            live.over.set()  # whatever ends the command does not wait for who looks at it
            raise
        live.over.set()
        time.sleep(SAYING_SECONDS)
        server.should_exit = True
        thread.join(LAST_SECONDS)
