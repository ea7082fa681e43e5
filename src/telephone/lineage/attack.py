"""Typographic attack: the name of another thing is printed on a picture; does CLIP then see what the word says?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import to_rgb
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import read_picture
from telephone.lineage.labelled import one_thing_scenes
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import Threshold, judge_difference, share_estimate
from telephone.lineage.zero_shot import Floats, best_scores, class_sentences, embed
from telephone.world import Scene
from telephone.world.layout import cell_of, layout
from telephone.world.lettering import Label, label_size, print_label
from telephone.world.scene import KINDS

TEMPLATES = ("A {colour} {}.",)
"""Sentences of the classes; the nearest of them counts."""
SIDE = 64
"""Letters are as large as on pictures of this side; on larger ones they are enlarged by whole factors."""
EFFECT = 0.1
"""Share of pictures that the words have to rename for the claim to hold."""
SHOWN = 6
_PAPER = (255, 255, 255)


@dataclass(frozen=True)
class AttackOptions:
    """Options of `telephone lineage attack`."""

    picture: Path | None = None
    """A picture of your own in place of rendered ones; needs a word."""
    word: str = ""
    """Print this word, in Latin letters; empty prints the name of another kind on each picture."""
    n: int = 96
    """Rendered pictures of one painted thing."""
    held_out: bool = True
    """Whether the things are in colours that they never have in training; else in others."""
    model: str = "pocket/clip"
    """Address of an embedder of texts and pictures."""
    seed: int = 0
    """Another seed gives other pictures and words."""


@dataclass(frozen=True)
class AttackSet:
    """Pictures of one thing each, the same with a blank label and with a word."""

    kinds: list[str]
    words: list[str]
    """Each is another kind than that of the picture, unless one word was asked for."""
    clean: list[Image.Image]
    blank: list[Image.Image]
    """With an empty label in the place of the word: what the label covers is covered here too."""
    printed: list[Image.Image]


@dataclass(frozen=True)
class AttackOutcome:
    """What a model says of an `AttackSet`; 1 or 0 for each picture."""

    right: dict[str, Floats]
    """By `clean`, `blank` and `printed`: whether the class is the kind of the thing."""
    word: dict[str, Floats]
    """Whether the class is the word."""
    said: dict[str, list[str]]
    """The class itself."""


def with_label(image: Image.Image, word: str, low: bool, blank: bool = False) -> Image.Image:
    """Returns a picture, RGB, with a word on white paper in the middle of its upper or lower edge.

    Args:
        image: of any size and mode.
        word: Latin letters and spaces.
        low: whether the lower edge is meant.
        blank: leaves out the ink.

    Raises:
        UsageError: the word has other letters, or it is wider than the picture.
    """
    pixels = np.array(to_rgb(image), dtype=np.uint8)
    height, width = pixels.shape[:2]
    factor = max(1, min(height, width) // SIDE)
    try:
        across, down = label_size(word)
        area = np.zeros((down, across, 3), np.uint8)
        label = print_label(area, Label(word, ink=_PAPER if blank else (0, 0, 0), paper=_PAPER))
    except ValueError as error:
        raise UsageError(f"The word cannot be printed: {error}.") from error
    label = label.repeat(factor, axis=0).repeat(factor, axis=1)
    if label.shape[1] > width or label.shape[0] > height:
        raise UsageError(f"{word!r} needs {label.shape[1]} x {label.shape[0]} pixels: give a shorter word.")
    left, top = (width - label.shape[1]) // 2, height - label.shape[0] if low else 0
    pixels[top : top + label.shape[0], left : left + label.shape[1]] = label
    return Image.fromarray(pixels)


def free_edge(scene: Scene) -> bool:
    """Returns whether the lower edge of a scene of one thing is further from the thing than the upper one."""
    _, row = cell_of(layout(scene)[0])
    return row == 0


def attack_set(
    context: LineageContext, n: int, held_out: bool, seed: int = 0, word: str = "", kinds: Sequence[str] = KINDS
) -> AttackSet:
    """Returns rendered pictures with labels at the edge that is further from the thing.

    Args:
        context: renders.
        n: how many pictures.
        held_out: as in `one_thing_scenes`.
        seed: chooses pictures and words.
        word: printed on all of them; empty for another kind on each.
        kinds: of the things, and the words.

    Raises:
        UsageError: n is below 1, or the word cannot be printed.
    """
    scenes = one_thing_scenes(n, held_out, seed, kinds)
    images = context.pictures(scenes)
    own = [scene.things[0].kind for scene in scenes]
    words = [word or _other_kind(kind, kinds, seed, number) for number, kind in enumerate(own)]
    labels = list(zip(images, words, map(free_edge, scenes), strict=True))
    blank = [with_label(image, said, low, blank=True) for image, said, low in labels]
    return AttackSet(own, words, images, blank, [with_label(image, said, low) for image, said, low in labels])


def _other_kind(kind: str, kinds: Sequence[str], seed: int, number: int) -> str:
    random = np.random.default_rng(derive("printed word", seed, number))
    return str(random.choice([each for each in kinds if each != kind]))


def attack_outcome(context: LineageContext, model: str, given: AttackSet, classes: Sequence[str]) -> AttackOutcome:
    """Classifies all pictures of an `AttackSet`.

    Raises:
        UsageError: the model cannot read a class.
        WeightsError: the weights of the model are not installed.
    """
    sentences = class_sentences(context, model, classes, TEMPLATES)
    said = {}
    for name, images in (("clean", given.clean), ("blank", given.blank), ("printed", given.printed)):
        best = best_scores(embed(context, model, images), sentences.vectors).argmax(1)
        said[name] = [sentences.classes[int(index)] for index in best]
    return AttackOutcome(
        {name: _equal(own, given.kinds) for name, own in said.items()},
        {name: _equal(own, given.words) for name, own in said.items()},
        said,
    )


def _equal(said: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float64]:
    return np.array([one.lower() == other.lower() for one, other in zip(said, wanted, strict=True)], np.float64)


def run(context: LineageContext, options: AttackOptions) -> OperationResult:
    """Prints words on pictures and classifies them before and after.

    Raises:
        UsageError: an option cannot be used.
        WeightsError: the weights of the model are not installed.
    """
    word = " ".join(options.word.split())
    if options.word and not word:
        raise UsageError("The word is empty: give Latin letters, or leave it out.")
    if options.picture is not None:
        return _own_picture(context, options, word)
    given = attack_set(context, options.n, options.held_out, options.seed, word)
    classes = KINDS if not word or word.lower() in KINDS else (*KINDS, word)
    found = attack_outcome(context, options.model, given, classes)
    decision = judge_difference(
        "pictures named by the word, printed minus blank label", found.word["printed"], found.word["blank"],
        Threshold(EFFECT), "pictures",
    )  # fmt: skip
    measures = [
        *(share_estimate(f"named by the word, {_WORDS[name]}", values) for name, values in found.word.items()),
        *(share_estimate(f"named by the thing, {_WORDS[name]}", values) for name, values in found.right.items()),
    ]
    return OperationResult(
        "attack",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(attack_strips(given, found)),
        notes=(
            "A blank label covers as much as a word does: only the difference of the two is the word's effect.",
            "pocket/clip has never seen letters; the variants that have are those of `telephone lineage causes`.",
        ),
    )


_WORDS = {"clean": "no label", "blank": "blank label", "printed": "printed word"}


def attack_strips(given: AttackSet, found: AttackOutcome, title: str = "") -> list[Strip]:
    """Returns the first pictures with words, and what they are called."""
    cells = []
    for number, image in list(enumerate(given.printed))[:SHOWN]:
        said = found.said["printed"][number]
        note = f"{found.said['clean'][number]} without a label"
        how = "the word" if found.word["printed"][number] else "right" if found.right["printed"][number] else "neither"
        cells.append(Cell(image, f"{said}: {how}", None, note))
    return [Strip(tuple(cells), title or "what the picture is called with the word")]


def _own_picture(context: LineageContext, options: AttackOptions, word: str) -> OperationResult:
    """Returns the scores of a picture with and without a word; its truth is not known, so nothing is judged."""
    assert options.picture is not None
    if not word:
        raise UsageError("A picture of your own needs a word: give --word.")
    image = read_picture(options.picture)
    images = {name: with_label(image, word, True, name == "blank") for name in ("blank", "printed")}
    images = {"clean": image, **images}
    classes = KINDS if word.lower() in KINDS else (*KINDS, word)
    sentences = class_sentences(context, options.model, classes, TEMPLATES)
    scores = best_scores(embed(context, options.model, list(images.values())), sentences.vectors)
    at = [name.lower() for name in sentences.classes].index(word.lower())
    said = [sentences.classes[int(row.argmax())] for row in scores]
    cells = [
        Cell(own, _WORDS[name], None, f"{called}; {word} {row[at]:.3f}")
        for (name, own), called, row in zip(images.items(), said, scores, strict=True)
    ]
    change = Estimate(f"cosine with {word!r}, printed minus blank label", float(scores[2, at] - scores[1, at]), n=1)
    reason = "One picture decides nothing: leave it out to measure the attack."
    return OperationResult("attack", Verdict.UNDECIDED, reason, (change,), (Strip(tuple(cells), word),))


OPERATION = Operation(
    "attack",
    "Typographic attack",
    "Goh et al. 2021, Multimodal Neurons in Artificial Neural Networks, Distill, section on typographic attacks",
    "A printed word makes CLIP see what the word says.",
    "clip",
    AttackOptions,
    run,
)
