"""Checks that a run is what was written: hashes every byte again and follows every game from its prompt."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from telephone.core.images import content_hash
from telephone.core.records import TASK_OF, Prompt
from telephone.core.seeds import derive, digest
from telephone.store.checksums import checksum
from telephone.store.image_files import SUFFIX, ImageFiles
from telephone.store.records import Problem
from telephone.store.spec import ModelSpec, RunSpec, opening

_ROWS = {
    "meta": ("key, value", "key"),
    "game": ("key, conversation, t2i, i2t, prompt_id, prompt_sha, seed, repeat", "conversation"),
    "hop": ("game, step, call, shared", "game || ', step ' || step"),
    "spending": ("model, calls, cost", "id"),
    "scorer": ("kind, name, model, fingerprint", "name"),
    "score": ("scorer, subject, reference, kind, item, value, unscored, detail", "kind || ' of ' || subject"),
    "embedder": ("name, fingerprint", "name"),
    "vector": ("embedder, sha, data", "sha"),
}
"""The columns that the checksum of each table covers, and what a row is called."""
_CALL = (
    "key, task, model, fingerprint, options, seed, outcome, result, reason, raw, started, seconds, attempts, cost,"
    " unpriced, tokens_cut"
)
_CHAIN = """
    SELECT g.key AS game, g.conversation, g.prompt_id, g.prompt_sha, g.seed AS game_seed, g.repeat, g.t2i, g.i2t,
           h.step, c.key AS call_key, c.task, c.model, c.fingerprint, c.options, c.seed, c.outcome, c.result,
           p.sha AS parent, a.kind AS made
    FROM hop h JOIN game g ON g.id = h.game JOIN call c ON c.id = h.call
    LEFT JOIN call_parent p ON p.call = c.id AND p.position = 0
    LEFT JOIN artefact a ON a.sha = c.result
    ORDER BY h.game, h.step
