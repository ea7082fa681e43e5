"""Names of files as text: in tables and messages, where they must be Unicode, and in commands for a shell."""

import os
import re
import shlex
from pathlib import Path

_ESCAPED = re.compile(r"\\x([89a-f][0-9a-f])")


def text_of(path: str | Path) -> str:
    r"""Returns a path as text that can be encoded: bytes that are not UTF-8 become escapes such as `\xe9`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def path_of(text: str) -> Path:
    """Returns the path that `text_of` has written."""
    path = Path(text)
    if not _ESCAPED.search(text) or path.exists():
        return path
    return Path(_ESCAPED.sub(lambda found: chr(0xDC00 + int(found.group(1), 16)), text))


def shell_word(path: str | Path) -> str:
    """Returns a path or another argument in the form in which a shell reads it as one word."""
    return shlex.quote(str(path))
