"""Small runs for the tests of the store: two games, and chains of calls with given results."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from telephone.core.records import TASK_OF, Artefact, Call, Hop, Outcome, Prompt, Request, request_key
from telephone.core.seeds import derive, digest
from telephone.store import GameRow, ModelSpec, Run, RunSpec, ScorerKind, ScorerRow, migrations, opening

FORMAT_3 = Path(__file__).parents[1] / "store" / "data" / "run_format_3"

APPLE = Prompt("An apple.", "easy", id="apple")
PHOTO = Prompt("a photo", "hard", id="photo", image=b"\x89PNG a photo", source="photos.csv:3")
PAINTER = ModelSpec("a/painter", "text2image", "painter", "print-p", price=0.25)
READER = ModelSpec("b/reader", "image2text", "reader", "print-r", seeds=False)
SPEC = RunSpec(
    (PAINTER, READER), (("a/painter", "b/reader"),), (APPLE, PHOTO), turns=3, versions={"python": "3"}, noise="fixed"
)
DISTANCE = ScorerRow(ScorerKind.DISTANCE, "distance by clip", "print-c", "clip")


def game_row(name: str, prompt: Prompt, seed: int, repeat: int = 0) -> GameRow:
    """Returns a game of the two models, with the key that it must have."""
    pair = (PAINTER.ref, PAINTER.fingerprint, READER.ref, READER.fingerprint)
    key = digest("game", *pair, prompt.id, prompt.first, opening(prompt).data, seed, repeat)
    return GameRow(key, name, PAINTER.ref, READER.ref, prompt.id, seed, repeat)


GAMES = [game_row("aaaaaa", APPLE, 11), game_row("bbbbbb", PHOTO, 12)]

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A disk without waiting times, so that many examples take little time."""


def hop(game: GameRow, step: int, parent: Artefact, data: bytes | None, **more: Any) -> Hop:
    """Returns a hop with its call; without data the call failed."""
    first = "text" if game.prompt_id == "apple" else "image"
    kind = "image" if (step % 2 == 0) == (first == "text") else "text"
    model = PAINTER if kind == "image" else READER
    seed = derive("hop", game.seed, kind)
    key = request_key(kind, model.fingerprint, [parent.sha256], seed=seed if model.seeds else None, repeat=game.repeat)
    request = Request(model.ref, model.fingerprint, TASK_OF[kind], (parent,), seed, key)
    outcome = more.pop("outcome", Outcome.OK if data is not None else Outcome.FAILED)
    return Hop(game.key, step, Call(request, outcome, None if data is None else Artefact(kind, data), **more))


def changed(one: Hop, **more: Any) -> Hop:
    """Returns the hop with other values of its call."""
    return replace(one, call=replace(one.call, **more))


def chain(game: GameRow, contents: list[bytes | None]) -> list[Hop]:
    """Returns the hops of a game whose calls have these results."""
    parent = opening(APPLE if game.prompt_id == "apple" else PHOTO)
    hops = []
    for step, data in enumerate(contents):
        hops.append(hop(game, step, parent, data))
        parent = hops[-1].result
    return hops


def write(run: Run, hops: list[Hop]) -> None:
    """Writes hops and the calls that were made for them."""
    run.record([each.call for each in hops if not each.shared], hops)


def format_3(folder: Path) -> Path:
    """Makes a run folder as format 3 of the store wrote it: two controls, failures, opinions, repeat captions."""
    shutil.copytree(FORMAT_3 / "images", folder / "images")
    db = sqlite3.connect(folder / "run.sqlite")
    db.executescript((FORMAT_3 / "run.sql").read_text(encoding="utf-8"))
    db.execute("PRAGMA user_version = 3")
    db.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    db.commit()
    db.close()
    return folder
