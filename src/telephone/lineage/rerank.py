"""Best of N samples: CLIP picks one of several images of a prompt, and the reader says what the choice is worth.

The choice of an oracle, the sample that keeps most facts, is the most that any ranking can reach with these samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from scipy.stats import rankdata

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import check_level, fact_counts, recall_of
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import Decision, Threshold, judge_difference, mean_estimate, share_estimate
from telephone.models.best_of import candidate_seeds
from telephone.world import Scene

MOST = 64
"""Samples of a prompt, at most."""
SHOWN = 3
"""Prompts that are shown as strips."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RerankOptions:
    """Options of `telephone lineage rerank`."""

    prompt: str = ""
    """Draw this in place of held-out captions."""
    level: str = "medium"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 8
    """Held-out scenes."""
    samples: int = 16
    """Samples of each prompt, 1 to 64; the curve has the powers of two up to it."""
    model: str = "pocket/vqgan-clip"
    """Address of the text-to-image model."""
    ranker: str = "pocket/clip"
    """Address of the embedder that ranks the samples."""
    seed: int = 0
    """Another seed gives other samples."""


@dataclass(frozen=True)
class RankedSamples:
    """Samples of several prompts with the ranker's scores and what the reader sees."""

    texts: list[str]
    truths: list[Scene]
    images: list[list[Image.Image]]
    """A row for each prompt."""
    scores: Floats
    """[prompts, samples]: cosine of image and text."""
    facts: Floats
    """[prompts, samples]: share of the prompt's facts that the reader sees; NaN for a prompt without facts."""


def expected_best(scores: ArrayLike, values: ArrayLike, counts: Sequence[int]) -> Floats:
    """Returns the mean value of the sample with the highest score, over all choices of k of the samples.

    The mean over all subsets has less variance than the choice among the first k, and is as unbiased; pass@k is
    estimated in the same way (Chen et al. 2021, arXiv 2107.03374, eq. 1). Of equal scores each is as likely chosen.

    Args:
        scores: one a sample.
        values: what is averaged, one a sample.
        counts: each k, from 1 to the number of samples.

    Raises:
        ValueError: the numbers of scores and values differ, or a k is out of range.
    """
    ranked, worth = (np.asarray(each, dtype=np.float64).reshape(-1) for each in (scores, values))
    size = len(ranked)
    if worth.shape != ranked.shape or not all(1 <= count <= size for count in counts):
        raise ValueError(f"{size} scores, {len(worth)} values and counts {list(counts)} do not fit together.")
    _, group = np.unique(ranked, return_inverse=True)
    tied = np.bincount(group, worth) / np.bincount(group)
    ordered = tied[np.sort(group)]
    # The sample at position p from below is the best of a subset if all k - 1 others are among the p below it.
    chances = np.array([[comb(below, k - 1) / comb(size, k) for below in range(size)] for k in counts])
    best: Floats = chances @ ordered
    return best


def sample_counts(samples: int) -> list[int]:
    """Returns the powers of two up to the number of samples, and that number itself."""
    return sorted({*(2**power for power in range(samples.bit_length())), samples})


def draw_ranked(context: LineageContext, options: RerankOptions) -> RankedSamples:
    """Draws, scores and reads the samples of every prompt.

    Raises:
        UsageError: an option cannot be used, or the ranker cannot read a prompt.
        WeightsError: the weights of the model, the ranker or the reader are not installed.
    """
    _check(options)
    if options.prompt:
        texts, truths = [options.prompt], [world.parse(options.prompt)]
    else:
        truths = context.scenes(check_level(options.level), options.n)
        texts = context.captions(truths)
    count = options.samples
    # The seeds are those of `best_of` in addresses: the first k samples are the candidates of best_of=k.
    seeds = [
        each
        for number in range(len(texts))
        for each in candidate_seeds(derive("lineage rerank", options.seed, number), count)
    ]
    repeated = [text for text in texts for _ in range(count)]
    images = context.draw(options.model, repeated, seeds)
    goals = np.repeat(_text_vectors(context, options.ranker, texts), count, axis=0)
    scores = (context.embed_images(options.ranker, images) * goals).sum(1, dtype=np.float64)
    facts = recall_of(context, [truth for truth in truths for _ in range(count)], images)
    rows = [images[start : start + count] for start in range(0, len(images), count)]
    return RankedSamples(texts, truths, rows, scores.reshape(-1, count), np.array(facts, np.float64).reshape(-1, count))


def _text_vectors(context: LineageContext, ranker: str, texts: list[str]) -> NDArray[np.float32]:
    vectors = context.embed_texts(ranker, texts)
    unread = [text for text, row in zip(texts, vectors, strict=True) if not row.any()]
    if unread:
        raise UsageError(f"{ranker} knows no word of {unread[0]!r}: give another prompt, or another --ranker.")
    return vectors


