"""Folders that are written completely or not at all, and safe file names."""

import glob
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from telephone.core.errors import UsageError
from telephone.core.output_files import sync_folder
from telephone.store.database import guarded


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yields a temporary folder to fill; it is renamed to `target` on success and removed on failure.

    Args:
        target: the final folder; it must be missing or empty.

    Raises:
        UsageError: the folder is not empty, or is a file.
        StoreError: the disk is full or cannot be written.
    """
    with guarded(target):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{target} exists already: remove it, or give another name with --output.")
        target.parent.mkdir(parents=True, exist_ok=True)
        place = Path(os.path.realpath(target))  # a link to an empty folder stays, and what it leads to is filled
        with _temporary(place) as made:
            yield made
            os.replace(made, place)
        sync_folder(place.parent)


@contextmanager
def _temporary(place: Path) -> Iterator[Path]:
    """Yields a new folder beside a place, locked while it is filled; it is removed if it is still there at the end.

    Folders that killed exports to the same place have left are removed; no process holds their locks.
    """
    with _locked(place.parent, wait=True):
        for left in place.parent.glob(f".{glob.escape(place.name)}.*.tmp"):
            with _locked(left) as abandoned:
                if abandoned:
                    shutil.rmtree(left, ignore_errors=True)
        made = place.with_name(f".{place.name}.{secrets.token_hex(8)}.tmp")
        made.mkdir()
        lock = ExitStack()
        lock.enter_context(_locked(made))
    with lock:
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _locked(folder: Path, wait: bool = False) -> Iterator[bool]:
    """Locks a folder against other exports and yields whether that worked; nowhere on Windows, which has no such lock.

    Args:
        folder: it exists.
        wait: whether to wait for the process that holds the lock.
    """
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:  # another process holds it, or the file system has no locks
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def file_name(text: str, taken: set[str]) -> str:
    """Returns a text as a unique file name of letters, digits, `-` and `_`, and adds it to `taken`.

    Args:
        text: anything, such as the address of a model.
        taken: names in use, in lower case; the new one is added.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:100] or "nameless"
    name, number = stem, 2
    while name.lower() in taken:  # some file systems ignore case
        name, number = f"{stem}-{number}", number + 1
    taken.add(name.lower())
    return name
