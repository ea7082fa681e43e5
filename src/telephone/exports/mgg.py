"""Folders for the published scorer of multi-generation GenEval (MGG), with metadata in GenEval's format.

    OUT/PAIR/text-first/gen-1/0.png 1.png …   gen-3/0.png …   (images of turn 1, 2, …)
    OUT/PAIR/metadata.jsonl                   line N describes N.png of every generation

The scorer counts generations by call, so images have odd numbers, and it pairs images with lines by number. Only
complete text-first games of prompts whose every word belongs to the pocket world are written: GenEval needs to know
what an image should contain.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone import world
from telephone.analysis.tables.score_frames import without_controls
from telephone.core.errors import UsageError
from telephone.exports.folder import file_name, whole_folder
from telephone.world.scene import Scene

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run


@dataclass(frozen=True)
class MggFolders:
    """What was written."""

    folder: Path
    lines: int
    """Pairs of models."""
    games: int
    left_out: int
    """Games that are incomplete, begin with an image, or whose prompt has words outside the pocket world."""


def to_mgg(run: "Run", target: Path) -> MggFolders:
    """Writes the images of a run, without controls, as folders for the scorer of multi-generation GenEval.

    Args:
        run: a run at any stage.
        target: a new or an empty folder.

    Raises:
        UsageError: the folder is not empty, or no game can be written.
        StoreDamaged: an image of the run is missing or altered.
        StoreError: the disk is full or cannot be written.
    """
    metadata = {prompt.id: geneval_metadata(prompt.text) for prompt in run.spec.prompts if prompt.first == "text"}
    table = without_controls(run.frame())
    known = table[table["prompt_id"].isin([name for name, found in metadata.items() if found])]
    games = [(str(line), key, rows) for line, key, rows in _finished(known, run.spec.turns)]
    if not games:
        raise UsageError(
            "No game can be written: --to mgg needs complete games that begin with a sentence of the pocket world."
        )
    taken: set[str] = set()
    with whole_folder(target) as folder:
        for line in dict.fromkeys(line for line, _, _ in games):
            own = [rows for name, _, rows in games if name == line]
            _write_pair(run, folder / file_name(line, taken), own, metadata)
    return MggFolders(target, len(taken), len(games), table["game"].nunique() - len(games))


def geneval_metadata(prompt: str) -> dict[str, Any] | None:
    """Returns what an image of a prompt should contain, in GenEval's format; None with words outside the pocket world.

    Keys: `tag` (GenEval's task: single_object, two_object, counting, colors, position or color_attr), `prompt`, and
    `include`, one entry a thing with `class`, `count`, and optionally `color` and `position` (relation and number of
    the entry that it refers to).

    Args:
        prompt: A sentence.
    """
    reading = world.read(prompt)
    if reading.unknown or not reading.scene.things:
        return None
    scene = reading.scene
    return {"tag": _tag(scene), "include": list(_entries(scene)), "prompt": prompt}


def _entries(scene: Scene) -> Iterator[dict[str, Any]]:
    relations = {relation.subject: relation for relation in scene.relations}
    for at, thing in enumerate(scene.things):
        entry: dict[str, Any] = {"class": thing.kind, "count": thing.count}
        if thing.colour is not None:
            entry["color"] = thing.colour
        if at in relations:
            entry["position"] = [relations[at].name, relations[at].anchor]
        yield entry


def _tag(scene: Scene) -> str:
    coloured = sum(thing.colour is not None for thing in scene.things)
    if scene.relations:
        return "position"
    if any(thing.count > 1 for thing in scene.things):
        return "counting"
    if coloured:
        return "colors" if len(scene.things) == 1 else "color_attr"
    return "single_object" if len(scene.things) == 1 else "two_object"


def _finished(table: "pd.DataFrame", turns: int) -> "Iterator[tuple[str, str, pd.DataFrame]]":
    for (line, key), rows in table.groupby(["line", "game"], sort=False):
        if len(rows) == turns and (rows["outcome"] == "ok").all():
            yield str(line), str(key), rows.sort_values("step_number")


def _write_pair(
    run: "Run", folder: Path, games: "list[pd.DataFrame]", metadata: dict[str, dict[str, Any] | None]
) -> None:
    folder.mkdir(parents=True)
    lines = [json.dumps(metadata[str(rows["prompt_id"].iloc[0])], ensure_ascii=False) for rows in games]
    (folder / "metadata.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for number, rows in enumerate(games):
        for step, sha in zip(rows["step_number"], rows["image_sha256"], strict=True):
            generation = folder / "text-first" / f"gen-{2 * int(step) + 1}"
            generation.mkdir(parents=True, exist_ok=True)
            (generation / f"{number}.png").write_bytes(run.artefact(str(sha)).data)
