"""Comparison of two or more runs, paired by prompt, on the prompts that all of them played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.tables.prompt_scores import ALL
from telephone.analysis.tables.score_frames import (
    WHENS,
    Measure,
    game_scores,
    get_measure,
    ordered_levels,
    scored_frame,
    without_controls,
)
from telephone.core.errors import UsageError
from telephone.store.records import ScorerKind

if TYPE_CHECKING:
    from telephone.store import Run

PAIR = ["t2i_model", "i2t_model"]
COLUMNS = (
    "level", "run", "base", "mean", "base_mean", "difference", "low", "high", "n", "better", "told",
)  # fmt: skip
_DISTANCE = "distance"
_TIE = 1e-6
"""Scores that differ by less are a tie, so that rounding on different machines makes no difference."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class RunComparison:
    """Runs compared with the first of them."""

    runs: tuple[str, ...]
    """Names of the runs; the others are compared with the first one."""
    measure: Measure
    when: str
    """final or mean."""
    table: pd.DataFrame
    """One row a level and run: `level` (easy to impossible, then all), `run`, `base` (the first run), `mean` and
    `base_mean` over the prompts that both have scores on, `difference` (run minus base), `low`, `high` (its 95 %
    interval over prompts), `n` (prompts), `better` (share of them on which the run keeps more; a tie counts half) and
    `told` (whether the interval excludes 0; the name is part of the JSON document)."""
    pairs: tuple[tuple[str, str], ...]
    """Pairs of models whose games are compared; empty where all pairs of each run are used."""
    prompts: int
    """Prompts that all runs played."""
    left_out: int
    """Prompts that only some runs played."""
    judge: str
    """The judge of distances of all runs; empty for facts."""
    notes: tuple[str, ...] = ()
    """Caveats."""


def compare_runs(
    runs: Mapping[str, Run], measure: str = _DISTANCE, when: str = "final", judge: str = ""
) -> RunComparison:
    """Returns the difference of each run from the first one by level, on the prompts that both played.

    Where all runs share pairs of models, only the games of those pairs are used, so that only the change between the
    runs makes a difference; otherwise all pairs of each run are used. A prompt's games are averaged over repeats, then
    over pairs; the prompt is the unit.

    Args:
        runs: Two or more runs by name.
        measure: A name of `MEASURES`, such as distance or recall.
        when: final or mean.
        judge: Part of the name of the judge of distances; empty is the first one that all runs have.

    Raises:
        UsageError: there are fewer than two runs, they share no prompt or no judge, or no such measure.
    """
    what = get_measure(measure)
    if len(runs) < 2 or when not in WHENS:
        raise UsageError("A comparison needs two or more runs, and final or mean: give the folders of the runs.")
    silent = [name for name, run in runs.items() if not has_descriptions(run)]
    shared = shared_judge(list(runs.values()), judge) if what.name == _DISTANCE and not silent else ""
    games = {name: games_of_run(run, shared) for name, run in runs.items()}
    made = compare_games(games, what.name, when, shared)
    notes = [f"{name} has no description: nothing can be determined of it." for name in silent]
    return replace(made, notes=(*notes, *made.notes, *_changed(list(runs.values()), made.pairs)))


def compare_games(
    games: Mapping[str, pd.DataFrame], measure: str = _DISTANCE, when: str = "final", judge: str = ""
) -> RunComparison:
    """Returns the same for tables of games, one a run, as `game_scores` gives them.

    Equal values of `prompt_id` mean the same prompt.

    Raises:
        UsageError: the runs share no prompt.
    """
    what = get_measure(measure)
    column = f"{what.name}_{when}"
    names = tuple(games)
    pairs = _common([set(map(tuple, own[PAIR].drop_duplicates().to_numpy())) for own in games.values()])
    played = [set(own["prompt_id"]) for own in games.values()]
    shared = _common(played)
    if not shared:
        raise UsageError("These runs share no prompt: compare runs of the same prompt set.")
    scores = {name: _by_prompt(own, column, pairs) for name, own in games.items()}
    levels = pd.concat(games.values()).drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    rows = [row for name in names[1:] for row in _rows((name, names[0]), scores, levels, what)]
    left_out = len(set().union(*played)) - len(shared)
    notes = tuple(_notes(pairs, left_out, [scores[name] for name in names]))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return RunComparison(names, what, when, table, tuple(sorted(pairs)), len(shared), left_out, judge, notes)


