"""What each prompt says about the models: how far its games are apart, and the prompts that tell none apart."""

from __future__ import annotations

import pandas as pd

from telephone.analysis.tables.score_frames import WHENS, Measure, get_measure, ordered_levels, without_controls
from telephone.core.errors import UsageError

SAME = 1e-9
"""Scores that differ by no more are equal."""
SPREAD, CEILING, FLOOR, EQUAL = "spread", "ceiling", "floor", "equal"
"""Values of the column `state`."""
_NAMED = 6
"""The most prompts that a sentence names."""
_COLUMNS = ["prompt_id", "level", "pairs", "lowest", "highest", "range", "t2i_range", "i2t_range", "state"]


def prompt_information(games: pd.DataFrame, measure: str = "recall", when: str = "final") -> pd.DataFrame:
    """Returns how far the scores of each prompt are apart, one row a prompt, in the order of the games.

    Averaged over repeats. Columns: `prompt_id, level, pairs` (with a score), `lowest, highest, range` (over pairs of
    models), `t2i_range, i2t_range` (between the means of the models of one side; NaN for a side with one model) and
    `state`: `ceiling` if every pair has the best possible score, `floor` if every pair has the worst, `equal` if all
    have the same one in between, else `spread`. A prompt with scores of fewer than two pairs is left out.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        measure: A name of `MEASURES`, such as distance or recall.
        when: final or mean.

    Raises:
        UsageError: there is no such measure or time.
    """
    what = get_measure(measure)
    if when not in WHENS:
        raise UsageError(f"There is no time {when!r}: choose from {', '.join(WHENS)}.")
    column = f"{measure}_{when}"
    scored = without_controls(games).dropna(subset=[column])
    keys = ["prompt_id", "t2i_model", "i2t_model"]
    pairs = scored.groupby(keys, sort=False).agg(level=("level", "first"), score=(column, "mean")).reset_index()
    rows = [_row(str(prompt), own, what) for prompt, own in pairs.groupby("prompt_id", sort=False) if len(own) > 1]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(prompt: str, own: pd.DataFrame, measure: Measure) -> dict[str, object]:
    lowest, highest = float(own["score"].min()), float(own["score"].max())
    return {
        "prompt_id": prompt,
        "level": own["level"].iloc[0],
        "pairs": len(own),
        "lowest": lowest,
        "highest": highest,
        "range": highest - lowest,
        "t2i_range": _range(own, "t2i_model"),
        "i2t_range": _range(own, "i2t_model"),
        "state": _state(lowest, highest, measure),
    }


def _range(own: pd.DataFrame, side: str) -> float:
    means = own.groupby(side)["score"].mean()
    return float(means.max() - means.min()) if len(means) > 1 else float("nan")


def _state(lowest: float, highest: float, measure: Measure) -> str:
    if highest - lowest > SAME:
        return SPREAD
    worst, best = measure.limits[::-1] if measure.low_is_best else measure.limits
    if abs(lowest - best) <= SAME:
        return CEILING
    return FLOOR if abs(lowest - worst) <= SAME else EQUAL


def uninformative_prompts(games: pd.DataFrame, measure: str = "recall", when: str = "final") -> pd.DataFrame:
    """Returns the rows of `prompt_information` whose pairs all have one score; arguments and errors as there."""
    table = prompt_information(games, measure, when)
    return table[table["state"] != SPREAD].reset_index(drop=True)


def information_by_level(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a level: numbers of prompts by state, and mean ranges.

    Columns: `level, prompts, ceiling, floor, equal` (numbers of prompts), `range, t2i_range, i2t_range` (means).

    Args:
        table: As `prompt_information` gives it.
    """
    rows = []
    for level in ordered_levels(table):
        own = table[table["level"] == level]
        row: dict[str, object] = {"level": level, "prompts": len(own)}
        row |= {state: int((own["state"] == state).sum()) for state in (CEILING, FLOOR, EQUAL)}
        row |= {name: float(own[name].mean()) for name in ("range", "t2i_range", "i2t_range")}
        rows.append(row)
    return pd.DataFrame(rows, columns=["level", "prompts", CEILING, FLOOR, EQUAL, "range", "t2i_range", "i2t_range"])


def information_warnings(games: pd.DataFrame, measure: str = "recall") -> list[str]:
    """Returns a sentence for each state of prompts that cannot distinguish models; arguments and errors as above."""
    table = prompt_information(games, measure)
    return [
        _sentence(list(own["prompt_id"]), len(table), state)
        for state in (CEILING, FLOOR, EQUAL)
        if len(own := table[table["state"] == state])
    ]


def _sentence(names: list[str], prompts: int, state: str) -> str:
    what = {
        CEILING: "kept whole by every pair",
        FLOOR: "kept by no pair",
        EQUAL: "kept to the same share by every pair",
    }[state]
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    count = f"{len(names)} of {prompts} prompt{'s' * (prompts > 1)} {'is' if len(names) == 1 else 'are'}"
    return f"{count} {what} and cannot distinguish models: {shown}."
