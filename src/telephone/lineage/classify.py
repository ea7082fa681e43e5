"""Zero-shot classification by CLIP: classes of one's own, sentences of templates, the accuracy of each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import read_picture
from telephone.lineage.labelled import LabelledPictures, labelled_pictures, one_thing_scenes
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import Threshold, judge_difference, mean_estimate, share_estimate
from telephone.lineage.zero_shot import (
    SINGLE,
    TEMPLATES,
    ClassSentences,
    Floats,
    best_scores,
    centred_scores,
    class_sentences,
    embed,
    margins,
    mean_scores,
    right_ones,
)
from telephone.world.scene import KINDS

WAYS = ("mean of the sentences", "nearest sentence", "nearest sentence, centred")
"""How the sentences of a class are joined; the first one is the paper's."""
CENTRE = 64
"""Other pictures, whose mean vector is the centre."""
BARS = 5
"""Classes that are shown for a picture."""
SHOWN = 8


@dataclass(frozen=True)
class ClassifyOptions:
    """Options of `telephone lineage classify`."""

    picture: Path | None = None
    """A picture of your own in place of rendered ones: its classes are shown, and no accuracy."""
    classes: tuple[str, ...] = KINDS
    """Names of the classes; one that is given twice counts once."""
    templates: tuple[str, ...] = TEMPLATES
    """Sentences with {} for the class, and {colour} for each colour in turn."""
    n: int = 96
    """Rendered pictures of one painted thing with trained pairs of kind and colour, and as many with held-out pairs."""
    model: str = "pocket/clip"
    """Address of an embedder of texts and pictures."""
    seed: int = 0
    """Another seed gives other pictures."""


def run(context: LineageContext, options: ClassifyOptions) -> OperationResult:
    """Classifies pictures with each template and with all of them.

    Raises:
        UsageError: an option cannot be used, or the model cannot read a class.
        WeightsError: the weights of the model are not installed.
    """
    sentences = class_sentences(context, options.model, options.classes, options.templates)
    if options.picture is not None:
        return _own_picture(context, options, sentences)
    kinds = [name.lower() for name in sentences.classes if name.lower() in KINDS]
    if not kinds:
        raise UsageError("No class is a kind of the world, so nothing is right or wrong: give a picture of your own.")
    sets = {
        name: labelled_pictures(context, options.n, held, options.seed, kinds)
        for name, held in (("trained pairs", False), ("held-out pairs", True))
    }
    centre = _centre(context, options)
    scores = {
        name: scores_by_way(embed(context, options.model, given.images), sentences, centre)
        for name, given in sets.items()
    }
    right = {
        name: {way: right_ones(own, sentences.classes, sets[name].kinds) for way, own in by_way.items()}
        for name, by_way in scores.items()
    }
    return _result(sentences, sets, scores, right)


def scores_by_way(images: Floats, sentences: ClassSentences, centre: Floats | None) -> dict[str, Floats]:
    """Returns [n, classes] for the plain template, for each way to join all sentences, and for each template.

    Args:
        images: [n, d], of unit length.
        sentences: of the classes.
        centre: [d], the mean of other pictures; None leaves the centred way out.
    """
    vectors = sentences.vectors
    found = {WAYS[0]: mean_scores(images, vectors), WAYS[1]: best_scores(images, vectors)}
    if centre is not None:
        found[WAYS[2]] = centred_scores(images, vectors, centre)
    for number, template in enumerate(sentences.templates):
        found[template] = best_scores(images, vectors[:, sentences.template == number])
    return found


def _centre(context: LineageContext, options: ClassifyOptions) -> Floats:
    """Returns the mean vector of pictures with training pairs that are not among those that are classified."""
    scenes = one_thing_scenes(CENTRE, False, options.seed + 1_000_003)
    centre: Floats = embed(context, options.model, context.pictures(scenes)).mean(0)
    return centre


