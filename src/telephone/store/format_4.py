"""The tables of format 4, and how a database of format 3 becomes one: every row is kept, no score is computed again."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from telephone.core.records import TASK_OF
from telephone.store.checksums import checksum

_OLD = ("meta", "content", "game", "hop", "judge", "score", "spent", "embedder", "vector")
_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, checksum TEXT NOT NULL) WITHOUT ROWID",
    # Images are files; only their hash and size are here. Texts are here alone.
    "CREATE TABLE artefact (sha TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('image', 'text')),"
    " size INTEGER NOT NULL, data BLOB) WITHOUT ROWID",
    # One row a model call, whichever and however many games use its result. A row is `reserved` from before the call
    # is sent until its outcome is written.
    "CREATE TABLE call (id INTEGER PRIMARY KEY, key TEXT NOT NULL, task TEXT NOT NULL, model TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL, options TEXT NOT NULL, seed INTEGER NOT NULL,"
    " outcome TEXT NOT NULL CHECK (outcome IN ('reserved', 'ok', 'refused', 'failed')),"
    " result TEXT REFERENCES artefact, reason TEXT NOT NULL, raw TEXT NOT NULL, started REAL NOT NULL,"
    " seconds REAL NOT NULL, attempts INTEGER NOT NULL, cost REAL, unpriced INTEGER NOT NULL,"
    " tokens_cut INTEGER NOT NULL, checksum TEXT NOT NULL, CHECK ((outcome = 'ok') = (result IS NOT NULL)))",
    "CREATE INDEX call_by_key ON call (key)",
    "CREATE TABLE call_parent (call INTEGER NOT NULL REFERENCES call, position INTEGER NOT NULL,"
    " sha TEXT NOT NULL REFERENCES artefact, PRIMARY KEY (call, position)) WITHOUT ROWID",
    "CREATE TABLE game (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, conversation TEXT NOT NULL UNIQUE,"
    " t2i TEXT NOT NULL, i2t TEXT NOT NULL, prompt_id TEXT NOT NULL, prompt_sha TEXT NOT NULL REFERENCES artefact,"
    " seed INTEGER NOT NULL, repeat INTEGER NOT NULL, checksum TEXT NOT NULL)",
    # A shared hop uses a call that was made for another hop: it took no time and cost nothing.
    "CREATE TABLE hop (game INTEGER NOT NULL REFERENCES game, step INTEGER NOT NULL,"
    " call INTEGER NOT NULL REFERENCES call, shared INTEGER NOT NULL CHECK (shared IN (0, 1)),"
    " checksum TEXT NOT NULL, PRIMARY KEY (game, step)) WITHOUT ROWID",
    "CREATE TABLE spending (id INTEGER PRIMARY KEY, model TEXT NOT NULL, calls INTEGER NOT NULL, cost REAL,"
    " checksum TEXT NOT NULL)",
    "CREATE TABLE scorer (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, model TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL, checksum TEXT NOT NULL, UNIQUE (kind, name, fingerprint))",
    "CREATE TABLE score (scorer INTEGER NOT NULL REFERENCES scorer, subject TEXT NOT NULL, reference TEXT NOT NULL,"
    " kind TEXT NOT NULL, item INTEGER NOT NULL, value REAL, unscored TEXT NOT NULL, detail TEXT NOT NULL,"
    " checksum TEXT NOT NULL, PRIMARY KEY (scorer, subject, reference, kind, item),"
    " CHECK ((value IS NULL) = (unscored != ''))) WITHOUT ROWID",
    "CREATE TABLE embedder (id INTEGER PRIMARY KEY, name TEXT NOT NULL, fingerprint TEXT NOT NULL,"
    " checksum TEXT NOT NULL, UNIQUE (name, fingerprint))",
    "CREATE TABLE vector (embedder INTEGER NOT NULL REFERENCES embedder, sha TEXT NOT NULL, data BLOB NOT NULL,"
    " checksum TEXT NOT NULL, PRIMARY KEY (embedder, sha)) WITHOUT ROWID",
)
_PREFIXES = (
    ("distance by ", "distance", "distance by {}"),
    ("yardstick of ", "floor", "floor of {}"),
    ("facts of pictures by ", "image_facts", "facts of pictures by {}"),
    ("second descriptions by ", "repeat_caption", "repeat captions by {}"),
    ("asked ", "omission_probe", "omission probe of {}"),
    ("opinion of ", "opinion", "opinion of {}"),
)
"""In format 3 the beginning of a judge's name was its kind; the rest named the model."""
NO_NUMBER = "The scorer returned no number."
_UNREAD_ANSWER = "The answer does not give a value of the fact."
_UNREAD_ANSWERS = "No question was answered by yes or no."


