"""The connection to a provider: no redirects, no compressed or endless answers, an end to every wait."""

import importlib.util
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from telephone.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    import httpx2

MAX_ANSWER = 64 * 2**20
"""Bytes of an answer; more is not read."""
CONNECT = 10.0
"""Seconds for a connection to be made."""
_DEADLINE = "telephone.deadline"


def require(package: str, player: str) -> None:
    """Checks that an optional package is there.

    Raises:
        UsageError: it is not; says how to install it.
    """
    if importlib.util.find_spec(package) is None:
        raise UsageError(f'{player} needs the package {package}. Install it with: pip install "ai-telephone[api]"')


def connect(seconds: float, local: bool, most: int = MAX_ANSWER, **more: Any) -> "httpx2.Client":
    """Returns an HTTP client that is safe to share between threads.

    Args:
        seconds: for a whole answer, its body included; a server that sends a byte now and then cannot hold us longer.
        local: whether the server is this machine: then the proxies of the environment are not asked.
        most: bytes of an answer.
        more: further settings of the client, such as `base_url` and `headers`.
    """
    import httpx2

    headers = {"accept-encoding": "identity", **more.pop("headers", {})}
    return httpx2.Client(
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT, seconds)),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=32),
        follow_redirects=False,
        trust_env=not local,
        headers=headers,
        event_hooks={"request": [lambda request: stamp(request, seconds)], "response": [lambda r: bound(r, most)]},
        **more,
    )


def stamp(request: "httpx2.Request", seconds: float) -> None:
    """Notes on a request when its answer must be there."""
    request.extensions = {**request.extensions, _DEADLINE: time.monotonic() + seconds}


def bound(response: "httpx2.Response", most: int) -> None:
    """Puts a limit of size and time around the body of an answer that is about to be read.

    Raises:
        ModelError: the body is compressed, which nobody asked for and which hides its size.
    """
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise ModelError(f"{response.url.host} sends a compressed answer, which was not asked for and is not unpacked.")
    deadline = response.request.extensions.get(_DEADLINE, time.monotonic() + 600)
    response.stream = _bounded(response.stream, most, deadline)


def _bounded(stream: Any, most: int, deadline: float) -> Any:
    """The base class is known only where the library is imported."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in stream:
                size += len(chunk)
                if size > most:
                    raise ModelError(f"The answer is longer than {most} bytes, and was not read to its end.")
                if time.monotonic() > deadline:
                    raise httpx2.ReadTimeout("The answer took too long.")
                yield chunk

        def close(self) -> None:
            stream.close()

    return Bounded()
