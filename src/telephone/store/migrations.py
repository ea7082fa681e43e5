"""The tables of `run.sqlite`, as numbered steps: an older file is brought up to date when it is opened."""

import sqlite3
from collections.abc import Callable

from telephone.core.errors import StoreVersion
from telephone.store.format_4 import convert

APPLICATION_ID = 0x54454C45
"""Marks the file as ours ("TELE")."""


def m001_start(db: sqlite3.Connection) -> None:
    """A run's description, its games and hops, every content by its hash, and scores."""
    for statement in (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        # Images are files; only their hash and size are here. Texts are here alone.
        "CREATE TABLE content (sha TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('image', 'text')),"
        " size INTEGER NOT NULL, data BLOB) WITHOUT ROWID",
        "CREATE TABLE game (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, conversation TEXT NOT NULL UNIQUE,"
        " t2i TEXT NOT NULL, i2t TEXT NOT NULL, prompt_id TEXT NOT NULL, prompt_sha TEXT NOT NULL REFERENCES content,"
        " seed INTEGER NOT NULL, repeat INTEGER NOT NULL)",
        "CREATE TABLE hop (game INTEGER NOT NULL REFERENCES game, step INTEGER NOT NULL, turn INTEGER NOT NULL,"
        " kind TEXT NOT NULL, player TEXT NOT NULL, seed INTEGER NOT NULL, parent TEXT NOT NULL REFERENCES content,"
        " ask TEXT NOT NULL, outcome TEXT NOT NULL, result TEXT REFERENCES content, reason TEXT NOT NULL,"
        " raw TEXT NOT NULL, started REAL NOT NULL, seconds REAL NOT NULL, attempts INTEGER NOT NULL, cost REAL,"
        " tokens_cut INTEGER NOT NULL, PRIMARY KEY (game, step),"
        " CHECK ((outcome = 'ok') = (result IS NOT NULL))) WITHOUT ROWID",
        # Only a successful call answers a later request of the same key.
        "CREATE INDEX hop_by_ask ON hop (ask) WHERE outcome = 'ok'",
        "CREATE TABLE judge (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        "CREATE TABLE score (judge INTEGER NOT NULL REFERENCES judge, subject TEXT NOT NULL, reference TEXT NOT NULL,"
        " name TEXT NOT NULL, value REAL, detail TEXT, PRIMARY KEY (judge, subject, reference, name)) WITHOUT ROWID",
    ):
        db.execute(statement)


def m002_spent(db: sqlite3.Connection) -> None:
    """Calls that may have cost money and that belong to no hop: replaced failures, calls that were given up."""
    db.execute("CREATE TABLE spent (id INTEGER PRIMARY KEY, player TEXT NOT NULL, calls INTEGER NOT NULL, cost REAL)")


def m003_vectors(db: sqlite3.Connection) -> None:
    """Vectors of texts and images by embedder; the content need not be one of the run's."""
    db.execute("CREATE TABLE embedder (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
    db.execute(
        "CREATE TABLE vector (embedder INTEGER NOT NULL REFERENCES embedder, sha TEXT NOT NULL, data BLOB NOT NULL,"
        " PRIMARY KEY (embedder, sha)) WITHOUT ROWID"
    )


def m004_calls(db: sqlite3.Connection) -> None:
    """Calls apart from games, typed scores with the reason for a missing value, and checksums of rows."""
    convert(db)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (m001_start, m002_spent, m003_vectors, m004_calls)
"""In order; the number of those applied is the file's `user_version`. Never edit one that has been released."""


def version(db: sqlite3.Connection) -> int:
    """Returns the number of migrations that were applied to the file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def is_current(db: sqlite3.Connection) -> bool:
    """Returns whether no migration is missing."""
    return version(db) >= len(MIGRATIONS)


def migrate(db: sqlite3.Connection, path: str) -> None:
    """Brings the file up to date, each step whole or not at all.

    Raises:
        StoreVersion: the file has more migrations than this package knows.
    """
    seen = version(db)
    if seen > len(MIGRATIONS):
        raise StoreVersion(
            f"{path} has format {seen} and this version reads up to {len(MIGRATIONS)}: upgrade ai-telephone to open it."
        )
    for number, step in enumerate(MIGRATIONS[seen:], start=seen + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            if version(db) < number:  # another process may have been faster
                step(db)
                db.execute(f"PRAGMA user_version = {number}")
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
