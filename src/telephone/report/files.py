"""Files that are either whole or not there: a reader never sees half a report."""

import contextlib
import os
import tempfile
from pathlib import Path

from telephone.errors import StoreError


def write_atomic(path: Path, data: bytes) -> None:
    """Writes a file by way of a temporary one in the same folder, which it makes if needed.

    Raises:
        StoreError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        reason = error.strerror or str(error)
        raise StoreError(f"{path} could not be written ({reason}): free some space or choose another path.") from error
