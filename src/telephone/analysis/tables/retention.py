"""Retention: distances on a common scale, where 1 is a paraphrase of the prompt and 0 an unrelated artefact.

Embedders and pairs of kinds have different scales: cosines of an image with its own caption may all be about 0.3. With
a floor and a chance level measured for each of them, they can be compared and averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from telephone.analysis.tables.drift import Floats, matching_embedders
from telephone.analysis.tables.score_frames import hop_table, ordered_levels, without_controls
from telephone.store.records import EmbedderRow, floor_scorer
from telephone.store.spec import opening

if TYPE_CHECKING:
    from telephone.store import Run

UNMEASURED = "none measured: 0 is taken"
"""Source of a floor that was not measured; between text and image the floor is then NaN."""
_KEYS = ["embedder", "mapping", "level"]


def calibration_lines(run: Run, embedder: str | None = None, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the floor and the chance level of each embedder, pair of kinds and level, as cosine distances.

    Columns: `embedder, mapping, level, floor, floor_n` (prompts with a measurement), `floor_from` (method; all levels
    are pooled where this one has none), `chance` (mean distance of a prompt from the artefacts of games of other
    prompts of its level, so that texts have the same length), `chance_n` (pairs of prompts), `chance_prompts` (distance
    between prompts, NaN where the kinds differ). A level with one prompt uses the prompts of the others.

    Args:
        run: A judged run.
        embedder: Part of the name of an embedder; None is all of them.
        frame: Rows of `run.frame()`; None is the battle without its control lines.

    Raises:
        UsageError: no embedder has such a name.
    """
    made = hop_table(without_controls(run.turns()) if frame is None else frame)
    rows = [row for identity in matching_embedders(run, embedder) for row in _rows(run, identity, made)]
    columns = [*_KEYS, "floor", "floor_n", "floor_from", "chance", "chance_n", "chance_prompts"]
    return pd.DataFrame(rows, columns=columns)


def add_retention(table: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    """Returns a table of `drift_table` with `floor`, `chance` and `retention` = (chance - to_start) / (chance - floor).

    A retention may be slightly outside [0, 1]. It is NaN without a chance level or a floor, or where the floor is not
    below the chance level.

    Args:
        table: As `drift_table` gives it.
        calibration: As `calibration_lines` gives it.
    """
    joined = table.merge(calibration[[*_KEYS, "floor", "chance"]], on=_KEYS, how="left")
    room = joined["chance"] - joined["floor"]
    joined["retention"] = ((joined["chance"] - joined["to_start"]) / room).where(room > 0)
    return joined


def mean_floor(run: Run, embedder: EmbedderRow, mapping: str) -> float | None:
    """Returns the mean distance of two descriptions of one scene over prompts; None if it was not measured.

    Args:
        run: A judged run.
        embedder: One of `run.embedders()`.
        mapping: A pair of kinds, such as text-text.
    """
    floors = _floors(run, embedder)
    values = floors.loc[floors["mapping"] == mapping, "value"]
    return float(values.mean()) if len(values) else None


def _rows(run: Run, identity: EmbedderRow, made: pd.DataFrame) -> list[dict[str, Any]]:
    vectors = run.vectors(identity)
    floors = _floors(run, identity)
    found = []
    for (first, kind), part in made.groupby(["first", "kind"], sort=False):
        mapping = f"{first}-{kind}"
        means = _Means(part, vectors)
        if not len(means.starts):
            continue
        for level in ordered_levels(part):
            near = _floor(floors, mapping, level)
            far = means.chance(level, first == kind)
            found.append({"embedder": identity.name, "mapping": mapping, "level": level, **near, **far})
    return found


def _floors(run: Run, identity: EmbedderRow) -> pd.DataFrame:
    """Returns one row a prompt and pair of kinds, averaged over the paraphrases of a prompt."""
    levels = {prompt.id: prompt.level for prompt in run.spec.prompts}
    ids: dict[str, list[str]] = {}
    for prompt in run.spec.prompts:
        ids.setdefault(opening(prompt).sha256, []).append(prompt.id)
    rows = [
        (score.kind, prompt_id, score.value, score.detail["from"])
        for score in run.scores(floor_scorer(identity))
        if score.value is not None
        for prompt_id in ids[score.reference]
    ]
    table = pd.DataFrame(rows, columns=["mapping", "prompt_id", "value", "from"])
    table["level"] = table["prompt_id"].map(levels)
    keys = ["mapping", "level", "prompt_id"]
    return table.groupby(keys, sort=False).agg(value=("value", "mean"), how=("from", "first")).reset_index()


def _floor(floors: pd.DataFrame, mapping: str, level: str) -> dict[str, Any]:
    fitting = floors[floors["mapping"] == mapping]
    own = fitting[fitting["level"] == level]
    chosen = own if len(own) else fitting
    if len(chosen):
        return {"floor": chosen["value"].mean(), "floor_n": len(own), "floor_from": chosen["how"].iloc[0]}
    one, other = mapping.split("-")
    return {"floor": 0.0 if one == other else np.nan, "floor_n": 0, "floor_from": UNMEASURED}


class _Means:
    """The vector of each prompt and the mean vector of the artefacts of its games."""

    def __init__(self, part: pd.DataFrame, vectors: dict[str, Any]) -> None:
        sums: dict[str, Any] = {}
        counts: dict[str, int] = {}
        own: dict[str, str] = {}
        for prompt, start, sha in part[["prompt_id", "start", "sha"]].itertuples(index=False):
            if sha in vectors and start in vectors:
                own[prompt] = start
                sums[prompt] = sums.get(prompt, 0.0) + vectors[sha].astype(np.float64)
                counts[prompt] = counts.get(prompt, 0) + 1
        levels = part.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
        self.levels = np.array([levels[prompt] for prompt in own], dtype=object)
        self.starts: Floats = np.array([vectors[start] for start in own.values()], dtype=np.float64)
        self.made: Floats = np.array([sums[prompt] / counts[prompt] for prompt in own], dtype=np.float64)

    def chance(self, level: str, same_kind: bool) -> dict[str, Any]:
        mine = self.levels == level
        others = mine if mine.sum() > 1 else np.ones(len(mine), dtype=bool)
        apart = mine[:, None] & others[None, :] & ~np.eye(len(mine), dtype=bool)
        if not apart.any():
            return {"chance": np.nan, "chance_n": 0, "chance_prompts": np.nan}
        prompts = float((1 - self.starts @ self.starts.T)[apart].mean()) if same_kind else np.nan
        far = float((1 - self.starts @ self.made.T)[apart].mean())
        return {"chance": far, "chance_n": int(apart.sum()), "chance_prompts": prompts}
