"""The folders that the published scorer of semantic drift reads: one for each line, a generation at a time.

    OUT/LINE/text-first/gen-0.csv   gen-1/NAME.png   gen-2.csv   gen-3/NAME.png …
    OUT/LINE/image-first/gen-0/NAME.png   gen-1.csv   gen-2/NAME.png   gen-3.csv …

A generation is one call, so ten turns are generations 1 to 20. The tables have the columns `filename,caption`. The
scorer puts rows of two tables together by their position after sorting, so every generation holds the same names: only
games that were played to their end are written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.analysis.tables.score_frames import without_controls
from telephone.core.errors import UsageError
from telephone.core.records import Prompt
from telephone.exports.folder import file_name, whole_folder

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run

GENERATIONS = 20
"""The generations that the scorer reads."""

Chain = list[tuple[str, str]]
"""What a game made, oldest first and the start included: `text` with the words, or `image` with a content hash."""


@dataclass(frozen=True)
class DriftLayout:
    """What was written."""

    folder: Path
    lines: int
    games: int
    left_out: int
    """Games that were not played to their end."""
    generations: int
    """Calls of a game; the scorer wants 20."""


def to_drift(run: "Run", target: Path) -> DriftLayout:
    """Writes the games of a run, controls left out, as folders that the published drift scorer reads.

    Args:
        run: played to its end, or in part.
        target: a folder that is not there yet or is empty.

    Returns:
        What was written, and what was left out.

    Raises:
        UsageError: the folder is in use, or no game was played to its end.
        StoreDamaged: a picture of the run is missing or is not what was written.
        StoreError: the disk is full or cannot be written.
    """
    wish = run.spec
    prompts = {prompt.id: prompt for prompt in wish.prompts}
    table = without_controls(run.frame())
    chains = {key: _chain(rows, prompts[rows["prompt_id"].iloc[0]]) for key, rows in _finished(table, wish.turns)}
    if not chains:
        raise UsageError("No game of this run was played to its end: finish it with `telephone resume` first.")
    games = table.drop_duplicates("game").set_index("game").loc[list(chains)]
    lines: set[str] = set()
    with whole_folder(target) as folder:
        for line, rows in games.groupby("line", sort=False):
            _write_line(run, folder / file_name(str(line), lines), rows, chains)
    return DriftLayout(target, len(lines), len(chains), table["game"].nunique() - len(chains), 2 * wish.turns)


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


def _write_line(run: "Run", folder: Path, games: "pd.DataFrame", chains: dict[str, Chain]) -> None:
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
    rows = {"filename": [f"{name}.png" for name in captions], "caption": list(captions.values())}
    pd.DataFrame(rows).to_csv(path, index=False, lineterminator="\n")
