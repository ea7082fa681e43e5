"""Picture files of the user's: read with a limit of their size, and errors that say what is wrong."""

from pathlib import Path

from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import decode

MAX_FILE = 128 * 2**20
"""Largest file that is read, in bytes."""


def open_picture(path: str | Path) -> Image.Image:
    """Returns the picture in a file, upright and in RGB, whatever its mode.

    Raises:
        UsageError: the file is missing, cannot be read, is too large, or is no picture.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE:
            raise UsageError(f"{path} is larger than {MAX_FILE // 2**20} MiB: make it smaller.")
        return decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): check the name and its permissions.") from error
    except ModelError as error:
        raise UsageError(f"{path} cannot be used as a picture: {error}") from error
