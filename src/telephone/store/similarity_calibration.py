"""Calibrated similarity: the share of facts that texts at a distance keep, measured on known rewordings and losses.

A distance is not a loss: two exact descriptions of one scene in different wordings are as far apart as two that differ
by a fact. A calibration states what a judge's distance means: `similarity(distance)` is 1 up to the distance that 95 %
of rewordings do not exceed (of the two wordings that are farthest apart), and beyond it the mean share of facts kept by
texts at that distance, by isotonic regression (Pool Adjacent Violators) of known shares on distances. The idea of
calibrating a similarity isotonically is that of arXiv 2512.10350; the plateau for rewordings is this project's, so that
a wording is not taken for a loss.

This module reads tables and needs no model. `telephone.judge.known_losses` makes the texts,
`telephone.judge.calibration_measurement` measures a judge with them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telephone.core.seeds import digest
from telephone.store.records import Score, ScorerKind, ScorerRow
from telephone.store.run import Run

Floats = NDArray[np.float64]

REWORDED_SHARE = 0.95
"""Share of the rewordings that count as equal in meaning, of the two wordings that are farthest apart."""
QUANTILES = tuple(round(0.05 * step, 2) for step in range(21))
"""Quantiles at which distances of rewordings and of small losses are kept."""
BLOCKS = 40
"""The most knots of a curve beyond the plateau."""
_NAME = "similarity"
_LABEL = ("similarity calibration", 1)
"""Part of stored fingerprints: never change it."""


@dataclass(frozen=True)
class SimilarityCalibration:
    """What the distances of one judge mean, by known rewordings and losses of the pocket world's scenes."""

    judge: str
    """Name or address of the embedder."""
    fingerprint: str
    """Its fingerprint."""
    languages: tuple[str, ...]
    """Languages of the texts: `en`, or `en` and `zh` where the judge reads Chinese."""
    pairs: int
    """Pairs of texts that were measured: rewordings, losses and unrelated scenes."""
    distances: tuple[float, ...]
    """Knots of the curve, cosine distances in [0, 2], ascending; the second one is the end of the plateau."""
    similarities: tuple[float, ...]
    """Share of facts kept at each knot, in [0, 1], never rising."""
    rewordings: tuple[float, ...]
    """Distances of two wordings of one scene at `QUANTILES`."""
    one_fact: tuple[float, ...]
    """The same of texts that lost one fact, in any wording."""
    two_facts: tuple[float, ...]
    """The same of texts that lost two facts."""
    half_lost: tuple[float, ...]
    """The same of texts that keep less than half of the facts, unrelated scenes included."""

    @property
    def reworded(self) -> float:
        """The cosine distance up to which the similarity is 1: 95 % of any rewordings do not exceed it."""
        return self.distances[1]

    def similarity(self, distances: NDArray[np.floating] | Sequence[float] | float) -> Floats:
        """Returns the calibrated similarity in [0, 1] of cosine distances of any shape; NaN where there is none.

        1 means: no farther than a rewording, which does not prove that nothing is lost (see `nearer`).
        """
        given = np.asarray(distances, dtype=np.float64)
        return np.asarray(np.interp(given, self.distances, self.similarities), dtype=np.float64)

    def nearer(self, distance: float) -> dict[str, float]:
        """Returns the share of known texts that are nearer than a distance.

        By what they lost: `nothing` (rewordings), `one fact`, `two facts`, and `half` (more than half of the facts).
        """
        known = {
            "nothing": self.rewordings,
            "one fact": self.one_fact,
            "two facts": self.two_facts,
            "half": self.half_lost,
        }
        return {lost: _share_below(found, distance) for lost, found in known.items()}

    def sentence(self, distance: float | None = None) -> str:
        """Returns what it means that a text is nearer than a distance, with its measured error.

        Args:
            distance: a cosine distance; None takes the end of the plateau.
        """
        at = self.reworded if distance is None else distance
        share = self.nearer(at)
        return (
            f"By {self.judge}, {share['nothing']:.0%} of known rewordings are nearer than {at:.2f}, but so are"
            f" {share['one fact']:.0%} of the texts that lost one fact, {share['two facts']:.0%} of those that lost two"
            f" and {share['half']:.0%} of those that lost more than half: a near text may have lost facts."
        )


