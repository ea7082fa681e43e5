"""`library.sqlite`: everything of a library that changes, in one file, so that each change is one transaction.

It holds the encoders, the folders, one row a file (also of those that cannot be decoded, with the reason), the rows of
the live segment with their vectors, the list of immutable segments, and the ids of deleted rows.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from telephone.core.errors import StoreDamaged, StoreError, StoreVersion, UsageError
from telephone.core.output_files import FULL

APPLICATION_ID = 0x54454C4C
"""Marks the file as a library (`TELL`)."""
FORMAT = 1
"""Version of tables and segments."""
NAME = "library.sqlite"
_WAIT = 30.0
"""Seconds that a transaction waits for another process."""

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE encoder (
    number INTEGER PRIMARY KEY, ref TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE, width INTEGER NOT NULL,
    reads TEXT NOT NULL
);
CREATE TABLE root (number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE file (
    id INTEGER PRIMARY KEY AUTOINCREMENT, root INTEGER NOT NULL REFERENCES root, path BLOB NOT NULL,
    size INTEGER NOT NULL, modified INTEGER NOT NULL, sha256 TEXT NOT NULL, reason TEXT, UNIQUE (root, path)
);
CREATE TABLE live (id INTEGER PRIMARY KEY REFERENCES file ON DELETE CASCADE, properties TEXT NOT NULL);
CREATE TABLE live_vector (
    id INTEGER NOT NULL REFERENCES live ON DELETE CASCADE, encoder INTEGER NOT NULL REFERENCES encoder,
    vector BLOB NOT NULL, PRIMARY KEY (id, encoder)
) WITHOUT ROWID;
CREATE TABLE segment (
    number INTEGER PRIMARY KEY AUTOINCREMENT, rows INTEGER NOT NULL
);
CREATE TABLE segment_file (
    segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE, name TEXT NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, PRIMARY KEY (segment, name)
) WITHOUT ROWID;
CREATE TABLE deleted (id INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE word USING fts5 (words, tokenize='unicode61 remove_diacritics 2');
"""


class Catalog:
    """An open `library.sqlite`."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        """Is called by `open_catalog` and `create_catalog`."""
        self.path, self.db = path, db
        db.row_factory = sqlite3.Row

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Returns the rows of a query.

        Raises:
            StoreError: the database cannot be read.
        """
        with guarded(self.path):
            return self.db.execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> sqlite3.Row | None:
        """Returns the first row of a query, None if there is none; raises as `all` does."""
        with guarded(self.path):
            found: sqlite3.Row | None = self.db.execute(query, values).fetchone()
            return found

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Writes everything inside the block, or nothing of it.

        Raises:
            StoreError: the disk is full, or the file cannot be written.
        """
        with guarded(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:  # a full disk rolls back by itself
                    self.db.execute("ROLLBACK")
                raise

    def version(self) -> int:
        """Returns a number that changes when another connection commits; for readers that follow a writer."""
        with guarded(self.path):
            return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Closes the connection."""
        self.db.close()


def create_catalog(folder: Path) -> Catalog:
    """Creates the database of a new library; the caller holds the lock of the folder.

    A database without tables, which a killed process left, is filled.

    Raises:
        StoreError: the file cannot be written.
    """
    path = folder / NAME
    with guarded(path):
        db = _connect(path)
        try:
            _prepare(db)
            # The mark comes in the same transaction as the tables: a kill leaves both or neither.
            script = f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; {_TABLES}"
            db.executescript(f"{script} INSERT INTO meta VALUES ('format', '{FORMAT}'); COMMIT;")
        except BaseException:
            db.close()
            raise
    return Catalog(path, db)


def open_catalog(folder: Path) -> Catalog:
    """Opens the database of a library and checks it.

    Raises:
        UsageError: there is no library in the folder.
        StoreDamaged: the file is no library, or is malformed.
        StoreVersion: a newer version of the package wrote it.
        StoreError: the file cannot be opened.
    """
    path = folder / NAME
    if not is_created(folder):
        raise UsageError(
            f"There is no picture library in {folder}: make one with `telephone search index PICTURES --library "
            f"{folder}`."
        )
    with guarded(path):
        db = _connect(path) if os.access(folder, os.W_OK) else _connect_unchanging(path)
        try:
            _check(db, path)
            if os.access(folder, os.W_OK):
                _prepare(db)
        except BaseException:
            db.close()
            raise
    return Catalog(path, db)


def is_created(folder: Path) -> bool:
    """Returns whether the folder holds the database of a library; one without tables does not count."""
    path = folder / NAME
    if not path.is_file() or not path.stat().st_size:
        return False
    with guarded(path):
        db = _connect(path)
        try:
            return bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        except sqlite3.DatabaseError:
            return True  # whoever opens it gets the error
        finally:
            db.close()


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turns errors of disk and database into errors that say what to do.

    Raises:
        StoreDamaged: the file is not what was written.
        StoreError: any other error.
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
        return StoreError(f"The disk of {path} is full: free some space and index again; what is finished is kept.")
    return StoreError(f"{error.filename or path} cannot be used ({error.strerror}): check the folder and permissions.")


def damaged(path: Path, what: str) -> StoreDamaged:
    """Returns the error for a file that is not what was written."""
    return StoreDamaged(f"{path} is damaged ({what}): run `telephone search repair` on the library.")


def _from_sqlite(path: Path, error: sqlite3.Error) -> StoreError:
    code = int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the low byte is the kind
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"{path} is damaged ({error}): restore it from a copy, or index the pictures again.")
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"The disk of {path} is full: free some space and index again; what is finished is kept.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"{path} is being written by another process: try again when that has ended.")
    return StoreError(f"{path} cannot be used ({error}): check the disk, the folder and its permissions.")


def _connect(path: Path) -> sqlite3.Connection:
    # Searches run in threads of a server; the library serialises its own use of the connection.
    return sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)


def _connect_unchanging(path: Path) -> sqlite3.Connection:
    """Opens a library on a medium that cannot be written."""
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    # A commit holds a whole batch of pictures, so waiting for the disk is a small part of it.
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")


def _check(db: sqlite3.Connection, path: Path) -> None:
    mark = db.execute("PRAGMA application_id").fetchone()[0]
    if mark != APPLICATION_ID:
        raise StoreDamaged(f"{path} is not the database of a picture library: choose another folder.")
    found = db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    if found is None or int(found[0]) > FORMAT:
        version = "of unknown format" if found is None else f"of format {found[0]}"
        raise StoreVersion(f"{path} is {version}, and this version reads format {FORMAT}: upgrade the package.")
