"""Starts and stops the HTTP server."""

import contextlib
import importlib.util
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.core.errors import UsageError
from telephone.serve.access import AccessPolicy
from telephone.serve.served_models import ServedModel

if TYPE_CHECKING:
    import uvicorn

GRACE = 5
"""Seconds that active requests have to finish when the server stops."""
_NEEDED = ("fastapi", "uvicorn")


@dataclass(frozen=True)
class ListenAddress:
    """The address at which a server listens."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0 selects a free port."""


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


def serve(
    served: Mapping[str, ServedModel], listen: ListenAddress, policy: AccessPolicy, ready: Callable[[str], None]
) -> None:
    """Serves models until Ctrl-C or SIGTERM.

    Args:
        served: models by name.
        listen: where to listen.
        policy: access policy.
        ready: called with the base URL, such as `http://127.0.0.1:8000/v1`, once requests are accepted.

    Raises:
        UsageError: a package is missing, or the address cannot be bound.
    """
    require()
    from telephone.serve.connections import LimitedServer

    with _listen(listen) as taken:
        config = server_config(served, policy, log_level="error", timeout_graceful_shutdown=GRACE)
        server = LimitedServer(config, lambda: ready(base_url(listen.host, taken)))
        with contextlib.suppress(KeyboardInterrupt):  # raised again after everything is closed
            server.run(sockets=[taken])


def server_config(served: Mapping[str, ServedModel], policy: AccessPolicy, **settings: Any) -> "uvicorn.Config":
    """Returns the configuration of a server with the limits of a policy.

    Args:
        served: models by name.
        policy: access policy.
        settings: further settings of uvicorn.
    """
    import uvicorn

    from telephone.serve.application import make_app
    from telephone.serve.connections import BACKLOG, limited_protocol

    return uvicorn.Config(
        make_app(served, policy),
        http=limited_protocol(policy),
        backlog=BACKLOG,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        ws="none",
        lifespan="off",
        **settings,
    )


def base_url(host: str, taken: socket.socket) -> str:
    """Returns the base URL for clients; a wildcard address is kept as given."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{taken.getsockname()[1]}/v1"


def _listen(listen: ListenAddress) -> socket.socket:
    try:
        family, kind, *_, address = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"Port {listen.port} of {listen.host} cannot be bound ({why}): choose another with --port (0: a free one)."
        ) from error
    made.set_inheritable(False)
    return made
