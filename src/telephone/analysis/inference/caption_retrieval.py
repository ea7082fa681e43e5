"""Caption retrieval: is a description nearest to its own prompt among all prompts, and how many bits does that take?

Each call sees only the previous artefact, so the information about the prompt cannot increase along a chain (data
processing inequality). If the retrieval accuracy increases, information leaks past the chain, or the embedder is
misled by the wording; both give a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from telephone.analysis.inference.share_interval import clustered_proportion
from telephone.analysis.inference.sign_flips import holm_adjust
from telephone.analysis.tables.drift import Floats, matching_embedders
from telephone.analysis.tables.score_frames import hop_table, without_controls
from telephone.core import seeds

if TYPE_CHECKING:
    from telephone.store import Run

ALL = "all lines"
ALARM = 0.05
"""A rise with a p-value below this (adjusted for the whole run) gives a warning."""
_KEEP = ["game", "prompt_id", "level", "t2i_model", "i2t_model", "line", "repeat", "turn"]
_FLIPS = 4000
_TIE = 1e-6


@dataclass(frozen=True)
class InformationLeak:
    """A rise of the information about the prompt, which is impossible along a chain."""

    embedder: str
    line: str
    before: int
    """Turns between which the retrieval accuracy increases."""
    after: int
    rise: float
    """Increase of the share matched to its own prompt."""
    p: float
    """p-value of the largest rise in the chain, adjusted for all lines (Holm)."""

    @property
    def words(self) -> str:
        """A sentence that states the leak."""
        return (
            f"{self.line}: {100 * self.rise:.0f} in 100 more descriptions are matched to their prompt after turn "
            f"{self.after} than after turn {self.before} (p {self.p:.3f}, {self.embedder}); lost information cannot "
            "return along a chain, so a model received more than the previous artefact, or the embedder is misled."
        )


def match_captions(run: Run, embedder: str | None = None, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns for each turn the rank of its own prompt among all prompts by cosine similarity.

    Descriptions are matched to texts; in games that begin with an image, images are matched to images. Columns:
    `embedder, game, prompt_id, level, t2i_model, i2t_model, line, repeat, turn, candidates` (distinct prompts),
    `rank` (1 is the nearest; ties share the mean rank), `top1` (1 if it is the nearest; 1 / n of n tied ones),
    `reciprocal` (1 / rank).

    Args:
        run: A judged run.
        embedder: Part of the name of an embedder; None is all of them.
        frame: Rows of `run.frame()`; None is the battle without its control lines.

    Raises:
        UsageError: no embedder has such a name.
    """
    made = hop_table(without_controls(run.turns()) if frame is None else frame)
    same = made[made["kind"] == made["first"]]
    tables = [
        _match(part, run.vectors(identity)).assign(embedder=identity.name)
        for identity in matching_embedders(run, embedder)
        for _, part in same.groupby("first")
    ]
    columns = ["embedder", *_KEEP, "candidates", "rank", "top1", "reciprocal"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def caption_retrieval_bits(table: pd.DataFrame, by: Sequence[str] = ("embedder", "line", "turn")) -> pd.DataFrame:
    """Returns the retrieval accuracy, and a lower bound of the bits about the prompt that it implies.

    Columns: those of `by`, `prompts`, `candidates`, `top1` (share matched), `low`, `high` (95 % interval over prompts),
    `mrr` (mean reciprocal rank), `bits` and `bits_low`, `bits_high` (Fano's bound for these shares).

    Args:
        table: As `match_captions` gives it.
        by: Some of `embedder, line, t2i_model, i2t_model, level, turn`.
    """
    rows = []
    for own, part in table.groupby(list(by), sort=True):
        by_prompt = part.groupby("prompt_id").agg(
            events=("top1", "sum"), risks=("top1", "size"), mrr=("reciprocal", "mean"), level=("level", "first")
        )
        numbers = clustered_proportion(
            by_prompt["events"].to_numpy(float), by_prompt["risks"].to_numpy(float), list(by_prompt["level"])
        )
        several = int(part["candidates"].max())
        bounds = dict(
            zip(("bits", "bits_low", "bits_high"), (fano_bound(each, several) for each in numbers), strict=True)
        )
        head = dict(zip(by, own if isinstance(own, tuple) else (own,), strict=True))
        shares = dict(zip(("top1", "low", "high"), numbers, strict=True))
        counts = {"prompts": len(by_prompt), "candidates": several}
        rows.append(head | counts | shares | {"mrr": float(by_prompt["mrr"].mean())} | bounds)
    columns = [*by, "prompts", "candidates", "top1", "low", "high", "mrr", "bits", "bits_low", "bits_high"]
    return pd.DataFrame(rows, columns=columns)


def fano_bound(right: float, candidates: int) -> float:
    """Returns Fano's lower bound in bits of the information that this accuracy needs among equally likely candidates.

    Args:
        right: Share that is matched to its own prompt, 0 to 1; NaN gives NaN.
        candidates: 1 or more.
    """
    if right != right:
        return float("nan")
    wrong = 1 - right
    if candidates < 2 or wrong >= 1 - 1 / candidates:
        return 0.0
    entropy = -sum(part * np.log2(part) for part in (right, wrong) if part > 0)
    return float(max(np.log2(candidates) - entropy - wrong * np.log2(candidates - 1), 0.0))


def find_information_leaks(table: pd.DataFrame) -> tuple[InformationLeak, ...]:
    """Returns the lines, and all lines pooled, in which the retrieval accuracy increases significantly.

    For each two turns the gain of each prompt is taken; the largest mean gain is compared with its distribution under
    random signs of whole prompts.

    Args:
        table: As `match_captions` gives it.
    """
    found = [leak for _, own in table.groupby("embedder", sort=False) for leak in _rises(own)]
    held = holm_adjust(np.array([leak.p for leak in found], dtype=float))
    return tuple(
        InformationLeak(leak.embedder, leak.line, leak.before, leak.after, leak.rise, float(p))
        for leak, p in zip(found, held, strict=True)
        if p < ALARM
    )


def _rises(own: pd.DataFrame) -> Iterator[InformationLeak]:
    lines = [(str(line), part) for line, part in own.groupby("line", sort=True)]
    for line, part in [*lines, *([(ALL, own)] if len(lines) > 1 else [])]:
        wide = part.groupby(["prompt_id", "turn"])["top1"].mean().unstack("turn").dropna()  # noqa: PD010
        if wide.shape[1] > 1 and len(wide) > 1:
            pair, rise, p = _largest(wide.to_numpy(dtype=float))
            before, after = (int(wide.columns[at]) for at in pair)
            yield InformationLeak(str(own["embedder"].iloc[0]), line, before, after, rise, p)


def _largest(values: Floats) -> tuple[tuple[int, int], float, float]:
    """Returns the two columns between which the mean rises most, the rise, and its p-value."""
    pairs = list(combinations(range(values.shape[1]), 2))
    gains = np.stack([values[:, after] - values[:, before] for before, after in pairs], axis=1)
    means = gains.mean(axis=0)
    generator = np.random.default_rng(seeds.derive("leaks", *values.shape))
    signs = generator.integers(0, 2, size=(_FLIPS, len(values))) * 2.0 - 1.0
    chance = (signs @ gains).max(axis=1) / len(values)
    at = int(means.argmax())
    return pairs[at], float(means[at]), float((1 + (chance >= means[at] - 1e-12).sum()) / (1 + _FLIPS))


def _match(part: pd.DataFrame, vectors: dict[str, Any]) -> pd.DataFrame:
    """Returns the matches of one kind of artefact; contents without a vector have no row."""
    starts = [sha for sha in part["start"].drop_duplicates() if sha in vectors]
    known = part[part["sha"].isin(list(vectors)) & part["start"].isin(starts)]
    made = known[_KEEP].reset_index(drop=True)
    if not len(made):
        return made.assign(candidates=0, rank=np.nan, top1=np.nan, reciprocal=np.nan)
    prompts = np.stack([vectors[sha] for sha in starts])
    place = {sha: at for at, sha in enumerate(starts)}
    own = known["start"].map(place).to_numpy()
    shas, back = np.unique(known["sha"].to_numpy(dtype=str), return_inverse=True)
    near = (np.stack([vectors[sha] for sha in shas]) @ prompts.T)[back]
    mine = near[np.arange(len(own)), own][:, None]
    nearer, level = (near > mine + _TIE).sum(axis=1), (np.abs(near - mine) <= _TIE).sum(axis=1)
    rank = 1 + nearer + (level - 1) / 2
    return made.assign(
        candidates=len(starts), rank=rank, top1=np.where(nearer == 0, 1 / level, 0.0), reciprocal=1 / rank
    )