def convert(db: sqlite3.Connection) -> None:
    """Replaces the tables of format 3 by those of format 4.

    Args:
        db: inside a transaction.
    """
    for name in _OLD:
        db.execute(f"ALTER TABLE {name} RENAME TO old_{name}")
    db.execute("DROP INDEX hop_by_ask")
    for statement in _TABLES:
        db.execute(statement)
    fingerprints = _convert_meta(db)
    db.execute("INSERT INTO artefact SELECT sha, kind, size, data FROM old_content")
    _convert_games(db)
    _convert_hops(db, fingerprints)
    _convert_spending(db)
    _convert_scores(db)
    _convert_vectors(db)
    for name in reversed(_OLD):
        db.execute(f"DROP TABLE old_{name}")


def _convert_meta(db: sqlite3.Connection) -> dict[str, str]:
    """Returns the fingerprint of each model by its address."""
    found: dict[str, str] = {}
    for key, value in db.execute("SELECT key, value FROM old_meta").fetchall():
        name = "spec" if key == "description" else key
        db.execute("INSERT INTO meta VALUES (?, ?, ?)", (name, value, checksum(name, value)))
        if name == "spec":
            found = {row["ref"]: row["fingerprint"] for row in json.loads(value)["players"]}
    return found


def _convert_games(db: sqlite3.Connection) -> None:
    rows = db.execute(
        "SELECT id, key, conversation, t2i, i2t, prompt_id, prompt_sha, seed, repeat FROM old_game ORDER BY id"
    ).fetchall()
    db.executemany(
        "INSERT INTO game VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [(*row, checksum(*row[1:])) for row in rows]
    )


def _convert_hops(db: sqlite3.Connection, fingerprints: dict[str, str]) -> None:
    """Makes one call of all hops that had one answer; a hop without an attempt shares the call of another."""
    columns = (
        "game, step, kind, player, seed, parent, ask, outcome, result, reason, raw, started, seconds, attempts, cost,"
        " tokens_cut"
    )
    query = f"SELECT {columns} FROM old_hop WHERE attempts > 0 ORDER BY game, step"
    made: dict[tuple[str, str, str], int] = {}
    number = 0
    for hop in _stream(db, query):
        number += 1
        _add_call(db, number, hop, fingerprints)
        _add_hop(db, hop, number, shared=False)
        made.setdefault(_answer_of(hop), number)
    for hop in _stream(db, query.replace("attempts > 0", "attempts = 0")):
        shared = _answer_of(hop) in made
        if not shared:
            number += 1
            _add_call(db, number, hop, fingerprints)
            made[_answer_of(hop)] = number
        _add_hop(db, hop, made[_answer_of(hop)], shared=shared)


def _answer_of(hop: tuple[Any, ...]) -> tuple[str, str, str]:
    """Returns the key of a request and what came back."""
    ask, outcome, result, reason = hop[6:10]
    return ask, outcome, result or reason


def _add_call(db: sqlite3.Connection, number: int, hop: tuple[Any, ...], fingerprints: dict[str, str]) -> None:
    _, _, kind, model, seed, parent, key, *ended = hop
    outcome, result, reason, raw, started, seconds, attempts, cost, tokens_cut = ended
    row = (
        *(key, TASK_OF[kind], model, fingerprints.get(model, ""), "{}", seed, outcome, result, reason, raw, started),
        *(seconds, attempts, cost, 0, tokens_cut),
    )
    db.execute(f"INSERT INTO call VALUES (?{', ?' * (len(row) + 1)})", (number, *row, checksum(*row, parent)))
    db.execute("INSERT INTO call_parent VALUES (?, 0, ?)", (number, parent))