"""


def verify(db: sqlite3.Connection, spec: RunSpec | None, images: ImageFiles) -> list[Problem]:
    """Returns everything that is not as it was written; an empty list means no problem.

    Args:
        db: the database of the run.
        spec: its specification; None if it cannot be read, which is a problem of its own.
        images: its images.
    """
    with _any_text(db):
        found = [*_database(db), *_rows(db), *_calls(db), *_artefacts(db, images), *_strangers(db, images)]
        if spec is None:
            return [*found, Problem("run.sqlite", "The specification of the run cannot be read.")]
        return [*found, *_games(db, spec), *_chains(db, spec)]


@contextlib.contextmanager
def _any_text(db: sqlite3.Connection) -> Iterator[None]:
    """Reads text that is no UTF-8 as well; its checksum differs."""
    before = db.text_factory
    db.text_factory = lambda data: data.decode(errors="replace")
    try:
        yield
    finally:
        db.text_factory = before


def _database(db: sqlite3.Connection) -> Iterator[Problem]:
    for (found,) in db.execute("PRAGMA integrity_check"):
        if found != "ok":
            yield Problem("run.sqlite", f"The database is malformed: {found}.")
    for table, *_ in db.execute("PRAGMA foreign_key_check"):
        yield Problem("run.sqlite", f"A row of the table {table} points to a row that is not there.")


def _rows(db: sqlite3.Connection) -> Iterator[Problem]:
    for table, (columns, name) in _ROWS.items():
        for *row, where, kept in db.execute(f"SELECT {columns}, {name}, checksum FROM {table}"):
            if checksum(*row) != kept:
                yield Problem(f"{table} {str(where)[:40]}", "The row is not what was written: its checksum differs.")


def _calls(db: sqlite3.Connection) -> Iterator[Problem]:
    parents: dict[int, list[str]] = {}
    for call, sha in db.execute("SELECT call, sha FROM call_parent ORDER BY call, position"):
        parents.setdefault(call, []).append(sha)
    for number, *row, kept in db.execute(f"SELECT id, {_CALL}, checksum FROM call"):
        if checksum(*row, *parents.get(number, ())) != kept:
            yield Problem(f"call {number}", "The call is not what was written: its checksum differs.")


def _artefacts(db: sqlite3.Connection, images: ImageFiles) -> Iterator[Problem]:
    for sha, kind, size, data in db.execute("SELECT sha, kind, size, CAST(data AS BLOB) FROM artefact ORDER BY sha"):
        where = f"text {sha[:12]}"
        if kind == "image" and data is not None:
            yield Problem(f"artefact {sha[:12]}", "The row of an image holds data that belongs into its file.")
        if kind == "image":
            where = f"images/{sha[:2]}/{sha}{SUFFIX}"
            try:
                data = images.path(sha).read_bytes()
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                yield Problem(where, f"The image is missing or cannot be read: {why}.")
                continue
        if data is None or len(data) != size or content_hash(data) != sha:
            yield Problem(where, f"The {kind} is not what was written: its hash differs.")


def _strangers(db: sqlite3.Connection, images: ImageFiles) -> Iterator[Problem]:
    known = {row[0] for row in db.execute("SELECT sha FROM artefact WHERE kind = 'image'")}
    for path in images.files():
        if path.stem in known and path == images.path(path.stem):
            continue
        where = f"images/{path.relative_to(images.folder).as_posix()}"
        if _leftover(path):
            yield Problem(where, "An image without a row, left by a killed call: it does no harm.", grave=False)
        else:
            yield Problem(where, "A file that the run did not write.")
    used = "SELECT result FROM call WHERE result IS NOT NULL UNION SELECT sha FROM call_parent UNION"
    used += " SELECT prompt_sha FROM game"
    for (sha,) in db.execute(f"SELECT sha FROM artefact WHERE sha NOT IN ({used}) ORDER BY sha"):
        yield Problem(f"artefact {sha[:12]}", "An artefact that belongs to no call and no prompt.")


def _leftover(path: Path) -> bool:
    """Returns whether a file is what a killed run leaves: a complete image, or a temporary file."""
    if path.suffix == ".tmp" and path.name.startswith("."):
        return True
    return path.suffix == SUFFIX and path.parent.name == path.stem[:2] and content_hash(path.read_bytes()) == path.stem


def _games(db: sqlite3.Connection, spec: RunSpec) -> Iterator[Problem]:
    """The rules are written here a second time, from their description: a check by the same code would be none."""
    prompts = {prompt.id: prompt for prompt in spec.prompts}
    models = {row.ref: row for row in spec.models}
    for game in db.execute("SELECT key, conversation, t2i, i2t, prompt_id, prompt_sha, seed, repeat FROM game"):
        where = f"game {game['conversation']}"
        prompt = prompts.get(game["prompt_id"])
        if prompt is None or game["t2i"] not in models or game["i2t"] not in models:
            yield Problem(where, f"Its prompt {game['prompt_id']!r} or its models are not among those of the run.")
            continue
        if opening(prompt).sha256 != game["prompt_sha"]:
            yield Problem(where, f"The prompt {prompt.id!r} is not the one with which the game began.")
        if game["key"] != _game_key(game, prompt, models, spec.noise):
            yield Problem(where, "Its key does not come from its models, prompt, seed and repeat.")


def _game_key(game: sqlite3.Row, prompt: Prompt, models: dict[str, ModelSpec], noise: str) -> str:
    t2i, i2t = models[game["t2i"]], models[game["i2t"]]
    pair = (t2i.ref, t2i.fingerprint, i2t.ref, i2t.fingerprint)
    own = (game["seed"], game["repeat"], *(["fresh"] if noise == "fresh" else []))
    return digest("game", *pair, prompt.id, prompt.first, opening(prompt).data, *own)


def _chains(db: sqlite3.Connection, spec: RunSpec) -> Iterator[Problem]:
    models = {row.ref: row for row in spec.models}
    prompts = {prompt.id: prompt for prompt in spec.prompts}
    due = ("", 0, "", "")  # game, step and parent of the hop that comes next; outcome of the last
    for hop in db.execute(_CHAIN):
        if hop["game"] != due[0]:
            due = (hop["game"], 0, hop["prompt_sha"], "ok")
        where = f"game {hop['conversation']}, step {hop['step']}"
        first = prompts[hop["prompt_id"]].first if hop["prompt_id"] in prompts else None
        for what in (*_broken_link(hop, due), *_broken_request(hop, models, first, spec.noise)):
            yield Problem(where, what)
        due = (hop["game"], hop["step"] + 1, hop["result"] or "", hop["outcome"])


def _broken_link(hop: sqlite3.Row, due: tuple[str, int, str, str]) -> Iterator[str]:
    _, step, parent, outcome = due
    if hop["step"] != step:
        yield f"Step {step} is missing before it."
    if outcome != "ok":
        yield "It comes after a hop that ended the game."
    elif hop["parent"] != parent:
        yield "Its input is not the result of the hop before it."
    if hop["result"] is not None and TASK_OF.get(hop["made"]) != hop["task"]:
        yield f"Its result is not what the task {hop['task']} makes."


def _broken_request(hop: sqlite3.Row, models: dict[str, ModelSpec], first: str | None, noise: str) -> Iterator[str]:
    kind = "image" if (hop["step"] % 2 == 0) == (first == "text") else "text"
    if first is not None and hop["task"] != TASK_OF[kind]:  # type: ignore[index]
        yield f"Its task is {hop['task']} where the game is due to make an artefact of the kind {kind}."
    ref = hop["t2i"] if hop["task"] == "text2image" else hop["i2t"]
    if ref not in models or (models[ref].fingerprint != hop["fingerprint"]):
        yield f"Its model {hop['model']!r} is not the one of the pair."
        return
    kind = "image" if hop["task"] == "text2image" else "text"
    seed = derive("hop", hop["game_seed"], kind, *([hop["step"] // 2] if noise == "fresh" else []))
    which = _draw(models[ref], noise, seed, hop["repeat"])
    if which[0] == "seed" and hop["seed"] != seed:
        yield "Its seed does not come from the game's."
    if hop["options"] == "{}" and hop["call_key"] != digest("ask", kind, hop["fingerprint"], hop["parent"], *which):
        yield "The key of its call does not come from the request."


def _draw(model: ModelSpec, noise: str, seed: int, repeat: int) -> tuple[str, int]:
    """Returns the part of a request's key that tells apart two calls about one input."""
    if noise == "fixed":
        return ("seed", seed) if model.seeds else ("repeat", repeat)
    if model.deterministic:
        return ("repeat", 0)
    return ("seed" if model.seeds else "draw", seed)
