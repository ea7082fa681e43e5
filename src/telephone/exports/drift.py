"""Folders for the published scorer of semantic drift: one for each pair of models, with one entry for each generation.

    OUT/PAIR/text-first/gen-0.csv   gen-1/NAME.png   gen-2.csv   gen-3/NAME.png …
    OUT/PAIR/image-first/gen-0/NAME.png   gen-1.csv   gen-2/NAME.png   gen-3.csv …

A generation is one call, so ten turns are generations 1 to 20. The tables have the columns `filename,caption`. The
scorer matches the rows of two tables by their position after sorting, so every generation must have the same names:
only complete games are written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.analysis.tables.score_frames import without_controls
from telephone.core.errors import UsageError
from telephone.core.records import Prompt
from telephone.exports.folder import file_name, whole_folder
from telephone.store.table_files import csv_text

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run

GENERATIONS = 20
"""The number of generations that the scorer reads."""

_READ_AS_MISSING = frozenset((
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
))  # fmt: skip
"""Captions that the scorer's table reader takes for missing values; they get a full stop."""

Chain = list[tuple[str, str]]
"""The artefacts of a game from the prompt on: `text` with the text itself, or `image` with a content hash."""


@dataclass(frozen=True)
class DriftFolders:
    """What was written."""

    folder: Path
    lines: int
    """Pairs of models."""
    games: int
    left_out: int
    """Incomplete games, which are not written."""
    generations: int
    """Calls of a game; the scorer reads 20."""


def to_drift(run: "Run", target: Path) -> DriftFolders:
    """Writes the complete games of a run, without controls, as folders for the published drift scorer.

    Args:
        run: a run at any stage.
        target: a new or an empty folder.

    Returns:
        The numbers of games that were written and left out.

    Raises:
        UsageError: the folder is not empty, or no game is complete.
        StoreDamaged: an image of the run is missing or altered.
        StoreError: the disk is full or cannot be written.
    """
    spec = run.spec
    prompts = {prompt.id: prompt for prompt in spec.prompts}
    table = without_controls(run.frame())
    chains = {key: _chain(rows, prompts[rows["prompt_id"].iloc[0]]) for key, rows in _finished(table, spec.turns)}
    if not chains:
        raise UsageError("No game of this run is complete: finish the run with `telephone resume` first.")
    games = table.drop_duplicates("game").set_index("game").loc[list(chains)]
    taken: set[str] = set()
    with whole_folder(target) as folder:
        for line, rows in games.groupby("line", sort=False):
            _write_pair(run, folder / file_name(str(line), taken), rows, chains)
    return DriftFolders(target, len(taken), len(chains), table["game"].nunique() - len(chains), 2 * spec.turns)


def _finished(table: "pd.DataFrame", turns: int) -> "Iterator[tuple[str, pd.DataFrame]]":
    for key, rows in table.groupby("game", sort=False):
        if len(rows) == turns and (rows["outcome"] == "ok").all():
            yield str(key), rows.sort_values("step_number")


def _chain(rows: "pd.DataFrame", prompt: Prompt) -> Chain:
    texts = [("text", str(text)) for text in rows["text_after"]]
    images = [("image", str(sha)) for sha in rows["image_sha256"]]
    start = ("text", prompt.text) if prompt.first == "text" else ("image", str(rows["prompt_sha256"].iloc[0]))
    pairs = zip(images, texts, strict=True) if prompt.first == "text" else zip(texts, images, strict=True)
    return [start, *(made for turn in pairs for made in turn)]


def _write_pair(run: "Run", folder: Path, games: "pd.DataFrame", chains: dict[str, Chain]) -> None:
    for first, rows in games.groupby("first", sort=False):
        taken: set[str] = set()
        named = {
            file_name(f"{prompt}_{repeat}" if repeat else str(prompt), taken): chains[key]
            for key, prompt, repeat in zip(rows.index, rows["prompt_id"], rows["repeat"], strict=True)
        }
        for generation in range(len(next(iter(named.values())))):
            made = {name: chain[generation] for name, chain in sorted(named.items())}
            _write_generation(run, folder / f"{first}-first" / f"gen-{generation}", made)


def _write_generation(run: "Run", path: Path, made: dict[str, tuple[str, str]]) -> None:
    if next(iter(made.values()))[0] == "text":
        _write_captions(path.with_suffix(".csv"), {name: text for name, (_, text) in made.items()})
        return
    path.mkdir(parents=True)
    for name, (_, sha) in made.items():
        (path / f"{name}.png").write_bytes(run.artefact(sha).data)


def _write_captions(path: Path, captions: dict[str, str]) -> None:
    import pandas as pd

    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [f"{text}." if text.strip() in _READ_AS_MISSING else text for text in captions.values()]
    rows = {"filename": [f"{name}.png" for name in captions], "caption": texts}
    path.write_bytes(csv_text(pd.DataFrame(rows)).encode())
