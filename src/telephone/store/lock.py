"""One process plays a run at a time; the system releases the lock when that process ends, however it ends."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from telephone.core.errors import StoreError
from telephone.store.database import from_os

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        os.lseek(handle, 1024, os.SEEK_SET)  # after the text, which others may read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks the run during the block.

    Raises:
        StoreError: another process, or another thread of this one, is playing it.
    """
    path = folder / "lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise from_os(path, error) from error
    try:
        try:
            _take(handle)
        except OSError as error:
            owner = os.pread(handle, 64, 0).decode(errors="replace").strip() if sys.platform != "win32" else ""
            by = f" by process {owner}" if owner else ""
            raise StoreError(f"The run in {folder} is being played{by}: wait until it ends, or stop it.") from error
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)  # releases the lock; the file stays, or two processes could lock two files of one name
