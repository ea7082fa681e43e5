"""Attribute binding: does CLIP prefer the right caption to one with swapped attributes, and does a drawer keep them?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip
from telephone.lineage.verdicts import Threshold, judge_share, share_estimate
from telephone.lineage.zero_shot import Floats
from telephone.world import Scene, Thing
from telephone.world.scene import COLOURS, KINDS, SETTINGS

SWAPS = ("colour", "place", "kind")
"""What two things of a caption exchange; swapped kinds are swapped colours and places at once."""
BOUND = 0.75
"""Share of right choices between chance (one half) and always, below which attributes count as not bound."""
PLACES = ("left", "right", "middle")
MOST_THINGS = 3
SHOWN = 3


@dataclass(frozen=True)
class BindOptions:
    """Options of `telephone lineage bind`."""

    prompt: str = ""
    """Draw this sentence of two things or more in place of held-out ones, and compare its swapped sentences."""
    things: int = 2
    """Things in a scene, 2 or 3; every two of them are swapped."""
    n: int = 60
    """Scenes in which CLIP chooses between captions."""
    drawn: int = 12
    """The first of them, which are drawn; 0 draws none."""
    model: str = "pocket/clip"
    """Address of an embedder of texts and pictures."""
    drawer: str = "pocket/dalle-2"
    """Address of a text-to-image model."""
    seed: int = 0
    """Another seed gives other scenes and drawings."""


@dataclass(frozen=True)
class SwapScores:
    """The right caption of a picture against one with a swap."""

    swap: str
    """One of `SWAPS`."""
    scene: int
    """Number of the scene."""
    right: float
    """Cosine of the picture with its caption."""
    swapped: float
    """Cosine with the caption after the swap."""


@dataclass(frozen=True)
class DrawnColours:
    """What became of the colours of one drawn scene."""

    right: float
    """Share of things that are there in their own colour."""
    swapped: float
    """Share of things that are there in the colour of another thing of the sentence."""
    lost: float
    """Share of things whose kind is not there."""


def binding_scenes(n: int, things: int, seed: int = 0) -> list[Scene]:
    """Returns scenes of things with different kinds, colours and places; one pair of kind and colour is held out.

    Raises:
        UsageError: n is below 1, or there are not 2 or 3 things.
    """
    if n < 1:
        raise UsageError(f"n is {n}: ask for at least one scene.")
    if not 2 <= things <= MOST_THINGS:
        raise UsageError(f"things is {things}: give 2 or {MOST_THINGS}.")
    found: list[Scene] = []
    for number in range(n):
        random = np.random.default_rng(derive("binding", seed, things, number))
        kinds = [str(kind) for kind in random.choice(KINDS, things, replace=False)]
        first = next(colour for colour in COLOURS if world.held_out(kinds[0], colour))
        others = [str(colour) for colour in random.permutation([each for each in COLOURS if each != first])]
        facts = zip(kinds, [first, *others][:things], PLACES[:things], strict=True)
        row = [Thing(kind, colour, place=place) for kind, colour, place in facts]
        found.append(Scene(str(random.choice(SETTINGS)), things=tuple(row)))
    return found


def swapped(scene: Scene, one: int, other: int, swap: str) -> Scene:
    """Returns the scene in which two things have exchanged an attribute.

    Args:
        scene: with both things.
        one: index of a thing.
        other: index of another thing.
        swap: one of `SWAPS`.
    """
    first, second = scene.things[one], scene.things[other]
    things = list(scene.things)
    things[one] = replace(first, **{swap: getattr(second, swap)})
    things[other] = replace(second, **{swap: getattr(first, swap)})
    return replace(scene, things=tuple(things))


def all_swaps(scene: Scene) -> list[tuple[str, Scene]]:
    """Returns every swap of an attribute in which two things differ, with the scene after it."""
    return [
        (swap, swapped(scene, one, other, swap))
        for one, other in combinations(range(len(scene.things)), 2)
        for swap in SWAPS
        if getattr(scene.things[one], swap) != getattr(scene.things[other], swap)
    ]


def swap_scores(
    context: LineageContext, model: str, scenes: Sequence[Scene], images: Sequence[Image.Image]
) -> list[SwapScores]:
    """Returns the scores of every swap of every scene.

    Args:
        context: embeds.
        model: address of an embedder of texts and pictures.
        scenes: the truths.
        images: one a scene.
    """
    vectors = context.embed_images(model, images).astype(np.float64)
    swaps = [(number, swap, other) for number, scene in enumerate(scenes) for swap, other in all_swaps(scene)]
    right = context.embed_texts(model, context.captions(scenes)).astype(np.float64)
    wrong = context.embed_texts(model, context.captions([other for _, _, other in swaps])).astype(np.float64)
    return [
        SwapScores(swap, number, float(vectors[number] @ right[number]), float(vectors[number] @ row))
        for (number, swap, _), row in zip(swaps, wrong, strict=True)
    ]


def share_right(scores: Sequence[SwapScores], count: int, swap: str) -> Floats:
    """Returns for each scene the share of swaps in which the right caption scores higher; a tie counts half.

    NaN for a scene without this swap.
    """
    found: list[list[float]] = [[] for _ in range(count)]
    for each in scores:
        if each.swap == swap:
            found[each.scene].append(0.5 if each.right == each.swapped else float(each.right > each.swapped))
    return np.array([np.mean(own) if own else np.nan for own in found])


def drawn_colours(truth: Scene, seen: Scene) -> DrawnColours:
    """Returns what became of the colours of a scene in what was seen of its drawing.

    Each thing that is seen serves one thing of the truth; right ones are taken first.
    """
    free = [(thing.kind, thing.colour) for thing in seen.things]
    colours = {thing.colour for thing in truth.things}
    right = exchanged = lost = 0
    for thing in truth.things:
        if (thing.kind, thing.colour) in free:
            free.remove((thing.kind, thing.colour))
            right += 1
            continue
        own = [colour for kind, colour in free if kind == thing.kind]
        lost += not own
        exchanged += bool(own) and any(colour in colours for colour in own)
    many = len(truth.things)
    return DrawnColours(right / many, exchanged / many, lost / many)


def run(context: LineageContext, options: BindOptions) -> OperationResult:
    """Compares captions and swapped captions, and draws some of the captions.

    Raises:
        UsageError: an option cannot be used, or the prompt has fewer than two things that differ.
        WeightsError: the weights of a model are not installed.
    """
    if not options.drawn >= 0:
        raise UsageError(f"drawn is {options.drawn}: give 0 or more.")
    scenes = [_own_scene(options.prompt)] if options.prompt else binding_scenes(options.n, options.things, options.seed)
    images = context.pictures(scenes)
    scores = swap_scores(context, options.model, scenes, images)
    right = {swap: share_right(scores, len(scenes), swap) for swap in SWAPS}
    decision = judge_share(
        "right caption scored above the one with swapped colours", right["colour"], Threshold(BOUND, False), "scenes"
    )
    measures = [share_estimate(f"right caption above the one with swapped {swap}s", right[swap]) for swap in SWAPS[1:]]
    strips, rows = [_caption_strip(context, scenes, images, scores)], _rows(right)
    if options.drawn:
        texts = [options.prompt] if options.prompt else context.captions(scenes[: options.drawn])
        truths = scenes[: len(texts)]
        seeds = [derive("binding drawn", options.seed, number) for number in range(len(texts))]
        drawings = context.draw(options.drawer, texts, seeds)
        seen = context.read(drawings)
        measures += _drawn_measures(options.drawer, truths, seen)
        shown = list(zip(images, drawings, seen, texts, truths, strict=False))[:SHOWN]
        strips += [
            Strip((Cell(true, "true picture"), Cell(drawing, options.drawer, own)), text, truth)
            for true, drawing, own, text, truth in shown
        ]
    return OperationResult(
        "bind",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(strips),
        {"Right caption scored higher": rows},
        notes=("Chance is one half. Every picture is a true rendering, every swapped caption is false.",),
    )


def _own_scene(prompt: str) -> Scene:
    scene = world.parse(prompt)
    if not any(swap == "colour" for swap, _ in all_swaps(scene)):
        raise UsageError(
            "The prompt has no two things in different colours: write two, as in 'a red apple and a blue boat'."
        )
    return scene


def _drawn_measures(drawer: str, truths: Sequence[Scene], seen: Sequence[Scene]) -> list[Estimate]:
    found = [drawn_colours(truth, own) for truth, own in zip(truths, seen, strict=True)]
    sizes = [float(len(truth.things)) for truth in truths]
    named = {
        "in their own colour": [each.right for each in found],
        "in the colour of another thing": [each.swapped for each in found],
        "lost": [each.lost for each in found],
    }
    return [share_estimate(f"things drawn by {drawer} {said}", values, sizes) for said, values in named.items()]


def _rows(right: dict[str, Floats]) -> list[dict[str, Any]]:
    rows = []
    for swap, values in right.items():
        found = share_estimate(swap, values)
        rows.append({"swapped": swap, "right": found.value, "low": found.low, "high": found.high, "n": found.n})
    return rows


def _caption_strip(
    context: LineageContext, scenes: Sequence[Scene], images: Sequence[Image.Image], scores: Sequence[SwapScores]
) -> Strip:
    cells = []
    for number, image in list(enumerate(images))[: 2 * SHOWN]:
        own = next(each for each in scores if each.scene == number and each.swap == "colour")
        note = f"{own.right:.3f} right, {own.swapped:.3f} with swapped colours"
        title = " and ".join(f"{thing.colour or ''} {thing.kind}".strip() for thing in scenes[number].things)
        cells.append(Cell(image, title, None, note))
    return Strip(tuple(cells), "score of the caption and of the caption with swapped colours")


OPERATION = Operation(
    "bind",
    "Which attribute belongs to which thing",
    "Ramesh et al. 2022, arXiv 2204.06125, section 7",
    "CLIP's embedding does not bind attributes to objects: a caption with swapped attributes fits an image as well.",
    "clip",
    BindOptions,
    run,
)
