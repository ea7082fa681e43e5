"""When a game changes its subject: the turn at which the thing that the prompt names first is no longer told."""

from __future__ import annotations

import numpy as np
import pandas as pd

_GAME = ["game", "prompt_id", "level", "t2i_model", "i2t_model"]
COLUMNS = (*_GAME, "subject", "turn", "turns")


def subject_turns(followed: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a game: its subject and the first turn whose description does not tell it.

    The subject is the kind of the first thing of the prompt, such as the boat of "a red boat on a beach". Columns:
    `game, prompt_id, level, t2i_model, i2t_model, subject` (in words), `turn` (from 1; NaN if it is told to the end)
    and `turns` (descriptions of the game). Prompts without a thing have no rows.

    Args:
        followed: As `followed` gives it: exact facts, call by call.
    """
    told = followed[(followed["attribute"] == "kind") & (followed["kind"] != "image")]
    if told.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    first = told[told["atom"] == told.groupby("game")["atom"].transform("min")]
    gone = first["turn"].where(first["state"] != "kept", np.nan)
    grouped = first.assign(gone=gone).groupby("game", sort=False)
    table = grouped[_GAME[1:]].first().assign(
        subject=grouped["fact"].first(), turn=grouped["gone"].min(), turns=grouped["turn"].max()
    )  # fmt: skip
    return table.reset_index()[list(COLUMNS)]