def shared_judge(runs: Sequence[Run], part: str = "") -> str:
    """Returns the identity of the judge of distances that all runs have, fingerprint included.

    Raises:
        UsageError: there is none.
    """
    judges = [[name for name in distance_scorers(run) if part in name] for run in runs]
    for name in judges[0]:
        if all(name in other for other in judges[1:]):
            return name
    raise UsageError("These runs share no judge of distances: run `telephone judge` on each with the same embedder.")


def has_descriptions(run: Run) -> bool:
    """Returns whether a model of a run has described anything, so that there is something to judge."""
    return bool(run.turns()["text_after"].notna().any())


def distance_scorers(run: Run) -> list[str]:
    """Returns the scorers of a run that measure distances, by name and fingerprint."""
    return [scorer.identity for scorer in run.scorers(ScorerKind.DISTANCE)]


def games_of_run(run: Run, judge: str) -> pd.DataFrame:
    """Returns the games of a run without its controls, as `game_scores`, with names that are unique across runs.

    Models have their addresses, and `prompt_id` is the hash of the prompt's content.

    Args:
        run: A run.
        judge: Name of the judge of distances; empty is the first one.
    """
    frame = scored_frame(run, judge or None)
    refs = {row.name: row.ref for row in run.spec.models}
    frame = frame.assign(prompt_id=frame["prompt_sha256"], **{side: frame[side].map(refs) for side in PAIR})
    return without_controls(game_scores(frame, run.spec.turns))


def _changed(runs: Sequence[Run], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Returns notes on models with several fingerprints and on games of different length."""
    prints: dict[str, set[str]] = {}
    for run in runs:
        for row in run.spec.models:
            prints.setdefault(row.ref, set()).add(row.fingerprint)
    used = {ref for pair in pairs for ref in pair}
    changed = sorted(ref for ref, found in prints.items() if len(found) > 1 and ref in used)
    turns = {run.spec.turns for run in runs}
    notes = [f"{' and '.join(changed)} changed between the runs (weights or version)."] if changed else []
    if len(turns) > 1:
        notes.append(f"Games are of different length ({', '.join(map(str, sorted(turns)))} turns).")
    return notes


def _common(sets: Sequence[set[_T]]) -> set[_T]:
    return set.intersection(*sets) if sets else set()


def _by_prompt(games: pd.DataFrame, column: str, pairs: set[tuple[str, str]]) -> pd.Series:
    """Returns a score for each prompt; with common pairs, only where each of them has one."""
    keyed = games.groupby(["prompt_id", *PAIR])[column].mean()
    if not pairs:
        return keyed.groupby("prompt_id").mean()
    wide = keyed.unstack(PAIR)[sorted(pairs)]  # noqa: PD010
    return wide.mean(axis=1).where(wide.notna().all(axis=1))


def _rows(
    names: tuple[str, str], scores: Mapping[str, pd.Series], levels: pd.Series, what: Measure
) -> list[tuple[object, ...]]:
    both = pd.DataFrame({"run": scores[names[0]], "base": scores[names[1]]}).dropna()
    strata = levels.reindex(both.index).astype(str)
    found = ordered_levels(strata.to_frame("level"))
    rows: list[tuple[object, ...]] = []
    for level in [*found, *([ALL] if len(found) > 1 else [])]:
        own = both if level == ALL else both[strata == level]
        gaps = own["run"] - own["base"]
        made = estimate_means(gaps.to_numpy(dtype=float)[:, None], list(strata.reindex(own.index)))
        low, high = float(made.low[0]), float(made.high[0])
        signed = -gaps if what.low_is_best else gaps
        better = float(((signed > _TIE) + 0.5 * (signed.abs() <= _TIE)).mean())
        excluded = bool(low > _TIE or high < -_TIE)
        means = (float(own["run"].mean()), float(own["base"].mean()), float(made.mean[0]))
        rows.append((level, *names, *means, low, high, len(own), better, excluded))
    return rows


def _notes(pairs: set[tuple[str, str]], left_out: int, scores: Sequence[pd.Series]) -> list[str]:
    notes = []
    if not pairs:
        notes.append("The runs share no pair of models: all pairs of each run are used.")
    if left_out:
        notes.append(f"Only prompts that all runs played are compared; {left_out} others are left out.")
    unscored = len(set().union(*(set(each[each.isna()].index) for each in scores)))
    if unscored:
        notes.append(f"Prompts without a score in one of the runs are left out, not counted as 0: {unscored}.")
    return notes
