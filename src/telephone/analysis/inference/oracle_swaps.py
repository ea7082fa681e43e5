"""The loss of each side by intervention: one model of a line is replaced by a lossless one on the same prompts.

With the lossless renderer only the image-to-text model can lose facts; with the lossless reader only the text-to-image
model can. The interaction of the two losses is divided equally between the sides (Shapley).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import Floats, MeanEstimate, estimate_means
from telephone.analysis.tables.prompt_scores import ALL, Side, prompt_by_model, prompt_levels
from telephone.analysis.tables.score_frames import get_measure, ordered_levels, without_controls

ORACLES = frozenset({"renderer", "reader"})
"""Names of the lossless models, with or without the prefix `oracle/` and with any options."""
LOSSLESS = frozenset({"sketcher", "teller"})
"""Fakes that are lossless unless an option sets a loss: the lossless models for fakes, whose images are codes."""
_PAIR = ["level", "t2i_model", "i2t_model"]
_LOSSES = ["loss_real", "loss_drawn", "loss_described", "loss_oracle"]
_SHARES = ["drawing", "describing", "together"]


@dataclass(frozen=True)
class OracleSwaps:
    """The losses of both sides by intervention, for the lines whose oracle lines were played."""

    table: pd.DataFrame
    """One row a level and real line. Columns `level, t2i_model, i2t_model`; `loss_real` (mean loss of the line),
    `loss_drawn` (its text-to-image model with the lossless reader), `loss_described` (its image-to-text model with the
    lossless renderer), `loss_oracle` (both lossless); `drawing` and `describing` (Shapley: they add up to loss_real -
    loss_oracle) and `together` (loss_real - loss_drawn - loss_described + loss_oracle, half of which is in each). A
    loss is the distance, or 1 minus a share."""
    overall: pd.DataFrame
    """The same over all real lines. Columns `level, source` (drawing, describing, together, difference), `loss`, `low`,
    `high` (95 % interval over prompts) and `n` (prompts)."""
    significant: bool = False
    """Whether the 95 % interval of the difference between the sides excludes 0."""
    answer: str = ""
    note: str = ""
    """What is missing."""


@dataclass(frozen=True)
class SwapGain:
    """The gain from replacing the worst model of a side by the best one."""

    best: str
    worst: str
    gain: float
    """0 or more; biased upwards a little, because the models are chosen by the same battle."""
    low: float
    high: float
    n: int


def oracle_swaps(games: pd.DataFrame, measure: str = "recall", when: str = "final") -> OracleSwaps:
    """Returns the loss of each side, measured by replacing the other side by a lossless model.

    Args:
        games: One row a game, as `game_scores` gives it, with the lines of the lossless models among the controls
            or in the battle.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: there is no such measure.
    """
    what = get_measure(measure)
    column = f"{what.name}_{when}"
    own = games[games["control"].isin(["", "oracle"])] if "control" in games.columns else games
    loss = own[column] if what.low_is_best else 1.0 - own[column]
    cells = own.assign(loss=loss).groupby(["prompt_id", "t2i_model", "i2t_model"])["loss"].mean()
    wide = cells.unstack(["t2i_model", "i2t_model"])  # noqa: PD010
    lines = _lines(without_controls(games), list(wide.columns.to_frame(index=False).itertuples(index=False, name=None)))
    if not lines:
        return _nothing("No line was also played with the lossless renderer and the lossless reader: add --controls.")
    parts = np.stack([wide[list(line)].to_numpy(dtype=float) for line in lines], axis=1)
    parts = np.where(np.isnan(parts).any(axis=2, keepdims=True), np.nan, parts)
    if np.isnan(parts).all():
        return _nothing("The lines with lossless models have no score by this measure.")
    strata = prompt_levels(own, wide.index)
    levels = ordered_levels(own)
    chosen = [*levels, ALL] if len(levels) > 1 else levels
    table = pd.concat([_by_line(lines, parts, strata, level) for level in chosen], ignore_index=True)
    overall = pd.concat([_overall(parts, strata, level) for level in chosen], ignore_index=True)
    return _answered(table, overall, len(lines))


def shapley_losses(losses: Floats) -> Floats:
    """Returns [..., 3]: the loss by drawing, by describing (Shapley), and their interaction.

    Args:
        losses: [..., 4]: of the real line, with the lossless reader, with the lossless renderer, with both.
    """
    real, drawn, described, oracle = np.moveaxis(losses, -1, 0)
    drawing = ((real - described) + (drawn - oracle)) / 2
    describing = ((real - drawn) + (described - oracle)) / 2
    return np.stack([drawing, describing, real - drawn - described + oracle], axis=-1)


def swap_gain(games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final") -> SwapGain | None:
    """Returns the gain of the best over the worst model of a side; None with fewer than two models with a score."""
    what = get_measure(measure)
    wide, strata = prompt_by_model(
        games, (f"{side}_model",) if side != "pair" else tuple(_PAIR[1:]), f"{what.name}_{when}"
    )
    wide = wide.loc[:, wide.notna().any()]
    if wide.shape[1] < 2:
        return None
    kept = wide * (-1.0 if what.low_is_best else 1.0)
    best, worst = kept.mean().idxmax(), kept.mean().idxmin()
    found = estimate_means((kept[best] - kept[worst]).to_numpy(dtype=float)[:, None], strata)
    first, last = (" + ".join(name) if isinstance(name, tuple) else str(name) for name in (best, worst))
    return SwapGain(first, last, float(found.mean[0]), float(found.low[0]), float(found.high[0]), int(found.n[0]))


def is_oracle(name: str) -> bool:
    """Returns whether a model of a frame is lossless in the pocket world."""
    return name.partition("?")[0].removeprefix("oracle/") in ORACLES or name.removeprefix("fake/") in LOSSLESS


def _lines(games: pd.DataFrame, played: list[tuple[str, str]]) -> list[tuple[tuple[str, str], ...]]:
    """Returns the columns of each real line: itself, with the lossless reader, with the lossless renderer, both."""
    there = set(played)
    lossless = [(o, r) for o, r in played if is_oracle(o) and is_oracle(r)]
    real = games[["t2i_model", "i2t_model"]].drop_duplicates().itertuples(index=False, name=None)
    lines: list[tuple[tuple[str, str], ...]] = []
    for t, c in sorted(pair for pair in real if not (is_oracle(pair[0]) or is_oracle(pair[1]))):
        matched = [((t, c), (t, r), (o, c), (o, r)) for o, r in lossless if (t, r) in there and (o, c) in there]
        lines += matched[:1]
    return lines


def _by_line(
    lines: Sequence[tuple[tuple[str, str], ...]], parts: Floats, strata: list[str], level: str
) -> pd.DataFrame:
    means = _mean(parts[_at(strata, level)])
    table = pd.DataFrame([line[0] for line in lines], columns=_PAIR[1:])
    table.insert(0, "level", level)
    return table.assign(
        **dict(zip(_LOSSES, means.T, strict=True)), **dict(zip(_SHARES, shapley_losses(means).T, strict=True))
    )


def _overall(parts: Floats, strata: list[str], level: str) -> pd.DataFrame:
    at = _at(strata, level)
    by_prompt = _mean(np.moveaxis(shapley_losses(parts[at]), 1, 0))
    values = np.concatenate([by_prompt, by_prompt[:, :1] - by_prompt[:, 1:2]], axis=1)
    found: MeanEstimate = estimate_means(values, [s for s, chosen in zip(strata, at, strict=True) if chosen])
    columns = {"loss": found.mean, "low": found.low, "high": found.high, "n": found.n}
    return pd.DataFrame({"level": level, "source": [*_SHARES, "difference"], **columns})


def _at(strata: list[str], level: str) -> list[bool]:
    return [level in (ALL, each) for each in strata]


def _mean(values: Floats) -> Floats:
    """Returns the mean over the first axis without NaN values; NaN where all values are NaN."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0))


def _nothing(note: str) -> OracleSwaps:
    table = pd.DataFrame(columns=[*_PAIR, *_LOSSES, *_SHARES])
    return OracleSwaps(table, pd.DataFrame(columns=["level", "source", "loss", "low", "high", "n"]), False, "", note)


def _answered(table: pd.DataFrame, overall: pd.DataFrame, lines: int) -> OracleSwaps:
    last = overall[overall["level"] == overall["level"].iloc[-1]].set_index("source")
    drawing, describing, difference = (last.loc[name] for name in ("drawing", "describing", "difference"))
    significant = bool(difference["low"] > 0 or difference["high"] < 0)
    more = "Drawing" if difference["loss"] > 0 else "Describing"
    words = (
        f"{more} loses more: " if significant else "The sides are not distinguishable: "
    ) + f"with a lossless partner drawing loses {drawing['loss']:.2f} and describing {describing['loss']:.2f} "
    words += f"(difference {difference['loss']:+.2f}, 95 % interval {difference['low']:+.2f} to "
    words += f"{difference['high']:+.2f}; {lines} line{'s' if lines > 1 else ''}, {int(difference['n'])} prompts)."
    return OracleSwaps(table, overall, significant, words)
