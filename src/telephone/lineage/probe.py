"""Linear probes on CLIP's image vectors, by the number of labelled pictures a class, against zero-shot classification.

The probe is the logistic regression of Radford et al. (2021, section 3.2) with an L2 penalty, fitted by L-BFGS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import check_numbers
from telephone.lineage.labelled import LabelledPictures, labelled_pictures
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, OperationResult, Strip
from telephone.lineage.verdicts import Decision, Threshold, judge_difference, share_estimate
from telephone.lineage.zero_shot import TEMPLATES, Floats, best_scores, class_sentences, embed, right_ones
from telephone.world.scene import KINDS

PENALTY = 1e-3
"""Weight of the squared weights beside the mean cross-entropy, for vectors with unit variance."""
MOST_SHOTS = 64
EQUAL_TO = 4
"""Labelled pictures a class whose probe zero-shot CLIP equals in the paper (figure 6)."""
MARGIN = 0.05
"""Accuracy that zero-shot may be worse and still count as equal."""
SHOWN = 8


@dataclass(frozen=True)
class ProbeOptions:
    """Options of `telephone lineage probe`."""

    shots: tuple[str, ...] = ("1", "2", "4", "8", "16")
    """Labelled pictures a class, 1 to 64; each probe learns from the first of them."""
    n: int = 96
    """Test pictures with trained pairs of kind and colour, and as many with held-out pairs."""
    model: str = "pocket/clip"
    """Address of an embedder of texts and pictures."""
    seed: int = 0
    """Another seed gives other pictures."""


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier of vectors."""

    weights: Floats
    """[classes, d]"""
    bias: Floats
    """[classes]"""
    centre: Floats
    """[d], the mean of the vectors that it learned from."""
    spread: float
    """Their root mean square distance in a coordinate."""

    def scores(self, vectors: Floats) -> Floats:
        """Returns logits [n, classes] of vectors [n, d]."""
        logits: Floats = (vectors - self.centre) / self.spread @ self.weights.T + self.bias
        return logits


