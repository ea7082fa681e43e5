"""Convergence of a battle in one call: fixed points and cycles, contraction, motifs and seed sensitivity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from telephone.analysis.convergence.fixed_points import (
    FLOOR,
    Contraction,
    convergence_table,
    find_fixed_points,
    measure_contraction,
)
from telephone.analysis.convergence.motifs import Motifs, find_motifs, motif_counts, seed_sensitivity
from telephone.analysis.convergence.regimes import game_regimes, line_regimes
from telephone.analysis.convergence.rest_evidence import RestEvidence
from telephone.analysis.convergence.text_space import Vectors, text_trajectories
from telephone.analysis.tables.retention import mean_floor
from telephone.store.records import ScorerKind, ScorerRow
from telephone.store.similarity_calibration import calibration_for

if TYPE_CHECKING:
    from telephone.store import Run


@dataclass(frozen=True)
class TextSpace:
    """A vector space of texts."""

    vectors: Vectors = field(repr=False)
    """Vectors of texts and prompts, by content hash."""
    name: str
    """Name of the vectors, for people."""
    floor: float = FLOOR
    """Cosine distance below which two texts are near: as near as two wordings of one scene."""
    caution: str = ""
    """How many known losses are nearer than that, in a sentence; empty if the vectors are not calibrated."""


@dataclass(frozen=True)
class Convergence:
    """How the games of a battle end."""

    games: pd.DataFrame
    """As `find_fixed_points` gives it: one row a game."""
    table: pd.DataFrame
    """As `convergence_table` gives it: one row a level and line."""
    contraction: Contraction
    motifs: Motifs
    motif_counts: pd.DataFrame
    """As `motif_counts` gives it: one row a line."""
    regimes: pd.DataFrame
    """As `line_regimes` gives it: one row a level and line; empty for games of few turns."""
    seeds: pd.DataFrame
    """As `seed_sensitivity` gives it; empty without repeats."""
    space: str
    """Name of the vectors."""
    floor: float
    """Cosine distance below which two texts are near; facts may differ."""
    evidence: RestEvidence | None = None
    """What it says that games come to rest; None if the noise of the run is unknown."""
    caution: str = ""
    """As `TextSpace.caution`."""


def text_space_of(run: Run, frame: pd.DataFrame, judge: str = "") -> TextSpace | None:
    """Returns the vectors of the first embedder of a run that has embedded its texts; None if there is none.

    The floor is the mean distance of two paraphrases of a prompt where it was measured, else `FLOOR`.

    Args:
        run: The run.
        frame: Rows of `run.frame()` with the texts.
        judge: The judge of distances that is shown; its embedder has priority.
    """
    wanted = {*frame["text_sha256"].dropna(), *frame["prompt_sha256"].dropna()}
    models = [row.model for row in run.scorers(ScorerKind.DISTANCE) if judge and judge in row.identity]
    for embedder in sorted(run.embedders(), key=lambda each: each.name not in models):
        vectors = {sha: vector for sha, vector in run.vectors(embedder).items() if sha in wanted}
        if not frame["text_sha256"].isin(vectors.keys()).any():
            continue
        measured = mean_floor(run, embedder, "text-text")
        floor = FLOOR if measured is None else measured
        known = calibration_for(run, ScorerRow(ScorerKind.DISTANCE, "", embedder.fingerprint, embedder.name))
        return TextSpace(vectors, embedder.name, floor, "" if known is None else known.sentence(floor))
    return None


def analyse_convergence(
    frame: pd.DataFrame,
    vectors: Vectors | None = None,
    floor: float = FLOOR,
    name: str = "",
    evidence: RestEvidence | None = None,
) -> Convergence:
    """Returns how the games of a battle end.

    Args:
        frame: One row a turn, as `scored_frame` gives it; controls are left out.
        vectors: By content hash of texts and prompts, such as `run.vectors(embedder)`; None takes bags of words.
        floor: Cosine distance in these vectors below which two texts are near.
        name: Name of the vectors, for people.
        evidence: As `rest_evidence(run.spec)` gives it; None if the run is unknown.

    Raises:
        UsageError: a column is missing.
    """
    found = text_trajectories(frame, vectors, name)
    games = find_fixed_points(found, floor, evidence.noise if evidence is not None else None)
    return Convergence(
        games,
        convergence_table(games),
        measure_contraction(found),
        find_motifs(found, frame),
        motif_counts(found),
        line_regimes(game_regimes(found, floor)),
        seed_sensitivity(found),
        found.space,
        floor,
        evidence,
    )
