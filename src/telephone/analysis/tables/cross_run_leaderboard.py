"""One leaderboard over many runs: model effects adjusted for prompts and partners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import (
    Floats,
    bootstrap_weights,
    interval_bounds,
    student_stretch,
)
from telephone.analysis.inference.sign_flips import ERROR_RATE, compare_pairs, rank_bounds
from telephone.analysis.tables.measure_choice import DISTANCE, SIMILARITY
from telephone.analysis.tables.prompt_scores import ALL, KEYS, Side
from telephone.analysis.tables.run_comparison import (
    MIN_PROMPTS,
    answering_measure,
    distance_scorers,
    games_of_run,
    has_descriptions,
)
from telephone.analysis.tables.score_frames import WHENS, Measure, get_measure, ordered_levels, without_controls
from telephone.core.errors import UsageError
from telephone.store.records import ScorerKind

if TYPE_CHECKING:
    from telephone.store import Run

DRAWS = 500
_SIDES = ("t2i_model", "i2t_model")


@dataclass(frozen=True)
class CrossRunLeaderboard:
    """Models of one side over many runs, the best first."""

    side: Side
    measure: Measure
    when: str
    table: pd.DataFrame
    """One row a level and model: `level` (easy to impossible, then all), `model`, `mean` (expected score with an
    average partner on an average prompt), `low`, `high` (95 % interval over prompts; NaN with too few), `n` (prompts),
    `games`, `rank`, `rank_low`, `rank_high` (interval that holds for all models, levels and both sides together; all
    ranks of the group below six prompts) and `group` (only models of one group are
    comparable: they share prompts, or are linked by models that do)."""
    note: str = ""
    """A caveat, or empty."""

    @property
    def levels(self) -> list[str]:
        """The levels of the table, from easy to impossible, then `all`."""
        found = ordered_levels(self.table)
        return [level for level in found if level != ALL] + [level for level in found if level == ALL]


@dataclass(frozen=True)
class PooledGames:
    """The games of several runs, concatenated."""

    games: pd.DataFrame
    """As `games_of_run`, with the run's name as `run`; models that changed between runs have name and fingerprint."""
    runs: tuple[str, ...]
    """The included runs."""
    judge: str
    """The judge of distances of all of them; empty for facts."""
    notes: tuple[str, ...]
    """Caveats, such as runs that are left out."""
    measure: str = DISTANCE
    """Name of the measure that they are compared by."""


def pool_games(runs: Mapping[str, Run], measure: str = "", judge: str = "") -> PooledGames:
    """Returns the games of all runs that have scores by one measure, and of one judge where it needs a judge.

    Args:
        runs: Runs by name.
        measure: A name of `MEASURES`; empty is the one that answers for all runs, as `answering_measure`; not facts, if
            a judge is named.
        judge: Part of the name of the judge of distances; empty is the one that most runs have.

    Raises:
        UsageError: no run has distances by a judge of this name.
    """
    chosen, kept = "", list(runs)
    wanted = get_measure(measure).name if measure else _answering(list(runs.values()), judge)
    judged = any(distance_scorers(run) for run in runs.values())
    if wanted in (DISTANCE, SIMILARITY) and (judged or any(map(has_descriptions, runs.values()))):
        chosen = _commonest(list(runs.values()), judge)
        kept = [name for name, run in runs.items() if chosen in distance_scorers(run)]
    prints: dict[str, set[str]] = {}
    for name in kept:
        for row in runs[name].spec.models:
            prints.setdefault(row.ref, set()).add(row.fingerprint)
    tables = [_renamed(runs[name], chosen, prints).assign(run=name) for name in kept]
    scorers = {row.identity: row.name for run in runs.values() for row in run.scorers(ScorerKind.DISTANCE)}
    notes = [f"{name} is left out: {scorers[chosen]} has no scores for it." for name in runs if name not in kept]
    changed = sorted(ref for ref, found in prints.items() if len(found) > 1)
    notes += [f"{ref} changed between runs, so it has more than one row." for ref in changed]
    return PooledGames(pd.concat(tables, ignore_index=True), tuple(kept), chosen, tuple(notes), wanted)


def _answering(runs: Sequence[Run], judge: str) -> str:
    """Returns the measure that answers for all runs by the judge that most of them have."""
    chosen = _commonest(runs, judge) if judge or any(map(distance_scorers, runs)) else ""
    games = [games_of_run(run, chosen if chosen in distance_scorers(run) else "") for run in runs]
    return answering_measure(games, facts=not judge)


def _commonest(runs: Sequence[Run], part: str) -> str:
    judges = [name for run in runs for name in distance_scorers(run) if part in name]
    if not judges:
        raise UsageError(
            f"No run here has distances{f' of {part!r}' if part else ''}: judge them with `telephone judge`."
        )
    return max(dict.fromkeys(judges), key=judges.count)