def fit_probe(vectors: Floats, labels: Sequence[int] | NDArray[np.int64], classes: int, penalty: float) -> LinearProbe:
    """Returns the logistic regression with the smallest mean cross-entropy plus penalty.

    Args:
        vectors: [n, d].
        labels: one a vector, 0 to classes - 1.
        classes: how many there are, 2 or more.
        penalty: weight of half of the squared weights; above 0, so that the minimum is a single point.

    Raises:
        ValueError: there are no vectors, a label is out of range, or the penalty is not above 0.
    """
    own, target = np.asarray(vectors, np.float64), np.asarray(labels, np.int64)
    if not len(own) or len(own) != len(target) or target.min() < 0 or target.max() >= classes or penalty <= 0:
        raise ValueError("Give one label from 0 to classes - 1 for each vector, and a penalty above 0.")
    centre = own.mean(0)
    spread = float(np.sqrt(((own - centre) ** 2).mean())) or 1.0
    x = (own - centre) / spread
    width, wanted = x.shape[1], np.eye(classes)[target]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights, bias = flat[: classes * width].reshape(classes, width), flat[classes * width :]
        logs = log_softmax(x @ weights.T + bias, axis=1)
        apart = (np.exp(logs) - wanted) / len(x)
        slope = np.concatenate([(apart.T @ x + penalty * weights).ravel(), apart.sum(0)])
        return float(-(logs * wanted).sum() / len(x) + penalty / 2 * (weights**2).sum()), slope

    found = minimize(loss, np.zeros(classes * (width + 1)), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    weights = found.x[: classes * width].reshape(classes, width)
    return LinearProbe(weights, found.x[classes * width :], centre, spread)


def run(context: LineageContext, options: ProbeOptions) -> OperationResult:
    """Fits a probe for each number of labelled pictures a class and classifies the same pictures without any.

    Raises:
        UsageError: a number of pictures is out of range, or the model cannot read a class.
        WeightsError: the weights of the model are not installed.
    """
    shots = _shots(options.shots)
    tests = {
        name: labelled_pictures(context, options.n, held, options.seed)
        for name, held in (("trained pairs", False), ("held-out pairs", True))
    }
    learned = labelled_pictures(context, max(shots) * len(KINDS), False, options.seed + 2_000_003)
    vectors, labels = embed(context, options.model, learned.images), [KINDS.index(kind) for kind in learned.kinds]
    seen = {name: embed(context, options.model, given.images) for name, given in tests.items()}
    sentences = class_sentences(context, options.model, KINDS, TEMPLATES).vectors
    right: dict[str, dict[int, Floats]] = {name: {} for name in tests}
    for name, given in tests.items():
        right[name][0] = right_ones(best_scores(seen[name], sentences), KINDS, given.kinds)
    probe: LinearProbe | None = None
    for done, count in enumerate(shots):
        context.progress(done, len(shots), "probes fitted")
        # Kinds take turns, so the first `count` of every kind are the first pictures.
        few = count * len(KINDS)
        probe = fit_probe(vectors[:few], labels[:few], len(KINDS), PENALTY)
        for name, given in tests.items():
            right[name][count] = right_ones(probe.scores(seen[name]), KINDS, given.kinds)
    assert probe is not None
    return _result(right, shots, tests, {name: probe.scores(own) for name, own in seen.items()})


def _shots(given: tuple[str, ...]) -> list[int]:
    numbers = check_numbers(given, 1, MOST_SHOTS, "number of labelled pictures")
    if any(number != int(number) for number in numbers):
        raise UsageError(f"A number of labelled pictures in {', '.join(given)} is no whole number.")
    return sorted(map(int, numbers))


def _result(
    right: dict[str, dict[int, Floats]],
    shots: list[int],
    tests: dict[str, LabelledPictures],
    scores: dict[str, Floats],
) -> OperationResult:
    decision = _decide(right["trained pairs"], shots)
    measures = [share_estimate(f"accuracy, zero-shot, {name}", own[0]) for name, own in right.items()]
    measures += [
        share_estimate(f"accuracy, probe of {shots[-1]} a class, {name}", own[shots[-1]]) for name, own in right.items()
    ]
    return OperationResult(
        "probe",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(_strip(name, tests[name], scores[name], shots[-1]) for name in tests),
        {"Accuracy by labelled pictures a class (0: zero-shot)": _rows(right)},
        notes=(
            "The probes learn from pictures with trained pairs of kind and colour alone.",
            f"Zero-shot: the nearest of the sentences of {len(TEMPLATES)} templates.",
        ),
    )


def _decide(right: dict[int, Floats], shots: list[int]) -> Decision:
    count = min(shots, key=lambda each: (abs(each - EQUAL_TO), each))
    name = f"accuracy, zero-shot minus probe of {count} a class, trained pairs"
    return judge_difference(name, right[0], right[count], Threshold(-MARGIN), "pictures")


def _rows(right: dict[str, dict[int, Floats]]) -> list[dict[str, Any]]:
    rows = []
    for name, own in right.items():
        for count, values in own.items():
            found = share_estimate(name, values)
            row = {"labelled pictures a class": count, "pictures": name, "accuracy": found.value}
            rows.append(row | {"low": found.low, "high": found.high})
    return rows


def _strip(name: str, given: LabelledPictures, scores: Floats, count: int) -> Strip:
    cells = []
    for image, kind, row in list(zip(given.images, given.kinds, scores, strict=True))[:SHOWN]:
        found = KINDS[int(row.argmax())]
        cells.append(Cell(image, f"{found}: right" if found == kind else f"{found}, not {kind}"))
    return Strip(tuple(cells), f"{name}, probe of {count} a class")


OPERATION = Operation(
    "probe",
    "A linear probe against no labels at all",
    "Radford et al. 2021, arXiv 2103.00020, section 3.1.5, figure 6",
    f"Zero-shot CLIP equals (within {MARGIN:.0%}) a linear probe on its vectors of {EQUAL_TO} labelled images a class.",
    "clip",
    ProbeOptions,
    run,
)
