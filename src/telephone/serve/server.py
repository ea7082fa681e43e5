"""Starts the server, says where it is, and ends it cleanly."""

import contextlib
import importlib.util
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from telephone.core.errors import UsageError
from telephone.serve.access import Terms
from telephone.serve.served_models import Guest

GRACE = 5
"""Seconds that requests in work have to end when the server is told to stop."""
_NEEDED = ("fastapi", "uvicorn")


@dataclass(frozen=True)
class Post:
    """Where a server listens."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0 takes one that is free."""


def require() -> None:
    """Checks that the packages of the server are installed.

    Raises:
        UsageError: one is missing.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f'The server needs the package {missing[0]}. Install it with: pip install "ai-telephone[serve]"'
        )


def serve(guests: Mapping[str, Guest], post: Post, terms: Terms, ready: Callable[[str], None]) -> None:
    """Serves players until it is told to stop by Ctrl-C or SIGTERM.

    Args:
        guests: the players by name.
        post: where to listen.
        terms: who may ask, and how much.
        ready: is told the base address, such as `http://127.0.0.1:8000/v1`, once requests are taken.

    Raises:
        UsageError: a package is missing, or the address cannot be taken.
    """
    require()
    import uvicorn

    from telephone.serve.application import make_app

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(base_url(post.host, taken))

    with _listen(post) as taken:
        config = uvicorn.Config(
            make_app(guests, terms),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=30,
            ws="none",
            lifespan="off",
        )
        with contextlib.suppress(KeyboardInterrupt):  # raised again after everything has been closed
            Server(config).run(sockets=[taken])


def base_url(host: str, taken: socket.socket) -> str:
    """Returns the address for clients; one that stands for all of this machine's is left as it was given."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{taken.getsockname()[1]}/v1"


def _listen(post: Post) -> socket.socket:
    try:
        family, kind, *_, address = socket.getaddrinfo(post.host, post.port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"Port {post.port} of {post.host} cannot be taken ({why}): choose another with --port, or 0 for any."
        ) from error
    made.set_inheritable(False)
    return made
