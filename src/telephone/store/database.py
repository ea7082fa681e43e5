"""Opens `run.sqlite`, runs whole transactions, and turns each error of disk or database into one clear sentence."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from telephone.core.errors import StoreDamaged, StoreError
from telephone.core.output_files import FULL
from telephone.store.migrations import APPLICATION_ID, is_current, migrate

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NO_ROOM = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL}
"""What SQLite reports when it cannot write its journal or shared memory; a full disk is one cause."""
_WAIT = 30.0
_NEEDED = 1 << 20
"""Bytes of free space below which a disk counts as full."""


class Database:
    """An open `run.sqlite`; it notices when its file is removed, replaced or moved."""

    def __init__(self, path: Path, db: sqlite3.Connection, *, writable: bool = True) -> None:
        """Is called by `connect`.

        Args:
            path: of the file.
            db: the connection.
            writable: whether the file behind the connection can change.
        """
        self.path = path
        self.db = db
        self.writable = writable
        self._file = _file_of(path)

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Returns the rows of a query.

        Raises:
            StoreError: the database cannot be read.
        """
        with guarded(self.path):
            return self.db.execute(query, values).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Writes everything inside the block, or nothing of it.

        Raises:
            StoreError: the disk is full, the file cannot be written, or it is no longer the one that was opened.
        """
        with guarded(self.path):
            self.check_file()
            if not self.writable:
                raise (
                    _full(self.path)
                    if _disk_is_full(self.path)
                    else StoreError(
                        f"{self.path} cannot be written: the folder is read-only. Copy it and open the copy."
                    )
                )
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.check_file()
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:  # a full disk rolls back by itself
                    self.db.execute("ROLLBACK")
                raise

    def check_file(self) -> None:
        """Checks that the path still leads to the file that was opened.

        Raises:
            StoreError: the file was removed or replaced, or its folder was moved.
        """
        if self.writable and _file_of(self.path) != self._file:
            raise StoreError(
                f"{self.path} was removed, replaced or moved while the run was open: put the folder back and resume."
            )

    def close(self) -> None:
        """Closes the connection."""
        self.db.close()


def connect(path: Path, *, create: bool = False) -> Database:
    """Opens a run's database, checks it and migrates it to the current format.

    A database in a folder that cannot be written is left as it is; an older one is migrated in memory.

    Args:
        path: of the file.
        create: whether a file without tables is a run that is being created. The caller then holds the lock.

    Raises:
        StoreDamaged: the file is no run, is truncated or malformed.
        StoreVersion: a newer version of the package wrote it.
        StoreError: the file cannot be opened.
    """
    with guarded(path):
        writable = os.access(path.parent, os.W_OK)
        try:
            return _open(path, writable=writable, create=create)
        except sqlite3.OperationalError as error:
            if create or _code(error) not in _NO_ROOM or not writable or not _disk_is_full(path):
                raise
        return _open(path, writable=False, create=False)


def _open(path: Path, *, writable: bool, create: bool) -> Database:
    db = _connect(path) if writable else _connect_unchanging(path)
    try:
        if not (create and _is_blank(db)):
            _check(db, path)
        if not writable and not is_current(db):
            db = _in_memory(db)
        elif writable:
            _prepare(db)
        _migrate(db, path, locked_by_caller=create or not writable)
        db.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        db.close()
        raise
    db.row_factory = sqlite3.Row
    return Database(path, db, writable=writable)


def _migrate(db: sqlite3.Connection, path: Path, *, locked_by_caller: bool) -> None:
    """Another process that plays the run with an older version of the package must not lose its tables."""
    from telephone.store.lock import locked

    current = is_current(db)
    with contextlib.nullcontext() if current or locked_by_caller else locked(path.parent):
        migrate(db, str(path))


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turns errors of the system into errors that say what to do.

    Raises:
        StoreDamaged: the database is not what was written.
        StoreError: any other error of disk or database.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _from_sqlite(path, error) from error
    except OSError as error:
        raise from_os(path, error) from error


def from_os(path: Path, error: OSError) -> StoreError:
    """Returns the error that says what to do about an error of the file system."""
    if error.errno in FULL:
        return _full(path)
    return StoreError(
        f"{error.filename or path} cannot be used ({error.strerror}): check the folder and its permissions."
    )


def _from_sqlite(path: Path, error: sqlite3.Error) -> StoreError:
    code = _code(error)
    if code in _DAMAGED or "decode to UTF-8" in str(error):
        return damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL or (code in _NO_ROOM and _disk_is_full(path)):
        return _full(path)
    if code in _BUSY:
        return StoreError(f"{path} is being written by another program: try again when that has ended.")
    return StoreError(f"{path} cannot be used ({error}): check the disk, the folder and its permissions.")


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the low byte is the kind, the rest a detail


def damaged(path: Path, what: str) -> StoreDamaged:
    """Returns the error for a file that is not what was written."""
    return StoreDamaged(f"{path} is damaged ({what}): restore it from a copy, or start a new run in another folder.")


def _full(path: Path) -> StoreError:
    return StoreError(f"The disk of {path} is full: free some space and play again. All finished calls are kept.")


def _disk_is_full(path: Path) -> bool:
    """Returns whether the disk has no room, or the user's quota is used up, which only writing shows."""
    try:
        if shutil.disk_usage(path.parent).free < _NEEDED:
            return True
        with tempfile.TemporaryFile(dir=path.parent) as probe:
            probe.write(bytes(1 << 16))
            probe.flush()
    except OSError as error:
        return error.errno in FULL
    return False


def _file_of(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_WAIT, isolation_level=None)


def _prepare(db: sqlite3.Connection) -> None:
    """Comes after the check, because the journal mode is written into the file."""
    db.execute("PRAGMA journal_mode = WAL")
    # FULL waits for the disk at each commit, so that not even a power failure loses a call that may have cost money.
    # A commit holds the hops of a whole batch, which makes the wait a small part of a hop.
    db.execute("PRAGMA synchronous = FULL")


def _connect_unchanging(path: Path) -> sqlite3.Connection:
    """Opens a finished run on a medium that cannot be written."""
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"{path} has unfinished writes and its folder cannot be written: copy the folder and open the copy."
        )
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def _in_memory(db: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.backup(copy)
    db.close()
    return copy


def _is_blank(db: sqlite3.Connection) -> bool:
    return int(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]) == 0


def _check(db: sqlite3.Connection, path: Path) -> None:
    mark = db.execute("PRAGMA application_id").fetchone()[0]
    if mark != APPLICATION_ID:
        # An empty file is a valid database without tables; so is one whose creation was killed.
        raise damaged(path, "it is empty" if _is_blank(db) else "it is not a telephone run")
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, str(found).splitlines()[-1])


def is_begun(path: Path) -> bool:
    """Returns whether a database holds the specification of a run.

    It does not if a process was killed while it created the run: the same command then creates it again.

    Args:
        path: of the file; it need not exist.
    """
    if not path.is_file() or not path.stat().st_size:
        return False
    with guarded(path):
        db = _connect(path) if os.access(path.parent, os.W_OK) else _connect_unchanging(path)
        try:
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables:
                return False
            keys = {row[0] for row in db.execute("SELECT key FROM meta")} if "meta" in tables else {"foreign"}
            return bool(keys)
        except sqlite3.DatabaseError:
            return True  # whoever opens it gets the error
        finally:
            db.close()