def fit(distances: Floats, kept: Floats, reworded: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns the knots of a calibration curve: distances, and the share of facts kept.

    Isotonic regression (least squares under the constraint that the share never rises with the distance; Barlow et al.
    1972, by Pool Adjacent Violators) over all pairs; up to `reworded` the share is 1.

    Args:
        distances: [n], cosine distances of known pairs.
        kept: [n], shares of facts kept, in [0, 1]; 1 for rewordings.
        reworded: the end of the plateau.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(distances, kind="stable")
    x, y = distances[order], kept[order]
    fitted = np.clip(isotonic_regression(y, increasing=False).x, 0.0, 1.0)
    beyond = x > reworded
    knots: list[tuple[float, float]] = [(0.0, 1.0), (reworded, 1.0)]
    for block in np.array_split(np.flatnonzero(beyond), BLOCKS):
        if len(block):
            knots.append((float(np.median(x[block])), float(fitted[block].mean())))
    found = [knots[0], knots[1], *(knot for knot in knots[2:] if knot[0] > reworded)]
    return tuple(round(at, 5) for at, _ in found), tuple(round(share, 5) for _, share in found)


def calibration_for(run: Run, scorer_row: ScorerRow) -> SimilarityCalibration | None:
    """Returns the calibration of a judge of distances; None if there is none.

    Args:
        run: the run; a calibration that `telephone judge --calibrate` stored in it comes first.
        scorer_row: the judge, one of `run.scorers(ScorerKind.DISTANCE)`.

    Raises:
        StoreDamaged: the stored calibration cannot be read.
    """
    stored = run.scores(calibration_row(scorer_row))
    if stored:
        return _from_json(stored[0].detail)
    return shipped_calibrations().get(scorer_row.fingerprint)


def store_calibration(run: Run, calibration: SimilarityCalibration) -> None:
    """Writes a calibration into a run, in place of an earlier one.

    Raises:
        StoreError: it cannot be written.
    """
    row = calibration_row(ScorerRow(ScorerKind.DISTANCE, "", calibration.fingerprint, calibration.judge))
    run.put_scores(row, [Score("", "", _NAME, calibration.reworded, detail=asdict(calibration))])


def calibration_row(distance: ScorerRow) -> ScorerRow:
    """Returns the row under which a run keeps the calibration of a judge of distances."""
    fingerprint = digest(*_LABEL, distance.fingerprint)
    return ScorerRow(ScorerKind.CALIBRATION, "calibrated similarity", fingerprint, distance.model)


@cache
def shipped_calibrations() -> dict[str, SimilarityCalibration]:
    """Returns the calibrations that come with the package, by fingerprint of the judge."""
    folder = resources.files("telephone.store") / "calibrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)
    found = (_from_json(json.loads(file.read_text(encoding="utf-8"))) for file in files)
    return {calibration.fingerprint: calibration for calibration in found}


def as_json(calibration: SimilarityCalibration) -> str:
    """Returns a calibration as a file of `calibrations/` holds it."""
    return json.dumps(asdict(calibration), ensure_ascii=False, indent=1) + "\n"


def quantiles(distances: Iterable[float]) -> tuple[float, ...]:
    """Returns distances at `QUANTILES`, rounded to five digits."""
    return tuple(round(float(value), 5) for value in np.quantile(list(distances), QUANTILES))


def _from_json(given: dict[str, Any]) -> SimilarityCalibration:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return SimilarityCalibration(**values)


def _share_below(at_quantiles: tuple[float, ...], distance: float) -> float:
    return float(np.interp(distance, at_quantiles, QUANTILES, left=0.0, right=1.0))