def run(context: LineageContext, options: RerankOptions) -> OperationResult:
    """Draws N samples of each prompt and compares one sample, the ranker's choice and the oracle's.

    Raises:
        UsageError: an option cannot be used, or the ranker cannot read a prompt.
        WeightsError: the weights of the model, the ranker or the reader are not installed.
    """
    drawn = draw_ranked(context, options)
    counts = sample_counts(options.samples)
    ways = {"ranker": drawn.scores, "oracle": drawn.facts}
    curves = {
        name: np.array([expected_best(*row, counts) for row in zip(scores, drawn.facts, strict=True)])
        for name, scores in ways.items()
    }
    decision = _decide(drawn, curves["ranker"], options)
    sizes = fact_counts(drawn.truths)
    last = counts[-1]
    measures = [
        share_estimate("facts kept, one sample", drawn.facts.mean(1), sizes),
        share_estimate(f"facts kept, ranker's choice of {last}", curves["ranker"][:, -1], sizes),
        share_estimate(f"facts kept, oracle's choice of {last}", curves["oracle"][:, -1], sizes),
        mean_estimate("rank correlation of score and facts within a prompt", _correlations(drawn)),
    ]
    return OperationResult(
        "rerank",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(_strips(context, drawn)),
        {"Facts kept by number of samples": _curve_rows(curves, counts, sizes)},
        notes=_notes(drawn),
    )


def _check(options: RerankOptions) -> None:
    if options.prompt and not options.prompt.strip():
        raise UsageError("The prompt is empty: give words, or leave it out to draw held-out captions.")
    if not 1 <= options.samples <= MOST:
        raise UsageError(f"samples is {options.samples}: give a number from 1 to {MOST}.")


def _decide(drawn: RankedSamples, best: Floats, options: RerankOptions) -> Decision:
    name = f"facts kept, choice of {options.samples} by {options.ranker} minus one sample"
    found = judge_difference(name, best[:, -1], drawn.facts.mean(1), Threshold(0.0), "prompts")
    if options.samples == 1:
        return Decision(Verdict.UNDECIDED, "One sample leaves nothing to choose: raise --samples.", found.estimate)
    if options.prompt:
        reason = "One prompt decides nothing: leave it out to measure the claim on held-out captions."
        return Decision(Verdict.UNDECIDED, reason, found.estimate)
    return found


def _correlations(drawn: RankedSamples) -> Floats:
    """Returns Spearman's correlation for each prompt; NaN where all scores or all shares are equal."""
    found = []
    for scores, facts in zip(drawn.scores, drawn.facts, strict=True):
        one, other = (rankdata(each) - (len(each) + 1) / 2 for each in (scores, facts))
        size = float(np.sqrt((one @ one) * (other @ other)))
        known = size > 0 and not np.isnan(facts).any()
        found.append(float(one @ other) / size if known else float("nan"))
    return np.array(found)


def _curve_rows(curves: dict[str, Floats], counts: Sequence[int], sizes: list[float]) -> list[dict[str, Any]]:
    rows = []
    for name, values in curves.items():
        for column, count in enumerate(counts):
            found: Estimate = share_estimate(name, values[:, column], sizes)
            rows.append(
                {"samples": count, "chosen by": name, "facts kept": found.value, "low": found.low, "high": found.high}
            )
    return rows


def _strips(context: LineageContext, drawn: RankedSamples) -> list[Strip]:
    """Returns for each shown prompt the first sample, the choices of ranker and oracle, and the ranker's last one."""
    strips = []
    for text, truth, images, scores, facts in list(
        zip(drawn.texts, drawn.truths, drawn.images, drawn.scores, drawn.facts, strict=True)
    )[:SHOWN]:
        chosen = {"first": 0, "ranker's choice": int(scores.argmax())}
        if not np.isnan(facts).any():
            chosen["oracle's choice"] = int(facts.argmax())
        chosen["ranker's last"] = int(scores.argmin())
        seen = context.read([images[index] for index in chosen.values()])
        cells = [
            Cell(images[index], title, scene, f"score {scores[index]:.3f}")
            for (title, index), scene in zip(chosen.items(), seen, strict=True)
        ]
        strips.append(Strip(tuple(cells), text, truth if world.atoms(truth) else None))
    return strips


def _notes(drawn: RankedSamples) -> tuple[str, ...]:
    notes = ["Each value is the mean over all choices of that many of the samples."]
    alike = sum(len({image.tobytes() for image in row}) == 1 for row in drawn.images)
    if alike and drawn.scores.shape[1] > 1:
        notes.append(f"The samples of {alike} of {len(drawn.images)} prompts are equal to each other.")
    if np.isnan(drawn.facts).all():
        notes.append("No fact could be read from the prompt, so that only the ranker's score is known.")
    return tuple(notes)


OPERATION = Operation(
    "rerank",
    "The best of N samples",
    "Ramesh et al. 2021, arXiv 2102.12092, section 2.6",
    "The sample that CLIP ranks highest matches its caption better than a single sample does.",
    "dalle-1",
    RerankOptions,
    run,
)