def _add_hop(db: sqlite3.Connection, hop: tuple[Any, ...], call: int, *, shared: bool) -> None:
    row = (hop[0], hop[1], call, int(shared))
    db.execute("INSERT INTO hop VALUES (?, ?, ?, ?, ?)", (*row, checksum(*row)))


def _convert_spending(db: sqlite3.Connection) -> None:
    rows = db.execute("SELECT id, player, calls, cost FROM old_spent").fetchall()
    db.executemany("INSERT INTO spending VALUES (?, ?, ?, ?, ?)", [(*row, checksum(*row[1:])) for row in rows])


def _convert_scores(db: sqlite3.Connection) -> None:
    prompts = dict(db.execute("SELECT prompt_id, prompt_sha FROM game").fetchall())
    kinds: dict[int, str] = {}
    for number, judge in db.execute("SELECT id, name FROM old_judge ORDER BY id").fetchall():
        row = scorer_of(judge)
        kinds[number] = row[0]
        db.execute("INSERT INTO scorer VALUES (?, ?, ?, ?, ?, ?)", (number, *row, checksum(*row)))
    query = "SELECT judge, subject, reference, name, value, detail FROM old_score"
    for number, *old in _stream(db, query):
        row = _score_of(kinds[number], old, prompts)
        db.execute(
            "INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, *row, checksum(number, *row)),
        )


def scorer_of(judge: str) -> tuple[str, str, str, str]:
    """Returns kind, name, model and fingerprint of what format 3 called a judge.

    Args:
        judge: such as `distance by clip #eb1f...`.
    """
    name, mark, fingerprint = judge.rpartition(" #")
    if not mark:
        name, fingerprint = judge, ""
    for prefix, kind, words in _PREFIXES:
        if name.startswith(prefix):
            model = name.removeprefix(prefix)
            return kind, words.format(model), model, fingerprint
    return ("text_facts" if name.startswith("facts of ") else "distance"), name, "", fingerprint


def _score_of(kind: str, old: list[Any], prompts: dict[str, str]) -> tuple[Any, ...]:
    """Returns subject, reference, kind, item, value, reason and detail of a score of format 3."""
    subject, reference, name, value, text = old
    detail = json.loads(text)
    unscored = detail.pop("why", "") if isinstance(detail, dict) else ""
    item = 0
    if kind == "floor":  # `floor text-image` of `floor PROMPT`
        name, reference = name.removeprefix("floor "), reference.removeprefix("floor ")
        reference = prompts.get(reference, reference)
    elif kind == "omission_probe":  # `lost 3` of `asked HASH`
        name, _, number = name.partition(" ")
        item, reference = int(number or 0), reference.removeprefix("asked ")
        detail.pop("opinion", None)
        unscored = unscored or _UNREAD_ANSWER
    elif kind == "repeat_caption":  # `again` of `again HASH`; the number is new
        name, reference = "repeat_caption", reference.removeprefix("again ")
        value = None if detail["text"] is None else float(detail["text"] == detail["first"])
    elif kind == "opinion":
        detail.pop("opinion", None)
        unscored = unscored or _UNREAD_ANSWERS
    reason = "" if value is not None else unscored or NO_NUMBER
    return subject, reference, name, item, value, reason, json.dumps(detail or None, ensure_ascii=False)


def _convert_vectors(db: sqlite3.Connection) -> None:
    for number, embedder in db.execute("SELECT id, name FROM old_embedder ORDER BY id").fetchall():
        name, mark, fingerprint = embedder.rpartition(" #")
        row = (name, fingerprint) if mark else (embedder, "")
        db.execute("INSERT INTO embedder VALUES (?, ?, ?, ?)", (number, *row, checksum(*row)))
    for row in _stream(db, "SELECT embedder, sha, data FROM old_vector"):
        db.execute("INSERT INTO vector VALUES (?, ?, ?, ?)", (*row, checksum(*row)))


def _stream(db: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """Yields rows without holding all of them in memory."""
    cursor = db.execute(query)
    while rows := cursor.fetchmany(1000):
        yield from rows
