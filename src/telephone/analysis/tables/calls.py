"""A run as a table with one row a call: which text or picture it made, out of which, in a game that began with what."""

from __future__ import annotations

import numpy as np
import pandas as pd

from telephone.analysis.tables.score_frames import check

COLUMNS = (
    "game", "prompt_id", "level", "t2i_model", "i2t_model", "line", "repeat", "first",
    "generation", "turn", "kind", "player", "sha", "before", "start",
)  # fmt: skip
_OF_GAME = ("game", "prompt_id", "level", "t2i_model", "i2t_model", "repeat", "first")


def hops(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns one row for each text or picture that was made, games in the frame's order, calls in theirs.

    Columns: `game, prompt_id, level, t2i_model, i2t_model, line, repeat, first` (text or image: what the game began
    with), `generation` (calls from the start, from 1), `turn` (from 1), `kind` (image or text: what was made), `player`
    (who made it), `sha` (its content hash), `before` (that of what the player was shown), `start` (the prompt's).

    Args:
        frame: One row a turn, as `Run.frame()` or `scored` gives it.

    Raises:
        UsageError: it is no such frame.
    """
    check(frame)
    rows = frame.assign(repeat=frame["repeat"] if "repeat" in frame.columns else 0)
    made = pd.concat([_half(rows, 1), _half(rows, 2)], ignore_index=True)
    made = made[made["sha"].notna()]
    order = {game: at for at, game in enumerate(frame["game"].drop_duplicates())}
    made = made.assign(_order=made["game"].map(order)).sort_values(["_order", "generation"], kind="stable")
    made["before"] = made.groupby("game", sort=False)["sha"].shift(1).fillna(made["start"])
    return made[list(COLUMNS)].reset_index(drop=True)


def _half(rows: pd.DataFrame, which: int) -> pd.DataFrame:
    """Returns the first or the second calls of all turns."""
    draws = (rows["first"] == "text") == (which == 1)
    table = rows[list(_OF_GAME)].copy()
    table["line"] = rows["t2i_model"] + " + " + rows["i2t_model"]
    table["generation"] = 2 * rows["step_number"] + which
    table["turn"] = rows["step_number"] + 1
    table["kind"] = np.where(draws, "image", "text")
    table["player"] = np.where(draws, rows["t2i_model"], rows["i2t_model"])
    table["sha"] = rows["image_sha256"].where(draws, rows["text_sha256"])
    table["start"] = rows["prompt_sha256"]
    return table
