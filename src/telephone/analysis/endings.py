"""Whether and where a battle settles, in one call: fixed points and cycles, contraction, motifs, and seeds."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from telephone.analysis.convergence import FLOOR, Contraction, contraction, convergence_table, settled
from telephone.analysis.motifs import Motifs, motifs, seed_sensitivity
from telephone.analysis.space import Vectors, paths


@dataclass(frozen=True)
class Convergence:
    """How the games of a battle end."""

    games: pd.DataFrame
    """As `settled` gives it: one row a game."""
    table: pd.DataFrame
    """As `convergence_table` gives it: one row a level and line."""
    contraction: Contraction
    motifs: Motifs
    seeds: pd.DataFrame
    """As `seed_sensitivity` gives it; empty without repeats."""
    space: str
    """In which vectors texts were compared."""
    floor: float
    """Cosine distance below which two texts say the same."""


def convergence(
    frame: pd.DataFrame, vectors: Vectors | None = None, floor: float = FLOOR, name: str = ""
) -> Convergence:
    """Returns how the games of a battle end.

    Args:
        frame: One row a turn, as `scored` gives it; controls are left out.
        vectors: By content hash of texts and prompts, such as `run.vectors(embedder)`; None takes bags of words.
        floor: Cosine distance of two texts that say the same, in these vectors.
        name: What the vectors are, for people.

    Raises:
        UsageError: a column is missing.
    """
    found = paths(frame, vectors, name)
    games = settled(found, floor)
    return Convergence(
        games,
        convergence_table(games),
        contraction(found),
        motifs(found, frame),
        seed_sensitivity(found),
        found.space,
        floor,
    )