def _renamed(run: Run, judge: str, prints: Mapping[str, set[str]]) -> pd.DataFrame:
    """Returns a run's games; a model with several fingerprints is named with the first six digits of its own."""
    names = {
        row.ref: row.ref if len(prints[row.ref]) == 1 else f"{row.ref} ({row.fingerprint[:6]})"
        for row in run.spec.models
    }
    table = games_of_run(run, judge)
    return table.assign(**{side: table[side].map(names) for side in _SIDES})


def cross_run_leaderboard(
    games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final"
) -> CrossRunLeaderboard:
    """Returns the leaderboard of one side over all runs.

    A score is modelled as the sum of a prompt effect, a text-to-image model effect and an image-to-text model effect,
    fitted by least squares to the means of all games of each prompt and pair, so that a model is not rewarded for easy
    prompts or strong partners. Intervals come from prompts that are resampled within their levels.

    Args:
        games: Games of all runs, concatenated, as `games_of_run` gives them.
        side: t2i or i2t.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: there is no such side, measure or time.
    """
    what = get_measure(measure)
    if side not in ("t2i", "i2t") or when not in WHENS:
        raise UsageError(
            f"There is no cross-run leaderboard of {side!r} {when!r}: choose t2i or i2t, and final or mean."
        )
    column = f"{what.name}_{when}"
    known = without_controls(games).dropna(subset=[column])
    levels = ordered_levels(known)
    levels += [ALL] if len(levels) > 1 else []
    rate = ERROR_RATE / (2 * max(len(levels), 1))  # both sides, all levels
    blocks = [_block(known if level == ALL else known[known["level"] == level], level, (side, rate), what, column)
              for level in levels]  # fmt: skip
    table = pd.concat(blocks, ignore_index=True) if blocks else _empty()
    return CrossRunLeaderboard(side, what, when, _sorted(table), _note(games, table, column))


def _block(known: pd.DataFrame, level: str, about: tuple[Side, float], what: Measure, column: str) -> pd.DataFrame:
    """Returns the rows of one level, by group; `about` is the side and the error rate of its ranks."""
    side, rate = about
    cells = known.groupby(["prompt_id", "level", *_SIDES])[column].mean().reset_index(name="value")
    if cells.empty:
        return _empty()
    names = [sorted(cells[key].unique()) for key in _SIDES]
    made = _equations(cells, names)
    strata = tuple(str(each) for each in cells.drop_duplicates("prompt_id")["level"])
    whole = np.ones((1, len(strata)))
    without = whole - np.eye(len(strata)) if len(strata) >= MIN_PROMPTS else whole[:0]
    weights = np.concatenate([whole, bootstrap_weights(strata, DRAWS), without])
    effects = _solved(np.tensordot(weights, made.squares, 1), weights @ made.products)
    levels = (weights @ made.means - np.einsum("dp,pk,dk->d", weights, made.shares, effects)) / weights.sum(axis=1)
    first = len(names[0])
    at, partners = (range(first), range(first, first + len(names[1])))[:: 1 if side == "t2i" else -1]
    own = names[0 if side == "t2i" else 1]
    rows = []
    for number, group in enumerate(_comparable(made.squares.sum(axis=0), list(at))):
        base = levels + effects[:, list(partners)].mean(axis=1)
        values = effects[:, group] + base[:, None]
        chosen = [own[place - at[0]] for place in group]
        rows.append(_rows(values, chosen, (known, strata), (side, what, rate)).assign(group=number))
    return pd.concat(rows, ignore_index=True).assign(level=level)


@dataclass(frozen=True)
class _Equations:
    """The normal equations of each prompt, its mean subtracted."""

    squares: Floats
    """[prompts, models, models]"""
    products: Floats
    """[prompts, models]"""
    means: Floats
    """[prompts]: mean score."""
    shares: Floats
    """[prompts, models]: the share of a prompt's pairs that contain a model."""


def _equations(cells: pd.DataFrame, names: Sequence[list[str]]) -> _Equations:
    places = [pd.Series(range(len(each)), index=each) for each in names]
    left = cells[_SIDES[0]].map(places[0]).to_numpy()
    right = cells[_SIDES[1]].map(places[1]).to_numpy() + len(names[0])
    design = np.zeros((len(cells), len(names[0]) + len(names[1])))
    design[np.arange(len(cells)), left] = design[np.arange(len(cells)), right] = 1.0
    values = cells["value"].to_numpy(dtype=float)
    squares, products, means, shares = [], [], [], []
    for rows in cells.groupby("prompt_id", sort=False).indices.values():
        share, mean = design[rows].mean(axis=0), values[rows].mean()
        own = design[rows] - share
        squares.append(own.T @ own)
        products.append(own.T @ (values[rows] - mean))
        means.append(mean)
        shares.append(share)
    return _Equations(np.array(squares), np.array(products), np.array(means), np.array(shares))


