"""The page of runs while they go on: a server on the loopback interface that reads their history and sends
what has changed as server-sent events.

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
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fuzz.corpus.reproducer import Reproducer
from fuzz.engines.history.read import PastRun, read_history
from fuzz.export.pages.program_page import program_page
from fuzz.export.pages.run_page import run_report, sections, signatures_in_order
from fuzz.language.syntax import SyntaxProblem, parse

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
    """What is served of a history file: these runs, or all of them."""

    def __init__(self, history: Path, wanted: Sequence[int] = ()) -> None:
        self.history, self.wanted = history, wanted
        self.over = threading.Event()

    def runs(self) -> list[PastRun]:
        """As they are now. A file that another one is just writing is read the next time."""
        with contextlib.suppress(SyntaxProblem):
            return read_history(self.history, self.wanted)
        return []

    async def page(self, request: Request) -> Response:
        """The page as it is now; its script asks for the rest."""
        return HTMLResponse(
            await asyncio.to_thread(lambda: run_report(self.runs(), live=True)), headers=HEADERS
        )

    async def events(self, request: Request) -> Response:
        """What changes, until the run is over."""
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
        runs = self.runs()
        last = runs[-1].last if runs else None
        said = f"goes on: {last.seconds:,.0f} s, {last.executions:,} executions" if last else "begins"
        return json.dumps({"parts": sections(runs, live=True), "said": said})

    async def failure(self, request: Request) -> Response:
        """The page of one failure's program."""
        runs = self.runs()
        signatures = signatures_in_order(runs)
        number = request.path_params["number"]
        run = next((each for each in runs if each.id == request.path_params["run"]), None)
        wanted = signatures[number] if number < len(signatures) else ""
        met = next((each for each in run.failures if each.signature == wanted), None) if run else None
        if run is None or met is None or not met.program:
            return PlainTextResponse(
                "There is no such failure, or no program of it yet.", 404, headers=HEADERS
            )
        program = parse(met.program, "<history>")
        reproducer = Reproducer(
            program, met.signature, {run.release: met.signature}, folder=Path(met.reproducer)
        )
        text = await asyncio.to_thread(program_page, reproducer, [run.release], (), "/")
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
def served(history: Path, wanted: Sequence[int] = (), port: int = 0) -> Iterator[str]:
    """Serve the runs of a history file while this lasts, and give the address. `port` 0 is any that is free.
    At the end each page that is open hears so. Raises OSError where the port is taken."""
    live = Live(history, wanted)
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
