"""Clusters of last descriptions (motifs), and the sensitivity of the end of a game to the seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.convergence.text_space import TextTrajectories
from telephone.analysis.inference.bootstrap import Floats
from telephone.analysis.tables.prompt_scores import ALL
from telephone.analysis.tables.score_frames import ordered_levels

SHOWN_WORDS = 5
_COLUMNS = ("motif", "size", "share", "prompts", "pairs", "game", "text", "row", "words")
_COMMON = frozenset(
    ("a", "an", "and", "are", "at", "by", "for", "from", "in", "is", "it", "its", "of", "on", "or", "over", "the")
    + ("there", "to", "under", "with")
)


@dataclass(frozen=True)
class Motifs:
    """Clusters of the last descriptions of a battle."""

    table: pd.DataFrame
    """One row a cluster, the largest first. Columns: `motif` (from 1), `size` (games), `share` (of all games),
    `prompts` and `pairs` (number of distinct ones in the cluster), `game` (the most central one), `text` (its last
    description), `filepath` (its last image, where the frame has one) and `words` (the most common ones)."""
    effective: float
    """Effective number of clusters: e to the power of their entropy; NaN without games."""
    cut: float
    """Cosine distance up to which clusters are merged (mean distance of their members)."""
    space: str
    """Name of the vectors."""

    @property
    def shared(self) -> pd.DataFrame:
        """The clusters with games of more than one prompt."""
        return self.table[self.table["prompts"] > 1]


def find_motifs(trajectories: TextTrajectories, frame: pd.DataFrame, cut: float | None = None) -> Motifs:
    """Returns the clusters of the last descriptions of all games.

    Uses average linkage.

    Args:
        trajectories: The texts of each game.
        frame: The frame of the trajectories; its controls are left out.
        cut: None takes half of the mean distance between different prompts, or 0.25 for a single prompt.
    """
    from telephone.analysis.tables.score_frames import without_controls

    table = without_controls(frame).reset_index(drop=True)
    ends = trajectories.ends
    known = (ends >= 0) & ~np.isnan(trajectories.vectors[ends]).any(axis=1) if len(ends) else ends >= 0
    chosen = np.flatnonzero(known)
    limit = _usual_cut(trajectories) if cut is None else cut
    labels = average_linkage_clusters(trajectories.vectors[ends[chosen]], limit)
    rows = [_motif(trajectories, table, chosen[labels == label], len(chosen)) for label in np.unique(labels)]
    made = pd.DataFrame(rows, columns=list(_COLUMNS[1:])).sort_values(["size", "game"], ascending=[False, True])
    made = made.reset_index(drop=True)
    made.insert(0, "motif", np.arange(1, len(made) + 1))
    pictures = table["filepath"] if "filepath" in table.columns else pd.Series([None] * len(table), dtype=object)
    made["filepath"] = [pictures.iloc[row] if row >= 0 else None for row in made.pop("row")]
    share = made["share"].to_numpy(dtype=float)
    effective = float(np.exp(-(share * np.log(share)).sum())) if len(made) else float("nan")
    return Motifs(made, effective, limit, trajectories.space)


def motif_counts(trajectories: TextTrajectories, cut: float | None = None) -> pd.DataFrame:
    """Returns in how many motifs the prompts of each line begin and end.

    After many turns the games of different prompts may end in few motifs (Hintze et al., Patterns 2025). The first
    descriptions are clustered with the same cut, because a describer alone makes prompts look alike.

    Args:
        trajectories: The texts of each game.
        cut: As for `find_motifs`.

    Returns:
        Columns `t2i_model`, `i2t_model` (`all` is the whole battle, in the last row, if there are several lines),
        `games`, `prompts`, `motifs_first`, `motifs_last`, `most_first`, `most_last` (number of prompts with a game in
        the motif that has most of them) and `effective_last` (effective number of motifs). Games that stopped early
        are left out.
    """
    complete = pd.DataFrame(trajectories.games[trajectories.complete])
    limit = _usual_cut(trajectories) if cut is None else cut
    parts = [(str(t2i), str(i2t), own) for (t2i, i2t), own in complete.groupby(["t2i_model", "i2t_model"], sort=True)]
    parts += [(ALL, ALL, complete)] if len(parts) > 1 else []
    rows = []
    for t2i, i2t, own in parts:
        states = trajectories.states[own.index.to_numpy()]
        prompts = pd.factorize(own["prompt_id"])[0]
        first, last = (_motif_sizes(trajectories.vectors[states[:, at]], prompts, limit) for at in (1, -1))
        sizes = (len(own), len(set(prompts.tolist())))
        rows.append((t2i, i2t, *sizes, first[0], last[0], first[1], last[1], last[2]))
    names = ["t2i_model", "i2t_model", "games", "prompts", "motifs_first", "motifs_last", "most_first", "most_last"]
    return pd.DataFrame(rows, columns=[*names, "effective_last"])


def _motif_sizes(vectors: Floats, prompts: NDArray[np.int64], cut: float) -> tuple[int, int, float]:
    """Returns the number of clusters, the most prompts of one cluster, and the effective number of clusters."""
    known = ~np.isnan(vectors).any(axis=1)
    if not known.any():
        return 0, 0, float("nan")
    labels, prompts = average_linkage_clusters(vectors[known], cut), prompts[known]
    most = max(len(set(prompts[labels == label].tolist())) for label in np.unique(labels))
    share = np.unique(labels, return_counts=True)[1] / len(labels)
    return len(share), most, float(np.exp(-(share * np.log(share)).sum()))


def average_linkage_clusters(vectors: Floats, cut: float) -> NDArray[np.int64]:
    """Returns a label for each vector by average linkage: clusters at a mean cosine distance up to `cut` are merged.

    Args:
        vectors: [n, width], unit length.
        cut: Cosine distance.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.int64)
    apart = np.maximum(1.0 - vectors @ vectors.T, 0.0)
    return np.asarray(fcluster(linkage(squareform(apart, checks=False), "average"), cut, "distance"), dtype=np.int64)


