"""Standard streams as a user may leave them: closed, full, or with an encoding that lacks characters."""

import codecs
import contextlib
import os
import sys

PLAIN = {"–": "-", "—": "-", "…": "...", "·": ".", "×": "x", "→": "->", "“": '"', "”": '"', "‘": "'", "’": "'"}
"""What is printed for characters that an encoding lacks; all others become a question mark."""
_HANDLER = "telephone.plain"


def prepare_streams() -> None:
    """Opens closed streams on the null device, and lets each stream print every text.

    A closed descriptor is opened first: the next file that is opened, such as a database, would get its number, and
    messages of libraries would be written into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    sys.stdin = sys.stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY))
    codecs.register_error(_HANDLER, _replacement)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_HANDLER)


def flush_output() -> None:
    """Writes what stdout still holds.

    Raises:
        OSError: it cannot be written, for example because the disk is full. Nothing is left to write then.
    """
    try:
        sys.stdout.flush()
    except OSError:
        # At its end Python would try once more and print a traceback.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def can_print(text: str) -> bool:
    """Returns whether the encoding of stdout has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _replacement(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    if all("\udc80" <= character <= "\udcff" for character in found):
        return found.encode("utf-8", "surrogateescape"), error.end  # bytes of a file's name, unchanged
    return "".join(PLAIN.get(character, "?") for character in found), error.end
