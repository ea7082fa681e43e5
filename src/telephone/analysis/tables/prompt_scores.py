"""Scores as tables of prompts x models, and the names of the sides of a battle."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from telephone.analysis.tables.score_frames import without_controls

Side = Literal["t2i", "i2t", "pair"]
SIDES: tuple[Side, ...] = ("t2i", "i2t", "pair")

ALL = "all"
"""The level of rows that pool all levels."""
KEYS: dict[Side, tuple[str, ...]] = {
    "t2i": ("t2i_model",),
    "i2t": ("i2t_model",),
    "pair": ("t2i_model", "i2t_model"),
}


def prompt_by_model(games: pd.DataFrame, keys: tuple[str, ...], column: str) -> tuple[pd.DataFrame, list[str]]:
    """Returns a table of prompts x models, averaged over repeats, then partners, and the level of each prompt.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        keys: Columns that name the model or the pair.
        column: The score that is averaged; NaN is unscored.
    """
    games = without_controls(games)
    pairs = games.groupby(["prompt_id", "t2i_model", "i2t_model"], sort=True)[column].mean()
    models = pairs.groupby(["prompt_id", *keys], sort=True).mean()
    wide = models.unstack(list(keys)).sort_index(axis=1)  # noqa: PD010
    return wide, prompt_levels(games, wide.index)


def prompt_levels(games: pd.DataFrame, prompts: pd.Index) -> list[str]:
    """Returns the level of each prompt."""
    levels = games.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    return [str(level) for level in levels.reindex(prompts)]
