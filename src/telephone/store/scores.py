"""Scores by scorer: a number, or the reason why there is none; each row with a checksum."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from telephone.store.checksums import checksum
from telephone.store.database import damaged
from telephone.store.format_4 import NO_NUMBER
from telephone.store.records import Score, ScorerKind, ScorerRow


def add_scores(db: sqlite3.Connection, scorer: ScorerRow, scores: Iterable[Score]) -> None:
    """Writes scores; an earlier score of the same pair, kind and item is replaced."""
    head = (scorer.kind.value, scorer.name, scorer.model, scorer.fingerprint)
    db.execute(
        "INSERT OR IGNORE INTO scorer (kind, name, model, fingerprint, checksum) VALUES (?, ?, ?, ?, ?)",
        (*head, checksum(*head)),
    )
    at = _id_of(db, scorer)
    rows = [(at, *_row(score)) for score in scores]
    db.executemany(
        "INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [(*row, checksum(*row)) for row in rows]
    )


def read_scores(db: sqlite3.Connection, scorer: ScorerRow, path: Path) -> list[Score]:
    """Returns every score of a scorer; none if it has written none.

    Raises:
        StoreDamaged: a detail is no JSON.
    """
    found = db.execute(
        "SELECT subject, reference, kind, value, unscored, detail, item FROM score WHERE scorer = ?"
        " ORDER BY subject, reference, kind, item",
        (_id_of(db, scorer),),
    )
    try:
        return [Score(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]), row[6]) for row in found]
    except ValueError as error:
        raise damaged(path, f"a score of {scorer.name} cannot be read: {error}") from error


def read_scorers(db: sqlite3.Connection, kind: ScorerKind | None = None) -> list[ScorerRow]:
    """Returns the scorers that have written scores, the first one first."""
    rows = db.execute("SELECT kind, name, fingerprint, model FROM scorer ORDER BY id").fetchall()
    found = [ScorerRow(ScorerKind(row[0]), row[1], row[2], row[3]) for row in rows]
    return [row for row in found if kind is None or row.kind is kind]


def _id_of(db: sqlite3.Connection, scorer: ScorerRow) -> int | None:
    row = db.execute(
        "SELECT id FROM scorer WHERE kind = ? AND name = ? AND fingerprint = ?",
        (scorer.kind.value, scorer.name, scorer.fingerprint),
    ).fetchone()
    return None if row is None else int(row[0])


def _row(score: Score) -> tuple[Any, ...]:
    value = None if score.value is None else float(score.value)
    if value is not None and (value != value or value in (float("inf"), float("-inf"))):
        value = None  # NaN would come back as NULL anyway, and infinity is no score
    reason = "" if value is not None else score.unscored or NO_NUMBER
    detail = json.dumps(score.detail, ensure_ascii=False)
    return score.subject, score.reference, score.kind, score.item, value, reason, detail
