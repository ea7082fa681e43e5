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
def sigterm_as_interrupt() -> Iterator[list[int]]:
    """Treats SIGTERM as Ctrl-C for as long as the block lasts; gives the list of SIGTERMs that were received.

    The handler of Ctrl-C decides what happens: Python's one raises KeyboardInterrupt, that of `stop_requests` calls its
    function. Outside the main thread, or where the program has a handler of its own, nothing changes.
    """
    received: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield received
        return

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):
            raise KeyboardInterrupt
        interrupt(number, frame)

    signal.signal(signal.SIGTERM, handle)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _handlers(handle: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            found = signal.getsignal(number)
            if found in (signal.default_int_handler, signal.SIG_DFL):
                before[number] = found
                signal.signal(number, handle)
    try:
        yield
    finally:
        for number, found in before.items():
            signal.signal(number, found)