def _result(
    sentences: ClassSentences,
    sets: dict[str, LabelledPictures],
    scores: dict[str, dict[str, Floats]],
    right: dict[str, dict[str, Floats]],
) -> OperationResult:
    trained = right["trained pairs"]
    single = SINGLE if SINGLE in sentences.templates else sentences.templates[0]
    better = max(WAYS, key=lambda way: sum(own[way].sum() for own in right.values()))
    decision = judge_difference(
        f"accuracy, {WAYS[0]} minus {single!r}, trained pairs", trained[WAYS[0]], trained[single], Threshold(0.0),
        "pictures",
    )  # fmt: skip
    measures = [
        share_estimate(f"accuracy, {way}, {name}", right[name][way]) for way in (*WAYS, single) for name in sets
    ]
    apart = margins(scores["trained pairs"][better])
    measures.append(mean_estimate(f"margin of the first class to the second, {better}, trained pairs", apart, "cosine"))
    return OperationResult(
        "classify",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(_strips(sentences, sets, scores, better)),
        {"Accuracy by template": _rows(sentences, right)},
        notes=(
            f"{len(sentences.classes)} classes: guessing is right in {1 / len(sentences.classes):.1%}.",
            "Within a template the nearest of its sentences counts, so {colour} is the colour that fits best.",
            f"Centred: less the mean of all sentences and the mean of {CENTRE} other pictures.",
        ),
    )


def _rows(sentences: ClassSentences, right: dict[str, dict[str, Floats]]) -> list[dict[str, Any]]:
    rows = []
    for way in (*WAYS, *sentences.templates):
        found = {name: share_estimate(way, own[way]) for name, own in right.items() if way in own}
        rows.append({"sentences": way} | {f"accuracy, {name}": each.value for name, each in found.items()})
    return rows


def _strips(
    sentences: ClassSentences,
    sets: dict[str, LabelledPictures],
    scores: dict[str, dict[str, Floats]],
    way: str,
) -> list[Strip]:
    strips = []
    for name, given in sets.items():
        rows = scores[name][way][:SHOWN]
        cells = tuple(
            Cell(image, _verdict(sentences.classes[int(row.argmax())], kind), None, _bars(sentences.classes, row, 2))
            for image, kind, row in zip(given.images, given.kinds, rows, strict=False)
        )
        strips.append(Strip(cells, f"{name}, {way}"))
    return strips


def _verdict(found: str, kind: str) -> str:
    return f"{found}: right" if found.lower() == kind else f"{found}, not {kind}"


def _bars(classes: tuple[str, ...], scores: Floats, most: int) -> str:
    return ", ".join(f"{classes[index]} {scores[index]:.3f}" for index in np.argsort(-scores, kind="stable")[:most])


def _own_picture(context: LineageContext, options: ClassifyOptions, sentences: ClassSentences) -> OperationResult:
    """Returns the classes of a picture; its truth is not known, so nothing is judged."""
    assert options.picture is not None
    image = read_picture(options.picture)
    scores = scores_by_way(embed(context, options.model, [image]), sentences, None)
    first = scores[WAYS[1]][0]
    order = [int(index) for index in np.argsort(-first, kind="stable")]
    rows = [{"class": sentences.classes[at]} | {way: float(scores[way][0, at]) for way in WAYS[:2]} for at in order]
    note = _bars(sentences.classes, first, BARS)
    (scene,) = context.read([image])
    apart = margins(first[None])[0]
    measure = Estimate(
        f"margin of {sentences.classes[order[0]]!r} to the second class",
        None if np.isnan(apart) else float(apart), n=1, unit="cosine",
        note="there is one class" if np.isnan(apart) else "",
    )  # fmt: skip
    return OperationResult(
        "classify",
        Verdict.UNDECIDED,
        "The class of a picture of your own is not known: leave the picture out to measure accuracy.",
        (measure,),
        (Strip((Cell(image, sentences.classes[order[0]], scene, note),), "cosine of the nearest sentence"),),
        {"Classes of the picture": rows[:20]},
    )


OPERATION = Operation(
    "classify",
    "Zero-shot classification",
    "Radford et al. 2021, arXiv 2103.00020, section 3.1.4",
    "The mean vector of many sentences about a class classifies better than one sentence.",
    "clip",
    ClassifyOptions,
    run,
)
