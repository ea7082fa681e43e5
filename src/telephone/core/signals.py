"""Stopping on request: Ctrl-C and SIGTERM are handled alike."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_requests(on_request: Callable[[], None]) -> Iterator[None]:
    """Calls a function at the first Ctrl-C or SIGTERM; a second one raises KeyboardInterrupt.

    Outside the main thread, and for a signal that has a handler of the calling program, nothing changes.

    Args:
        on_request: called in a signal handler, so it should only set a flag.

    Raises:
        KeyboardInterrupt: a second signal arrived.
    """
    requested = False

    def handle(number: int, at: FrameType | None) -> None:
        nonlocal requested
        if requested:
            raise KeyboardInterrupt
        requested = True
        on_request()

    with _handlers(handle):
        yield


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Raises KeyboardInterrupt at SIGTERM as Python does at Ctrl-C, for as long as the block lasts."""
    with _handlers(_interrupt):
        yield


def _interrupt(number: int, at: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _handlers(handle: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            found = signal.getsignal(number)
            if found in (signal.default_int_handler, signal.SIG_DFL, _interrupt):
                before[number] = found
                signal.signal(number, handle)
    try:
        yield
    finally:
        for number, found in before.items():
            signal.signal(number, found)
