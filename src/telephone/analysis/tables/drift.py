"""Cosine distances of each text and image from the start of its game and from previous artefacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.tables.score_frames import hop_table, ordered_levels, without_controls
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.store import EmbedderRow, Run

MAPPINGS = ("text-text", "text-image", "image-image", "image-text")
"""Kind of the first artefact of the game, and kind of the artefact that is compared with it."""
DISTANCES = ("to_start", "to_before", "to_same")

Floats = NDArray[np.float64]
_CURVE = ["embedder", "mapping", "level", "t2i_model", "i2t_model", "generation"]


def matching_embedders(run: Run, embedder: str | None = None) -> list[EmbedderRow]:
    """Returns the embedders of a run whose names contain a text; None returns all.

    Raises:
        UsageError: no embedder has such a name.
    """
    there = run.embedders()
    found = [row for row in there if embedder is None or embedder in row.identity]
    if embedder is not None and not found:
        known = ", ".join(row.name for row in there) or "none yet; run `telephone judge`"
        raise UsageError(f"No embedder of this run is called {embedder!r}: choose from {known}.")
    return found


def drift_table(run: Run, embedder: str | None = None, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the cosine distances of each text and image, one row a call and embedder.

    Columns: those of `hop_table`, `embedder` (its name), `mapping` (such as text-image: what the game began with and
    what is compared with it), `to_start` and `to_before` (the input of the call), `to_same` (the previous
    artefact of the same kind: two calls earlier); each in [0, 2], NaN where one of the two has no vector.

    Args:
        run: A judged run.
        embedder: Part of the name of an embedder; None is all of them.
        frame: Rows of `run.frame()`; None is the battle without its control lines.

    Raises:
        UsageError: no embedder has such a name.
    """
    made = hop_table(without_controls(run.turns()) if frame is None else frame)
    made["mapping"] = made["first"] + "-" + made["kind"]
    earlier = made.groupby("game", sort=False)["before"].shift(1)
    pairs = {"to_start": made["start"], "to_before": made["before"], "to_same": earlier}
    tables = []
    for identity in matching_embedders(run, embedder):
        vectors = run.vectors(identity)
        found = {name: cosine_distances(vectors, list(made["sha"]), list(other)) for name, other in pairs.items()}
        tables.append(made.assign(embedder=identity.name, **found))
    empty = made.iloc[:0].assign(embedder="", **dict.fromkeys(DISTANCES, np.nan))
    return pd.concat(tables, ignore_index=True) if tables else empty


def cosine_distances(
    vectors: Mapping[str, NDArray[np.float32]], one: Sequence[object], other: Sequence[object]
) -> Floats:
    """Returns the cosine distance of each pair of contents; 0 for equal contents, NaN where one has no vector.

    Args:
        vectors: Unit vectors by content hash.
        one: Content hashes; other values are missing contents.
        other: As many.
    """
    if not vectors:
        return np.full(len(one), np.nan)
    place = {sha: at for at, sha in enumerate(vectors)}
    table = np.stack(list(vectors.values()))
    left, right = (np.array([place.get(str(sha), -1) for sha in shas], dtype=np.int64) for shas in (one, other))
    cosines = np.einsum("ij,ij->i", table[left], table[right], dtype=np.float64)
    apart = np.where(left == right, 0.0, np.clip(1.0 - cosines, 0.0, 2.0))
    return np.where((left < 0) | (right < 0), np.nan, apart)


def drift_curves(table: pd.DataFrame, column: str = "to_start") -> pd.DataFrame:
    """Returns means by call with 95 % intervals over prompts: averaged over repeats, then over prompts.

    Columns: `embedder, mapping, level, t2i_model, i2t_model, generation, turn, mean, low, high, n` (prompts).

    Args:
        table: As `drift_table` or `add_retention` gives it.
        column: to_start, to_before, to_same or retention.

    Raises:
        UsageError: there is no such column.
    """
    if column not in table.columns:
        raise UsageError(f"There is no column {column!r} to average: choose from {', '.join(DISTANCES)}.")
    known = table[table[column].notna()]
    parts = [_curves(part, column) for _, part in known.groupby(["embedder", "mapping"], sort=False)]
    curves = (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*_CURVE, "mean", "low", "high", "n"])
    )
    curves.insert(len(_CURVE), "turn", (curves["generation"] + 1) // 2)
    return curves


def _curves(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return pd.concat(
        [_level(table[table["level"] == level], column) for level in ordered_levels(table)], ignore_index=True
    )


def _level(table: pd.DataFrame, column: str) -> pd.DataFrame:
    by_prompt = table.groupby(["prompt_id", *_CURVE], sort=True)[column].mean()
    wide = by_prompt.unstack(_CURVE).sort_index(axis=1)  # noqa: PD010
    found = estimate_means(wide.to_numpy(dtype=float), list(table["level"].iloc[:1]) * len(wide))
    means = {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}
    return wide.columns.to_frame(index=False).assign(**means)
