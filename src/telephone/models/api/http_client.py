"""HTTP clients for providers: no redirects, no compressed or unbounded responses, a deadline for every request."""

import importlib.util
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from telephone.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    import httpx2

MAX_RESPONSE_BYTES = 64 * 2**20
CONNECT_TIMEOUT = 10.0
"""Seconds."""
_DEADLINE = "telephone.deadline"


def require_package(package: str, model: str) -> None:
    """Checks that an optional package is installed.

    Raises:
        UsageError: it is not.
    """
    if importlib.util.find_spec(package) is None:
        raise UsageError(f'{model} needs the package {package}. Install it with: pip install "ai-telephone[api]"')


def create_client(seconds: float, local: bool, max_bytes: int = MAX_RESPONSE_BYTES, **settings: Any) -> "httpx2.Client":
    """Returns an HTTP client that several threads may share.

    Args:
        seconds: deadline of a whole response with its body, so that a slow stream cannot exceed it.
        local: whether the server is this machine; if so, proxy settings of the environment are ignored.
        max_bytes: maximum bytes of a response.
        settings: further arguments of the client, such as `base_url` and `headers`.
    """
    import httpx2

    headers = {"accept-encoding": "identity", **settings.pop("headers", {})}
    return httpx2.Client(
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT_TIMEOUT, seconds)),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=32),
        follow_redirects=False,
        trust_env=not local,
        headers=headers,
        event_hooks={
            "request": [lambda request: set_deadline(request, seconds)],
            "response": [lambda response: limit_body(response, max_bytes)],
        },
        **settings,
    )


def set_deadline(request: "httpx2.Request", seconds: float) -> None:
    """Stores in a request when its response must be complete."""
    request.extensions = {**request.extensions, _DEADLINE: time.monotonic() + seconds}


def limit_body(response: "httpx2.Response", max_bytes: int) -> None:
    """Limits size and duration of the response body, which is read afterwards.

    Raises:
        ModelError: the body is compressed, although the request excludes it; its size could not be checked.
    """
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise ModelError(f"{response.url.host} sends a compressed response, which was not requested and is not read.")
    deadline = response.request.extensions.get(_DEADLINE, time.monotonic() + 600)
    response.stream = _limited(response.stream, max_bytes, deadline)


def _limited(stream: Any, max_bytes: int, deadline: float) -> Any:
    """Defines the class here because its base class needs the optional library."""
    import httpx2

    class LimitedStream(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in stream:
                size += len(chunk)
                if size > max_bytes:
                    raise ModelError(f"The response is longer than {max_bytes} bytes; it was not read to its end.")
                if time.monotonic() > deadline:
                    raise httpx2.ReadTimeout("The response took too long.")
                yield chunk

        def close(self) -> None:
            stream.close()

    return LimitedStream()
