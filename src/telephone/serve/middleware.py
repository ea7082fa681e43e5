"""The door: nobody comes in without the token, under a wrong name, with too much luggage, or when the house is full."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from telephone.serve.access import Terms
from telephone.serve.error_responses import Fault

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = "/health"
"""The one path that needs no token: it says nothing but that somebody is in."""


@dataclass
class RequestGuard:
    """An ASGI application around another one; it reads a request to its end before it hands it on."""

    inner: App
    terms: Terms
    inside: int = 0
    """Requests in work."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request in, or answers it with a fault."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        try:
            self._check(scope)
        except Fault as fault:
            await refuse(fault, send)
            return
        self.inside += 1
        try:
            await self._let_in(scope, receive, send)
        finally:
            self.inside -= 1

    def _check(self, scope: Scope) -> None:
        """All that can be told from the headers, so that a stranger's body is not even read."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self.terms.answers_to(headers.get("host", "")):
            raise Fault(403, "This server answers to localhost alone; address it so.", "wrong_host")
        if scope["path"] == OPEN:
            return
        if not self.terms.admits(headers.get("authorization", "")):
            raise Fault(
                401, "The token is missing or wrong; send it as Authorization: Bearer TOKEN.", "invalid_api_key"
            )
        if scope["method"] == "POST":
            # A web page may send plain text anywhere without asking, but not JSON.
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise Fault(415, "Send the body as application/json.", "unsupported_media_type")
            if not _fits(headers.get("content-length", "0"), self.terms.body):
                raise _too_large(self.terms.body)
            if self.inside >= self.terms.waiting:
                raise Fault(429, f"{self.inside} requests are waiting; come again later.", "too_many_waiting", 1)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await asyncio.wait_for(self._read(receive), self.terms.body_seconds)
        except Fault as fault:
            await refuse(fault, send)
            return
        except TimeoutError:
            await refuse(Fault(408, "The request did not arrive in time; send it again.", "request_timeout"), send)
            return
        if body is not None:
            await self._work(scope, body, receive, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Returns the whole body, None if the client has gone."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.terms.body:
                raise _too_large(self.terms.body)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _work(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Hands the request on, and drops it when the client goes: an answer that nobody hears need not be made."""
        given = [{"type": "http.request", "body": body, "more_body": False}]
        gone = asyncio.create_task(_gone(receive))

        async def replay() -> MutableMapping[str, Any]:
            if given:
                return given.pop()
            await asyncio.wait([gone])
            return {"type": "http.disconnect"}

        work = asyncio.ensure_future(self.inner(scope, replay, send))
        try:
            await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not work.done():
                work.cancel()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        try:
            await work
        except asyncio.CancelledError:
            if not gone.done():
                raise


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def refuse(fault: Fault, send: Send) -> None:
    """Answers with a fault, without the application inside."""
    import json

    body = json.dumps(fault.document).encode()
    headers = {**fault.headers, "content-type": "application/json", "content-length": str(len(body))}
    if fault.status in (401, 408, 413, 429):
        headers["connection"] = "close"  # what is left of the body will not be read
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": fault.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _fits(length: str, most: int) -> bool:
    return not length.isdecimal() or int(length[:20]) <= most


def _too_large(most: int) -> Fault:
    return Fault(413, f"The request is larger than {most} bytes; send a smaller picture.", "request_too_large")
