"""Files that are either whole or not there, with a plain sentence when they cannot be written."""

from pathlib import Path

from telephone.core.errors import StoreError
from telephone.store import write_whole


def write_atomic(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all, and makes its folder if needed.

    Raises:
        StoreError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"{path} could not be written ({reason}): free some space or choose another path.") from error
