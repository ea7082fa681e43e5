"""Limits on connections: how many are open, how long headers may take, and how long a response may stay unread.

A client that opens connections and sends nothing would otherwise hold descriptors for ever, before any token is asked.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from telephone.serve.access import AccessPolicy

BACKLOG = 16
"""Connections that are accepted at one time; they are open before the limit is applied to them."""
QUEUE = 1024
"""Connections that the system keeps until they are accepted."""
_RESERVED = 32
"""File descriptors that are kept for everything else: weights, logs, remote models."""
_LOG_INTERVAL = 60.0
"""Minimum seconds between two lines of the log about connections that cannot be accepted."""


def connection_limit(policy: AccessPolicy) -> int:
    """Returns the number of connections that may be open: that of the policy, or fewer if descriptors are scarce."""
    try:
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (ImportError, OSError):
        return policy.max_connections
    if soft == resource.RLIM_INFINITY:
        return policy.max_connections
    return max(4, min(policy.max_connections, soft - BACKLOG - _RESERVED))


def limited_protocol(policy: AccessPolicy) -> type[H11Protocol]:
    """Returns the class of connections that keep the limits of a policy."""
    most = connection_limit(policy)

    class LimitedProtocol(H11Protocol):
        """One connection."""

        _header_timer: asyncio.TimerHandle | None = None
        _write_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                transport.abort()
            else:
                self._start_header_timer()

        def data_received(self, data: bytes) -> None:
            if self._header_timer is None and (self.cycle is None or self.cycle.response_complete):
                self._start_header_timer()
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop(self._header_timer)
                self._header_timer = None

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop(self._header_timer, self._write_timer)
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._write_timer = self.loop.call_later(policy.max_body_seconds, self.transport.abort)

        def resume_writing(self) -> None:
            self._stop(self._write_timer)
            super().resume_writing()

        @staticmethod
        def _stop(*timers: asyncio.TimerHandle | None) -> None:
            for timer in timers:
                if timer is not None:
                    timer.cancel()

        def _start_header_timer(self) -> None:
            self._header_timer = self.loop.call_later(policy.max_header_seconds, self.transport.abort)

    return LimitedProtocol


class LimitedServer(uvicorn.Server):
    """A server that accepts few connections at one time, keeps many waiting, and does not flood its log."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        """`started` is called once requests are accepted."""
        super().__init__(config)
        self._report_start = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to accept connections."""
        log_sparingly(asyncio.get_running_loop())
        await super().startup(sockets)
        for each in sockets or []:
            each.listen(QUEUE)  # asyncio uses one number for both; a short queue would delay a burst of clients
        self._report_start()


def log_sparingly(loop: asyncio.AbstractEventLoop) -> None:
    """Makes an event loop report at most once a minute that it cannot accept connections.

    asyncio writes a traceback for every attempt, which fills a disk if descriptors run out.
    """
    last = -_LOG_INTERVAL

    def handle(running: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal last
        if "socket.accept()" not in str(context.get("message")):
            running.default_exception_handler(context)
        elif time.monotonic() - last >= _LOG_INTERVAL:
            last = time.monotonic()
            print(f"Connections cannot be accepted: {context.get('exception')}.", file=sys.stderr, flush=True)

    loop.set_exception_handler(handle)
