"""Comparison of two or more runs, paired by prompt, on the prompts that all of them played.

Every difference of one comparison is tested by random signs of the prompts, and all of them together by Holm's
procedure, so that two equal runs are reported to differ in one comparison of twenty, however many rows it has. A row
with too few prompts for any significant difference is no test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import Floats
from telephone.analysis.inference.sign_flips import ERROR_RATE, compare_pairs, holm_adjust
from telephone.analysis.tables.measure_choice import DISTANCE, FACTS, SIMILARITY, choose_measure
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
    "level", "run", "base", "mean", "base_mean", "difference", "low", "high", "n", "better", "p", "p_holm", "told",
)  # fmt: skip
MIN_PROMPTS = 6
"""Below this many prompts no difference is significant: 2 / 2 ** 5 is above the error rate."""
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
    `base_mean` over the prompts that both have scores on, `difference` (run minus base), `low`, `high` (its interval,
    adjusted for all rows; NaN below six prompts), `n` (prompts), `better` (share of them on which the run keeps more; a
    tie counts half), `p` (sign-flip test of no difference), `p_holm` (adjusted for all rows) and `told` (whether
    `p_holm` is at most 0.05, and so the interval excludes 0; the name is part of the JSON document)."""
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


def compare_runs(runs: Mapping[str, Run], measure: str = "", when: str = "final", judge: str = "") -> RunComparison:
    """Returns the difference of each run from the first one by level, on the prompts that both played.

    Where all runs share pairs of models, only the games of those pairs are used, so that only the change between the
    runs makes a difference; otherwise all pairs of each run are used. A prompt's games are averaged over repeats, then
    over pairs; the prompt is the unit.

    Args:
        runs: Two or more runs by name.
        measure: A name of `MEASURES`; empty is the one that answers for all runs, as `answering_measure`; not facts, if
            a judge is named.
        when: final or mean.
        judge: Part of the name of the judge of distances; empty is the first one that all runs have.

    Raises:
        UsageError: there are fewer than two runs, they share no prompt or no judge, or no such measure.
    """
    if len(runs) < 2 or when not in WHENS:
        raise UsageError("A comparison needs two or more runs, and final or mean: give the folders of the runs.")
    chosen = get_measure(measure).name if measure else ""
    silent = [name for name, run in runs.items() if not has_descriptions(run)]
    shared = common_judge(list(runs.values()), judge)
    games = {name: games_of_run(run, shared) for name, run in runs.items()}
    chosen = chosen or answering_measure(list(games.values()), when, facts=not judge)
    if chosen in (DISTANCE, SIMILARITY) and not shared and not silent:
        raise UsageError(
            "These runs share no judge of distances: run `telephone judge` on each with the same embedder."
        )
    made = compare_games(games, chosen, when, shared if chosen in (DISTANCE, SIMILARITY) else "")
    notes = [f"{name} has no description: nothing can be determined of it." for name in silent]
    return replace(made, notes=(*notes, *made.notes, *_changed(list(runs.values()), made.pairs)))


def compare_games(
    games: Mapping[str, pd.DataFrame], measure: str = DISTANCE, when: str = "final", judge: str = ""
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
    tested = _tested(rows)
    left_out = len(set().union(*played)) - len(shared)
    notes = tuple(_notes(pairs, left_out, [scores[name] for name in names]))
    table = pd.DataFrame(tested, columns=list(COLUMNS))
    return RunComparison(names, what, when, table, tuple(sorted(pairs)), len(shared), left_out, judge, notes)


def answering_measure(games: Sequence[pd.DataFrame], when: str = "final", facts: bool = True) -> str:
    """Returns the measure that answers for all runs.

    Facts where they are counted for every prompt of each run, else the calibrated similarity where each run has it,
    else the distance.

    Args:
        games: One table a run, as `game_scores` gives it; runs without a finished game do not decide.
        when: final or mean.
        facts: Whether facts may answer.
    """
    choices = [choose_measure(own, when) for own in games]
    names = {each.measure.name for each in choices if each.prompts}
    if facts and names == {FACTS}:
        return FACTS
    played = [own for own, each in zip(games, choices, strict=True) if each.prompts]
    similar = all(own[f"{SIMILARITY}_{when}"].notna().any() for own in played)
    return SIMILARITY if played and similar and DISTANCE not in names else DISTANCE


def common_judge(runs: Sequence[Run], part: str = "") -> str:
    """Returns the identity of the first judge of distances that all runs have; empty if there is none."""
    judges = [[name for name in distance_scorers(run) if part in name] for run in runs]
    return next((name for name in judges[0] if all(name in other for other in judges[1:])), "")


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
) -> list[tuple[dict[str, object], pd.DataFrame]]:
    """Returns each row without its test, and the scores of both runs by prompt."""
    both = pd.DataFrame({"run": scores[names[0]], "base": scores[names[1]]}).dropna()
    tied = (both["run"] - both["base"]).abs() <= _TIE
    both["run"] = both["run"].mask(tied, both["base"])
    strata = levels.reindex(both.index).astype(str)
    found = ordered_levels(strata.to_frame("level"))
    rows = []
    for level in [*found, *([ALL] if len(found) > 1 else [])]:
        own = both if level == ALL else both[strata == level]
        gaps = own["run"] - own["base"]
        signed = -gaps if what.low_is_best else gaps
        row: dict[str, object] = {
            "level": level,
            "run": names[0],
            "base": names[1],
            "mean": float(own["run"].mean()),
            "base_mean": float(own["base"].mean()),
            "difference": float(gaps.mean()),
            "n": len(own),
            "better": float(((signed > 0) + 0.5 * (signed == 0)).mean()),
        }
        rows.append((row, own))
    return rows


def _tested(rows: Sequence[tuple[dict[str, object], pd.DataFrame]]) -> list[dict[str, object]]:
    """Returns the rows with p-values, verdicts and intervals that are adjusted for all of them (Holm)."""
    values = [own.to_numpy(dtype=float) for _, own in rows]
    p = np.array([float(compare_pairs(each).p[0]) if len(each) else np.nan for each in values])
    counted = np.array([len(each) >= MIN_PROMPTS for each in values], dtype=bool)
    adjusted = holm_adjust(np.where(counted, p, np.nan))
    rejected = np.nan_to_num(adjusted, nan=1.0) <= ERROR_RATE
    made = []
    for at, (row, _) in enumerate(rows):
        before = int((rejected & (p < p[at])).sum()) if rejected[at] else int(rejected.sum())
        rate = ERROR_RATE / max(int(counted.sum()) - before, 1)
        rate = max(rate, float(p[at])) if rejected[at] else rate  # of equal p-values
        low, high = _bounds(values[at], rate) if counted[at] else (np.nan, np.nan)
        made.append({**row, "low": low, "high": high, "p": p[at], "p_holm": adjusted[at], "told": bool(rejected[at])})
    return made


def _bounds(values: Floats, rate: float) -> tuple[float, float]:
    found = compare_pairs(values, rate)
    return float(found.low[0]), float(found.high[0])


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
