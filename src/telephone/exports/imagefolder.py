"""A folder of images with a table, for `datasets.load_dataset` and the Hugging Face hub.

OUT/images/CONVERSATION_STEP.png    one file for each turn, also where two turns made the same image
OUT/metadata.jsonl                  `file_name` and the columns of the run's table
OUT/README.md                       the dataset card
"""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.core.file_names import text_of
from telephone.exports.folder import whole_folder
from telephone.exports.turns import ExportedTurns, turns_with_images

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run

_DROPPED = ["filepath", "control"]

_CARD = """\
---
pretty_name: {title}
task_categories:
- text-to-image
- image-to-text
tags:
- telephone-game
---
# {title}

{games:,} games of telephone between text-to-image and image-to-text models: {turns:,} turns, {prompts:,} prompts.
In each turn one model generates an image from a text, and another describes it. The description starts the next turn.

    from datasets import load_dataset

    turns = load_dataset("imagefolder", data_dir="PATH OF THIS FOLDER", split="train")

Rows of one game share `conversation_name`; `step_number` counts its turns from 0. A text-first turn goes
`text_before` -> `image` -> `text_after`. In an image-first game (`first` is `image`), `text_after` describes the image
of the turn before, and `image` is generated from it. `text_after_dist` is the cosine distance of `text_after` to the
start of the game, in [0, 2]; null is unscored.
{left_out}"""


def to_imagefolder(run: "Run", target: Path) -> ExportedTurns:
    """Writes the turns of a run that have an image as a Hugging Face image folder.

    Args:
        run: any run; controls are left out.
        target: a new or an empty folder.

    Returns:
        The turns that were written; the table has the column `file_name`.

    Raises:
        UsageError: the folder is not empty.
        StoreDamaged: an image of the run is missing or altered.
        StoreError: the disk is full or cannot be written.
    """
    found = turns_with_images(run)
    steps = found.table["step_number"].astype(str)
    names = "images/" + found.table["conversation_name"].astype(str) + "_" + steps + ".png"
    table = found.table.drop(columns=_DROPPED)
    table.insert(0, "file_name", names)
    with whole_folder(target) as folder:
        (folder / "images").mkdir()
        for name, sha in zip(table["file_name"], table["image_sha256"], strict=True):
            (folder / name).write_bytes(run.artefact(sha).data)
        rows = (json.dumps(_plain(row), ensure_ascii=False) for row in table.to_dict("records"))
        (folder / "metadata.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        title = f"Telephone games of {text_of(run.folder.resolve().name)}"
        (folder / "README.md").write_text(_card(title, table, found.left_out), encoding="utf-8")
    return ExportedTurns(table, found.left_out)


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Returns a row for JSON; NaN becomes null."""
    return {str(name): None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


def _card(title: str, table: "pd.DataFrame", left_out: int) -> str:
    missing = f"{left_out:,} turns have no image (refused, failed or not played) and are not in the table.\n"
    return _CARD.format(
        title=title,
        games=table["game"].nunique(),
        turns=len(table),
        prompts=table["prompt_id"].nunique(),
        left_out=missing if left_out else "",
    )
