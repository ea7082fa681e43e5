"""Frames of turns that never were, with distances that a test can work out by hand."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

Distance = Callable[[str, str, str, int], float]
"""Of drawing model, describing model, prompt and turn."""


def frame(
    distance: Distance,
    prompts: Mapping[str, str],
    t2i: Sequence[str] = ("d1", "d2"),
    i2t: Sequence[str] = ("w1", "w2"),
    turns: int = 2,
    repeats: int = 1,
) -> pd.DataFrame:
    """A run of every pair over prompts (by id, the level); the share of facts kept is 1 minus half the distance."""
    rows = []
    for prompt, level in prompts.items():
        for one in t2i:
            for other in i2t:
                for repeat in range(repeats):
                    for turn in range(turns):
                        value = distance(one, other, prompt, turn)
                        rows.append({
                            "game": f"{prompt} {one} {other} {repeat}", "conversation_name": "x", "prompt": prompt,
                            "prompt_id": prompt, "level": level, "t2i_model": one, "i2t_model": other,
                            "repeat": repeat, "first": "text", "step_number": turn, "text_before": "a",
                            "text_after": "b", "outcome": "ok", "reason": "", "text_after_dist": value,
                            "facts_recall": 1 - value / 2, "facts_precision": 1 - value / 2, "tokens_cut": 0,
                        })  # fmt: skip
    return pd.DataFrame(rows)


def broken(table: pd.DataFrame, game: str, turn: int, outcome: str = "failed") -> pd.DataFrame:
    """The same run where a game ended early; `pending` leaves a turn half played."""
    table = table[~((table["game"] == game) & (table["step_number"] > turn))].reset_index(drop=True)
    at = (table["game"] == game) & (table["step_number"] == turn)
    assert at.sum() == 1
    table.loc[at, ["text_after_dist", "facts_recall", "facts_precision"]] = float("nan")
    table.loc[at, "text_after"] = None
    table.loc[at, "outcome"] = outcome
    return table


def levels(count: int) -> dict[str, str]:
    """Prompts p00, p01, ... of the levels easy, medium and hard in turn."""
    return {f"p{at:02d}": ("easy", "medium", "hard")[at % 3] for at in range(count)}
