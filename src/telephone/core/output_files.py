"""Output files: written whole or not at all, through links, and into devices and named pipes without replacing them."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from telephone.core.errors import StoreError, UsageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of a full disk, a used-up quota and a file that is too large for the file system."""
_OPEN_FILES = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
"""How the paths of open files begin: what they lead to is written and never replaced, even if it is a plain file."""


def check_output(path: Path, endings: Sequence[str] = ()) -> Path:
    """Returns a path that may be written; to be called before the work whose result goes there.

    Args:
        path: as it was given by the user.
        endings: such as `.png`, in lower case; a device or a named pipe may have any name.

    Raises:
        UsageError: it is a folder, or a file with another ending; both in any case of letters.
    """
    if path.is_dir():
        name = f"name{(*endings, '')[0]}"
        raise UsageError(f"{path} is a folder: give the name of a file, such as {path / name}.")
    if endings and path.suffix.lower() not in endings and not is_stream(path):
        raise UsageError(f"{path} is not written: its name must end in {' or '.join(endings)}.")
    return path


def is_stream(path: Path) -> bool:
    """Returns whether a path leads to a device, a named pipe or an open file, which is written and never replaced."""
    if os.path.abspath(path).startswith(_OPEN_FILES):
        return True
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def write_output(path: Path, data: bytes) -> None:
    """Writes a file that a user has named: on failure an older file stays unchanged; missing folders are created.

    Links are followed, so the file that a link leads to changes and the link stays. Devices and named pipes are
    written into.

    Args:
        path: of the file.
        data: its content.

    Raises:
        UsageError: the path is a folder.
        StoreError: the file cannot be written, for example because the disk is full.
    """
    check_output(path)
    try:
        if is_stream(path):
            _write_into(path, data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        if error.errno in FULL:
            raise StoreError(f"Disk full: {path} could not be written; free some space, or choose another.") from error
        reason = error.strerror or str(error)
        raise StoreError(f"{path} could not be written ({reason}): check the path and its permissions.") from error


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file through a temporary one in the same folder, so that it is never half written.

    Args:
        path: of the file; an existing one is replaced and its permissions are kept. What a link leads to is replaced,
            not the link. A new file may be read and written by those whom the umask of the process permits.
        data: its content.

    Raises:
        OSError: the disk is full or cannot be written; the temporary file is removed. It names the path, not the
            temporary file.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _write_new(temporary, data, _mode(target))
        os.replace(temporary, target)
        sync_folder(target.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        with contextlib.suppress(OSError):  # after the replacement there is none
            os.unlink(temporary)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system supports it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode(target: Path) -> int | None:
    """Returns the permissions of an existing file, None if there is none."""
    try:
        return stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        return None


def _write_new(path: Path, data: bytes, mode: int | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        if mode is not None:
            os.chmod(path, mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _write_into(path: Path, data: bytes) -> None:
    """Writes into a device, a named pipe or an open file; a pipe waits for its reader, as in a shell."""
    with open(path, "wb", buffering=0) as stream:
        rest = memoryview(data)
        while rest:
            rest = rest[stream.write(rest) or 0 :]