def _solved(squares: Floats, products: Floats) -> Floats:
    """Returns [draws, models]: least-squares effects of minimum norm."""
    return np.asarray((np.linalg.pinv(squares, rcond=1e-9, hermitian=True) @ products[:, :, None])[:, :, 0])


def _comparable(squares: Floats, models: list[int]) -> list[list[int]]:
    """Returns models in groups, the largest first: within a group each difference is estimable.

    Two models are comparable if their difference lies in the row space of the normal equations: they share a prompt,
    or are linked by models that do.
    """
    space = squares @ np.linalg.pinv(squares, rcond=1e-9, hermitian=True)
    groups: list[list[int]] = []
    for model in models:
        for group in groups:
            difference = np.zeros(len(squares))
            difference[model], difference[group[0]] = 1.0, -1.0
            if np.abs(space @ difference - difference).max() < 1e-6:
                group.append(model)
                break
        else:
            groups.append([model])
    return sorted(groups, key=len, reverse=True)


def _rows(
    values: Floats, names: list[str], played: tuple[pd.DataFrame, tuple[str, ...]], kind: tuple[Side, Measure, float]
) -> pd.DataFrame:
    known, strata = played
    side, what, rate = kind
    own = known.groupby(KEYS[side][0])
    mean, draws, left_out = values[0], values[1 : 1 + DRAWS], values[1 + DRAWS :]
    low = high = rank_low = rank_high = np.full(len(names), np.nan)
    if len(strata) >= 2:
        draws = mean + (draws - draws.mean(axis=0)) * student_stretch(strata)
        low, high = np.clip(interval_bounds(draws), *what.limits)
        better = _better(mean, left_out, rate)
        rank_low, rank_high = rank_bounds(better if what.low_is_best else better.T)
    signed = pd.Series(mean if what.low_is_best else -mean)
    return pd.DataFrame({
        "model": list(names), "mean": mean, "low": low, "high": high, "n": own["prompt_id"].nunique().reindex(names),
        "games": own.size().reindex(names), "rank": signed.rank(method="min").to_numpy(), "rank_low": rank_low,
        "rank_high": rank_high,
    }).reset_index(drop=True)  # fmt: skip


def _better(estimate: Floats, left_out: Floats, rate: float) -> NDArray[np.bool_]:
    """Returns [models, models]: whether the row is significantly lower than the column, all pairs tested together.

    Each prompt's contribution to an estimate is its jackknife pseudo-value (Efron and Tibshirani 1993, section 11.5):
    in a full grid, the mean of the model's games on the prompt. The pairs are compared on these by random signs.

    Args:
        estimate: [models]
        left_out: [prompts, models]: the estimate without each prompt.
        rate: Family-wise error rate of these pairs.
    """
    prompts = len(left_out)
    if prompts < MIN_PROMPTS or len(estimate) < 2:
        return np.zeros((len(estimate),) * 2, dtype=bool)
    values = prompts * estimate - (prompts - 1) * left_out
    return compare_pairs(values, rate).better(len(estimate), low_is_best=True)


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return table
    last = table[table["level"] == table["level"].iloc[-1]].sort_values(["group", "rank", "model"])
    order = {name: place for place, name in enumerate(last["model"])}
    places = table["model"].map(order)
    levels = {level: place for place, level in enumerate(dict.fromkeys(table["level"]))}
    keys = table.assign(_place=places, _level=table["level"].map(levels)).sort_values(["_place", "_level"])
    columns = ["level", "model", "mean", "low", "high", "n", "games", "rank", "rank_low", "rank_high", "group"]
    return keys[columns].reset_index(drop=True)


def _note(games: pd.DataFrame, table: pd.DataFrame, column: str) -> str:
    if table.empty:
        return "No game has a score: nothing can be determined."
    sentences = []
    if table["group"].max() > 0:
        sentences.append(
            "Some models share no prompts, not even through other models: they are in groups that are not comparable."
        )
    missing = int(without_controls(games)[column].isna().sum())
    if missing:
        sentences.append(f"{missing} games have no score; they are in no mean and do not count as 0.")
    return " ".join(sentences)


def _empty() -> pd.DataFrame:
    return pd.DataFrame(
        columns=["level", "model", "mean", "low", "high", "n", "games", "rank", "rank_low", "rank_high", "group"]
    )
