"""Whether a run is what was written: every byte hashed again, every chain followed from its prompt."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from telephone.core.images import content_hash
from telephone.core.seeds import derive, digest
from telephone.store.pictures import SUFFIX, PictureFiles
from telephone.store.rows import ModelSpec, Problem, RunSpec


def verify(db: sqlite3.Connection, description: RunSpec, pictures: PictureFiles) -> list[Problem]:
    """Returns everything that is not as it was written; an empty list means that all is."""
    return [
        *_database(db),
        *_contents(db, pictures),
        *_strangers(db, pictures),
        *_chains(db, description),
    ]


def _database(db: sqlite3.Connection) -> Iterator[Problem]:
    for (found,) in db.execute("PRAGMA integrity_check"):
        if found != "ok":
            yield Problem("run.sqlite", f"The database is malformed: {found}.")
    for table, *_ in db.execute("PRAGMA foreign_key_check"):
        yield Problem("run.sqlite", f"A row of the table {table} points to a row that is not there.")


def _contents(db: sqlite3.Connection, pictures: PictureFiles) -> Iterator[Problem]:
    for sha, kind, size, data in db.execute("SELECT sha, kind, size, CAST(data AS BLOB) FROM content ORDER BY sha"):
        where = f"text {sha[:12]}"
        if kind == "image":
            where = f"images/{sha[:2]}/{sha}{SUFFIX}"
            try:
                data = pictures.path(sha).read_bytes()
            except OSError as error:
                yield Problem(where, f"The picture is missing or cannot be read: {error.strerror}.")
                continue
        if data is None or len(data) != size or content_hash(data) != sha:
            yield Problem(where, f"The {kind} is not what was written: its hash differs.")


def _strangers(db: sqlite3.Connection, pictures: PictureFiles) -> Iterator[Problem]:
    known = {row[0] for row in db.execute("SELECT sha FROM content WHERE kind = 'image'")}
    for path in pictures.files():
        if path.stem in known and path == pictures.path(path.stem):
            continue
        where = f"images/{path.relative_to(pictures.folder).as_posix()}"
        if _leftover(path):
            yield Problem(
                where, "A picture without a row, left by a call that was cut off: it does no harm.", grave=False
            )
        else:
            yield Problem(where, "A file that the run did not write.")
    used = "SELECT result FROM hop UNION SELECT prompt_sha FROM game"
    for (sha,) in db.execute(f"SELECT sha FROM content WHERE sha NOT IN ({used} EXCEPT SELECT NULL) ORDER BY sha"):
        yield Problem(f"content {sha[:12]}", "A content that no hop has made.")


def _leftover(path: Path) -> bool:
    """Tells whether a file is what a killed run leaves: a whole picture, or a temporary file."""
    if path.suffix == ".tmp" and path.name.startswith("."):
        return True
    return path.suffix == SUFFIX and path.parent.name == path.stem[:2] and content_hash(path.read_bytes()) == path.stem


def _chains(db: sqlite3.Connection, description: RunSpec) -> Iterator[Problem]:
    players = {row.ref: row for row in description.models}
    prompts = {prompt.id: prompt for prompt in description.prompts}
    due = ("", 0, "", "")  # game, step and parent of the hop that comes next; outcome of the last
    for hop in db.execute(
        "SELECT g.key AS game, g.conversation, g.prompt_id, g.prompt_sha, g.seed AS game_seed, g.repeat, g.t2i, g.i2t,"
        " h.* , c.kind AS made FROM hop h JOIN game g ON g.id = h.game LEFT JOIN content c ON c.sha = h.result"
        " ORDER BY h.game, h.step"
    ):
        if hop["game"] != due[0]:
            due = (hop["game"], 0, hop["prompt_sha"], "ok")
        where = f"game {hop['conversation']}, step {hop['step']}"
        first = prompts[hop["prompt_id"]].first if hop["prompt_id"] in prompts else None
        for what in (*_broken_link(hop, due), *_broken_ask(hop, players, first)):
            yield Problem(where, what)
        due = (hop["game"], hop["step"] + 1, hop["result"] or "", hop["outcome"])


def _broken_link(hop: sqlite3.Row, due: tuple[str, int, str, str]) -> Iterator[str]:
    _, step, parent, outcome = due
    if hop["step"] != step:
        yield f"Step {step} is missing before it."
    if outcome != "ok":
        yield "It comes after a hop that ended the game."
    elif hop["parent"] != parent:
        yield "Its parent is not what the hop before it made."
    if hop["turn"] != hop["step"] // 2:
        yield f"It is counted to turn {hop['turn']} in place of {hop['step'] // 2}."
    if hop["result"] is not None and hop["made"] != hop["kind"]:
        yield f"Its result is not of the kind {hop['kind']}."


def _broken_ask(hop: sqlite3.Row, players: dict[str, ModelSpec], first: str | None) -> Iterator[str]:
    """The rules are written here a second time, from their description: a check by the same code would be none."""
    kind = "image" if (hop["step"] % 2 == 0) == (first == "text") else "text"
    if first is None:
        yield f"Its prompt {hop['prompt_id']!r} is not among those of the run."
    elif hop["kind"] != kind:
        yield f"It makes the kind {hop['kind']} where the game is due to make the kind {kind}."
    ref = hop["t2i"] if hop["kind"] == "image" else hop["i2t"]
    if hop["player"] != ref or ref not in players:
        yield f"Its player {hop['player']!r} is not the one of the line."
        return
    seed = derive("hop", hop["game_seed"], hop["kind"])
    which = ("seed", seed) if players[ref].seeds else ("repeat", hop["repeat"])
    if hop["seed"] != seed:
        yield "Its seed does not come from the game's."
    if hop["ask"] != digest("ask", hop["kind"], players[ref].fingerprint, hop["parent"], *which):
        yield "Its ask key does not come from what was asked."
