"""ASGI middleware: checks token, host name, content type and size of a request, and limits concurrent requests."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from telephone.serve.access import AccessPolicy
from telephone.serve.error_responses import ApiError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH_PATH = "/health"
"""The only path that needs no token; it only says that the server runs."""


@dataclass
class RequestGuard:
    """An ASGI middleware that reads a request completely before it passes it on."""

    inner: App
    policy: AccessPolicy
    active: int = 0
    """Number of requests that are being handled."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request in, or answers it with a error."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        try:
            self._check(scope)
        except ApiError as error:
            await refuse(error, send)
            return
        self.active += 1
        try:
            await self._handle(scope, receive, send)
        finally:
            self.active -= 1

    def _check(self, scope: Scope) -> None:
        """Checks the headers, so that the body of an unauthorised request is never read."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self.policy.accepts_host(headers.get("host", "")):
            raise ApiError(403, "This server accepts requests to localhost only; use that name.", "wrong_host")
        if scope["path"] == HEALTH_PATH:
            return
        if not self.policy.accepts_token(headers.get("authorization", "")):
            raise ApiError(
                401, "The token is missing or wrong; send it as Authorization: Bearer TOKEN.", "invalid_api_key"
            )
        if scope["method"] == "POST":
            # A web page may send plain text to another origin without a preflight request, but not JSON.
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise ApiError(415, "Send the body as application/json.", "unsupported_media_type")
            if not _fits(headers.get("content-length", "0"), self.policy.body):
                raise _too_large(self.policy.body)
            if self.active >= self.policy.max_requests:
                raise ApiError(
                    429, f"{self.active} requests are active or waiting; retry later.", "too_many_waiting", 1
                )

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await asyncio.wait_for(self._read(receive), self.policy.max_body_seconds)
        except ApiError as error:
            await refuse(error, send)
            return
        except TimeoutError:
            await refuse(ApiError(408, "The request did not arrive in time; send it again.", "request_timeout"), send)
            return
        if body is not None:
            await self._forward(scope, body, receive, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Returns the complete body, None if the client has disconnected."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.policy.body:
                raise _too_large(self.policy.body)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _forward(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Passes the request on, and cancels it when the client disconnects."""
        given = [{"type": "http.request", "body": body, "more_body": False}]
        disconnected = asyncio.create_task(_disconnected(receive))

        async def replay() -> MutableMapping[str, Any]:
            if given:
                return given.pop()
            await asyncio.wait([disconnected])
            return {"type": "http.disconnect"}

        work = asyncio.ensure_future(self.inner(scope, replay, send))
        try:
            await asyncio.wait([work, disconnected], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not work.done():
                work.cancel()
            disconnected.cancel()
            await asyncio.gather(disconnected, return_exceptions=True)
        try:
            await work
        except asyncio.CancelledError:
            if not disconnected.done():
                raise


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def refuse(error: ApiError, send: Send) -> None:
    """Responds with an error without calling the application."""
    import json

    body = json.dumps(error.document).encode()
    headers = {**error.headers, "content-type": "application/json", "content-length": str(len(body))}
    if error.status in (401, 408, 413, 429):
        headers["connection"] = "close"  # the rest of the body is not read
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _fits(length: str, most: int) -> bool:
    return not length.isdecimal() or int(length[:20]) <= most


def _too_large(most: int) -> ApiError:
    return ApiError(413, f"The request is larger than {most} bytes; send a smaller image.", "request_too_large")
