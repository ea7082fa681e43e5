"""The dynamical regime of each line: contractive, oscillatory or exploratory, where enough prompts agree.

The three words are those of Tacheny (arXiv 2512.10350, "Geometric Dynamics of Agentic Loops"): convergence to a stable
text, cycling among texts, or neither. Here a game is labelled by its late texts in the judge's vectors, against the
measured floor between two descriptions of one scene, and a line by a test over its prompts.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.stats import binom

from telephone.analysis.convergence.text_space import TextTrajectories, paired_distances
from telephone.analysis.inference.bootstrap import Floats
from telephone.analysis.inference.share_interval import clustered_proportion
from telephone.analysis.inference.sign_flips import holm_adjust
from telephone.analysis.tables.prompt_scores import ALL
from telephone.analysis.tables.score_frames import ordered_levels

REGIMES = ("contractive", "oscillatory", "exploratory")
UNKNOWN = "undetermined"
"""The label of a line whose prompts do not agree, or are too few."""
LATE_TURNS = 3
"""Smallest number of late turns by which a game is labelled; longer games are labelled by their last quarter."""
STEADY = 0.9
"""Share of the late turns that must be near an earlier text."""
LEVEL = 0.05
_LINE = ["t2i_model", "i2t_model"]


def game_regimes(trajectories: TextTrajectories, floor: float) -> pd.DataFrame:
    """Returns the regime of each complete game of twice `LATE_TURNS` turns or more.

    A game is contractive if at least `STEADY` of its late descriptions are nearer to the one before than the floor;
    else oscillatory if as many are that near to any earlier description; else exploratory.

    Args:
        trajectories: The texts of each game.
        floor: Cosine distance below which two texts are near.

    Returns:
        The columns of `TextTrajectories.games` and `regime`; games that cannot be labelled are left out.
    """
    turns = trajectories.states.shape[1] - 1 if len(trajectories.states) else 0
    late = max(LATE_TURNS, math.ceil(turns / 4))
    if turns < 2 * LATE_TURNS:
        return trajectories.games.iloc[:0].assign(regime="")
    kept = np.flatnonzero(trajectories.complete)
    vectors = trajectories.vectors
    known = [int(at) for at in kept if not np.isnan(vectors[trajectories.states[at, 1:]]).any()]
    words = [_regime(vectors[trajectories.states[at, 1:]], late, floor) for at in known]
    return trajectories.games.iloc[known].assign(regime=words)


def line_regimes(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the regime of each level and line.

    A line has a label if more than half of all prompts like these would take it: an exact binomial test over prompts
    (a prompt counts for a regime that most of its repeats take), doubled because the most frequent of three regimes is
    tested, and adjusted for all lines of the level (Holm). The smallest p of n prompts is 2 / 2 ** n.

    Args:
        table: As `game_regimes` gives it.

    Returns:
        Columns `level` (`all` is last), `t2i_model`, `i2t_model`, `prompts`, the share of prompts of each of `REGIMES`
        (repeats averaged), `leading` (the most frequent), `low`, `high` (95 % interval of its share), `p_holm` and
        `label`.
    """
    rows = []
    levels = ordered_levels(table)
    for level in levels + ([ALL] if len(levels) > 1 else []):
        inside = table if level == ALL else table[table["level"] == level]
        found = [_line_row(level, str(t2i), str(i2t), own) for (t2i, i2t), own in inside.groupby(_LINE, sort=True)]
        adjusted = holm_adjust(np.array([row["p"] for row in found], dtype=float))
        for row, chance in zip(found, adjusted, strict=True):
            label = row["leading"] if chance < LEVEL else UNKNOWN
            rows.append(
                {name: value for name, value in row.items() if name != "p"} | {"p_holm": chance, "label": label}
            )
    columns = ["level", *_LINE, "prompts", *REGIMES, "leading", "low", "high", "p_holm", "label"]
    return pd.DataFrame(rows, columns=columns)


def _regime(vectors: Floats, late: int, floor: float) -> str:
    """Returns the regime of one game.

    Args:
        vectors: [turns, width], unit length, of its descriptions.
        late: Number of late turns.
        floor: Cosine distance.
    """
    if float((paired_distances(vectors[-late:], vectors[-late - 1 : -1]) < floor).mean()) >= STEADY:
        return REGIMES[0]
    apart = 1.0 - vectors[-late:] @ vectors.T
    number = np.arange(len(vectors))
    earlier = number[None, :] < number[-late:, None] - 1
    returned = np.where(earlier, apart, np.inf).min(axis=1) < floor
    return REGIMES[1] if float(returned.mean()) >= STEADY else REGIMES[2]


def _line_row(level: str, t2i: str, i2t: str, own: pd.DataFrame) -> dict[str, object]:
    number, prompts = pd.factorize(own["prompt_id"])
    taken = (own["regime"].to_numpy()[:, None] == np.array(REGIMES)).astype(float)
    n = len(prompts)
    by_prompt = np.zeros((n, len(REGIMES)))
    np.add.at(by_prompt, number, taken)
    by_prompt /= np.bincount(number)[:, None]
    strata = own["level"].to_numpy()[np.unique(number, return_index=True)[1]].tolist()
    best = int(by_prompt.mean(axis=0).argmax())
    leading, shares = REGIMES[best], by_prompt[:, best]
    _, low, high = clustered_proportion(shares, np.ones(n), strata)
    votes = int((shares > 0.5).sum())
    chance = min(1.0, 2.0 * float(binom.sf(votes - 1, n, 0.5)))
    means = dict(zip(REGIMES, map(float, by_prompt.mean(axis=0)), strict=True))
    heads = {"level": level, "t2i_model": t2i, "i2t_model": i2t, "prompts": n}
    return {**heads, **means, "leading": leading, "low": low, "high": high, "p": chance}
