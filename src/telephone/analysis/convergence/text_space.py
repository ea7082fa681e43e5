"""Trajectories of games in a vector space of texts: vectors of an embedder, or bags of words without one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats
from telephone.analysis.tables.score_frames import check_frame, without_controls
from telephone.core.errors import UsageError
from telephone.core.seeds import derive

Vectors = Mapping[str, NDArray[np.floating]]
"""By content hash: a vector of unit length."""
WIDTH = 512
"""Dimension of a bag of words; two words share a component with probability 1 / 512."""
WORDS = "bags of words"


@dataclass(frozen=True)
class TextTrajectories:
    """The texts of each game, from the prompt to the last description."""

    games: pd.DataFrame
    """One row a game: `game, prompt_id, level, t2i_model, i2t_model, repeat`."""
    states: NDArray[np.int64]
    """[games, turns + 1]: number of the text; the prompt first; -1 where the game has none."""
    texts: tuple[str, ...]
    """By number."""
    vectors: Floats
    """[texts, width], unit length; NaN where a text has no vector."""
    space: str
    """Name of the vectors, for people."""
    rows: NDArray[np.int64]
    """[games, turns + 1]: the row of the frame that a state comes from; -1 for none, and for the prompt."""

    @property
    def complete(self) -> NDArray[np.bool_]:
        """[games]: whether a game has all its descriptions."""
        return np.asarray((self.states >= 0).all(axis=1), dtype=np.bool_)

    @property
    def ends(self) -> NDArray[np.int64]:
        """[games]: the number of the last description; -1 for a game without one."""
        last = (self.states[:, 1:] >= 0).sum(axis=1)
        return np.where(last > 0, np.take_along_axis(self.states, last[:, None], axis=1)[:, 0], -1)


def text_trajectories(frame: pd.DataFrame, vectors: Vectors | None = None, name: str = "") -> TextTrajectories:
    """Returns the texts of each game with their vectors.

    Args:
        frame: One row a turn, as `scored_frame` gives it; controls are left out. A game ends before its first turn
            without a description.
        vectors: By content hash of texts and prompts, such as `run.vectors(embedder)`; None takes bags of words.
        name: Name of the vectors, for people.

    Raises:
        UsageError: a column is missing.
    """
    check_frame(frame)
    missing = [column for column in ("text_after", "prompt") if column not in frame.columns]
    if missing:
        raise UsageError(f"The frame has no column {missing[0]!r}: pass telephone.analysis.scored_frame(run).")
    table = without_controls(frame).reset_index(drop=True)
    hashed = "text_sha256" in table.columns and "prompt_sha256" in table.columns
    made, start = (table[c] for c in (("text_sha256", "prompt_sha256") if hashed else ("text_after", "prompt")))
    known = pd.concat([start, made.where(table["text_after"].notna())], ignore_index=True)
    codes, distinct = pd.factorize(known)
    words = pd.concat([table["prompt"], table["text_after"]], ignore_index=True)
    firsts = pd.Series(words.to_numpy()).groupby(codes).first()
    texts = tuple(str(firsts[code]) for code in range(len(distinct)))
    games, states, rows = _states(table, codes)
    placed_vectors = _text_vectors([str(sha) for sha in distinct], texts, vectors)
    return TextTrajectories(
        games, states, texts, placed_vectors, name or (WORDS if vectors is None else "vectors of an embedder"), rows
    )


def bag_of_words(text: str, width: int = WIDTH) -> Floats:
    """Returns a unit vector of signed word counts, each word hashed to a component."""
    counts = np.zeros(width)
    for word in re.findall(r"\w+", text.lower()) or [""]:
        place = _place(word)
        counts[place % width] += 1.0 if place // width % 2 else -1.0
    length = float(np.linalg.norm(counts))
    if not length:
        counts[0] = length = 1.0
    return np.asarray(counts / length)


@lru_cache(maxsize=65536)
def _place(word: str) -> int:
    return derive("bag of words", word)


def paired_distances(one: Floats, other: Floats) -> Floats:
    """Returns the cosine distance of vectors of unit length, row by row; NaN where one is unknown."""
    return np.asarray(1.0 - (one * other).sum(axis=-1))


def _states(table: pd.DataFrame, codes: NDArray[np.int64]) -> tuple[pd.DataFrame, NDArray[np.int64], NDArray[np.int64]]:
    number, names = pd.factorize(table["game"])
    turns = int(table["step_number"].max()) + 1 if len(table) else 0
    states = np.full((len(names), turns + 1), -1, dtype=np.int64)
    rows = np.full((len(names), turns + 1), -1, dtype=np.int64)
    states[number, 0] = codes[: len(table)]
    place = table["step_number"].to_numpy() + 1
    states[number, place] = codes[len(table) :]
    rows[number, place] = np.arange(len(table))
    broken = np.maximum.accumulate(states < 0, axis=1)
    keys = ["game", "prompt_id", "level", "t2i_model", "i2t_model", *(["repeat"] if "repeat" in table else [])]
    games = table.drop_duplicates("game")[keys].reset_index(drop=True)
    games = games if "repeat" in games.columns else games.assign(repeat=0)
    return games, np.where(broken, -1, states), np.where(broken, -1, rows)


def _text_vectors(shas: list[str], texts: tuple[str, ...], vectors: Vectors | None) -> Floats:
    if vectors is None:
        return np.stack([bag_of_words(text) for text in texts]) if texts else np.zeros((0, WIDTH))
    width = len(next(iter(vectors.values()))) if vectors else 1
    unknown = np.full(width, np.nan)
    rows = [np.asarray(vectors.get(sha, unknown), dtype=float) for sha in shas]
    return np.stack(rows) if rows else np.zeros((0, width))
