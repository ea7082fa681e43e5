"""SIGTERM stops a command like Ctrl-C: cleanly, with the command that continues the work."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes of a command that was stopped by Ctrl-C and by SIGTERM."""


@contextmanager
def sigterm_as_interrupt() -> Iterator[list[int]]:
    """Makes SIGTERM raise KeyboardInterrupt in the block; gives the list of SIGTERMs that were received.

    Outside of the main thread, or where the program has a handler of its own, nothing changes.
    """
    received: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield received
        return

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        # The handler of Ctrl-C decides: the engine's one first ends its calls, the default one raises.
        interrupt = signal.getsignal(signal.SIGINT)
        if callable(interrupt):
            interrupt(number, frame)
        else:
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, handle)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def exit_code(received: list[int]) -> int:
    """Returns 143 if a SIGTERM was received, else 130."""
    return TERMINATED if received else INTERRUPTED
