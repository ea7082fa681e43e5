"""Opening `run.sqlite`, whole transactions, and one sentence for each way in which a disk or a file can let us down."""

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from telephone.core.errors import StoreDamaged, StoreError
from telephone.store.migrations import APPLICATION_ID, migrate

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_WAIT = 30.0


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """Returns a connection to a run's database, checked and brought up to date.

    Raises:
        StoreDamaged: the file is not a database of ours, is cut off or malformed.
        StoreVersion: a newer version of the package wrote it.
        StoreError: it cannot be opened.
    """
    with guarded(path):
        writable = os.access(path.parent, os.W_OK)
        db = _connect(path) if writable else _connect_unchanging(path)
        try:
            if not (create and _is_blank(db)):
                _check(db, path)
            if writable:
                _prepare(db)
            migrate(db, str(path))
            db.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            db.close()
            raise
        return db


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All that happens inside is written, or nothing of it.

    Raises:
        StoreError: the disk is full, or the file cannot be written.
    """
    with guarded(path):
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # a full disk rolls back by itself
                db.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turns what the system says into errors that tell what to do.

    Raises:
        StoreDamaged: the database is not what was written.
        StoreError: anything else that the disk or the database refuses.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _from_sqlite(path, error) from error
    except OSError as error:
        raise from_os(path, error) from error


def from_os(path: Path, error: OSError) -> StoreError:
    """Returns the error that tells what to do about a refusal of the file system."""
    if error.errno in _FULL:
        return _full(path)
    return StoreError(
        f"{error.filename or path} cannot be used ({error.strerror}): check the folder and its permissions."
    )


def _from_sqlite(path: Path, error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind, the rest a detail
    if code in _DAMAGED:
        return damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code in _BUSY:
        return StoreError(f"{path} is being written by another program: try again when that has ended.")
    return StoreError(f"{path} cannot be used ({error}): check the disk, the folder and its permissions.")


def damaged(path: Path, what: str) -> StoreDamaged:
    """Returns the error for a file that is not what was written."""
    return StoreDamaged(f"{path} is damaged ({what}): restore it from a copy, or start anew in another folder.")


def _full(path: Path) -> StoreError:
    return StoreError(f"The disk of {path} is full: make room and play again, all that was finished is kept.")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_WAIT, isolation_level=None)


def _prepare(db: sqlite3.Connection) -> None:
    """Comes after the check, as the journal's mode is written into the file."""
    db.execute("PRAGMA journal_mode = WAL")
    # FULL waits for the disk at each commit, so that not even a power cut loses a call that may have cost money.
    # A commit holds the hops of a whole batch, which makes the wait a small part of a hop.
    db.execute("PRAGMA synchronous = FULL")


def _connect_unchanging(path: Path) -> sqlite3.Connection:
    """A finished run may lie on a medium that cannot be written."""
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"{path} has unfinished writes and its folder cannot be written: copy the folder and open the copy."
        )
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def _is_blank(db: sqlite3.Connection) -> bool:
    return int(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]) == 0


def _check(db: sqlite3.Connection, path: Path) -> None:
    mark = db.execute("PRAGMA application_id").fetchone()[0]
    if mark != APPLICATION_ID:
        # An empty file is a valid database without tables; so is one whose creation was cut off.
        raise damaged(path, "it is empty" if _is_blank(db) else "it is not a telephone run")
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, str(found).splitlines()[-1])