def seed_sensitivity(trajectories: TextTrajectories) -> pd.DataFrame:
    """Returns the distance between last descriptions of one prompt with different seeds.

    Columns: `level` (`all` is last), `t2i_model`, `i2t_model`, `between_seeds` (mean distance of two repeats of a
    prompt), `between_prompts` (of games of different prompts), `ratio` (of the first to the second: 0 is independent of
    the seed, 1 as different as another prompt), `prompts` (with two repeats or more). Empty without repeats.
    """
    ends = trajectories.ends
    complete = pd.DataFrame(trajectories.games[trajectories.complete])
    rows = []
    levels = ordered_levels(complete)
    for level in levels + ([ALL] if len(levels) > 1 else []):
        inside = complete if level == ALL else complete[complete["level"] == level]
        for (t2i, i2t), games in inside.groupby(["t2i_model", "i2t_model"], sort=True):
            vectors = trajectories.vectors[ends[games.index.to_numpy()]]
            found = _seeds(vectors, pd.factorize(games["prompt_id"])[0])
            if found is not None:
                rows.append((level, t2i, i2t, *found))
    names = ["level", "t2i_model", "i2t_model", "between_seeds", "between_prompts", "ratio", "prompts"]
    return pd.DataFrame(rows, columns=names)


def _seeds(vectors: Floats, prompt: NDArray[np.int64]) -> tuple[float, float, float, int] | None:
    counts = np.bincount(prompt)
    if not (counts > 1).any():
        return None
    apart = 1.0 - vectors @ vectors.T
    same = prompt[:, None] == prompt
    within = [
        float(apart[np.ix_(prompt == p, prompt == p)].sum() / (n * (n - 1))) for p, n in enumerate(counts) if n > 1
    ]
    seeds, others = float(np.mean(within)), float(apart[~same].mean()) if (~same).any() else float("nan")
    return seeds, others, seeds / others if others > 0 else float("nan"), len(within)


def _usual_cut(trajectories: TextTrajectories) -> float:
    prompts = (
        trajectories.vectors[np.unique(trajectories.states[:, 0])] if len(trajectories.states) else np.zeros((0, 1))
    )
    prompts = prompts[~np.isnan(prompts).any(axis=1)]
    if len(prompts) < 2:
        return 0.25
    apart = 1.0 - prompts @ prompts.T
    return float(apart[~np.eye(len(prompts), dtype=bool)].mean() / 2)


def _motif(
    trajectories: TextTrajectories, table: pd.DataFrame, members: NDArray[np.int64], total: int
) -> tuple[object, ...]:
    games, ends = trajectories.games.iloc[members], trajectories.ends[members]
    vectors = trajectories.vectors[ends]
    middle = int(members[int(np.argmax(vectors @ vectors.sum(axis=0)))])
    step = int((trajectories.states[middle, 1:] >= 0).sum())
    pairs = len(games[["t2i_model", "i2t_model"]].drop_duplicates())
    text = trajectories.texts[int(trajectories.ends[middle])]
    details = (
        games["prompt_id"].nunique(),
        pairs,
        str(games["game"].loc[middle]),
        text,
        int(trajectories.rows[middle, step]),
    )
    return (len(members), len(members) / total, *details, _words([trajectories.texts[end] for end in ends]))


def _words(texts: list[str]) -> str:
    """Returns the most common words of the texts."""
    counts = Counter(word for text in texts for word in dict.fromkeys(text.lower().replace(".", " ").split()))
    common = [word.strip(",;:") for word, _ in counts.most_common(40)]
    return " ".join([word for word in dict.fromkeys(common) if word and word not in _COMMON][:SHOWN_WORDS])
