"""Inpainting: a new thing is drawn inside of a mask, and everything else stays as it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.images import to_rgb
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import check_level, fact_counts, read_picture, recalls
from telephone.lineage.new_things import Addition, add_thing, is_there, outside_is_equal
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import Threshold, judge_share, mean_estimate, share_estimate
from telephone.models.editing import prepare_mask

INSERTED = 0.7
"""Share of new things that have to be there for the claim to hold."""
SHOWN = 6


@dataclass(frozen=True)
class InpaintOptions:
    """Options of `telephone lineage inpaint`."""

    picture: Path | None = None
    """A picture of your own in place of held-out scenes; needs --mask and --prompt."""
    mask: Path | None = None
    """The mask of your own picture, of its size: white where it is drawn again."""
    prompt: str = ""
    """What your whole picture is to show."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 24
    """Held-out scenes, each with a new thing in a cell that was empty."""
    model: str = "pocket/glide"
    """Address of an image editor that takes masks."""
    seed: int = 0
    """Another seed gives other things and other drawings."""


def run(context: LineageContext, options: InpaintOptions) -> OperationResult:
    """Draws a new thing into each picture and reads the result.

    Raises:
        UsageError: an option cannot be used, or the editor takes no mask.
        WeightsError: the weights of the editor are not installed.
    """
    if options.picture is not None:
        return _own_picture(context, options)
    if options.mask is not None or options.prompt:
        raise UsageError("A mask and a prompt belong to a picture of your own: give --picture as well.")
    scenes = context.scenes(check_level(options.level), options.n)
    found = [add_thing(scene, options.seed, number) for number, scene in enumerate(scenes)]
    additions = [each for each in found if each is not None]
    if not additions:
        raise UsageError(f"No scene of the level {options.level} has an empty cell: choose an easier one.")
    images = context.pictures([each.before for each in additions])
    masks = [each.mask for each in additions]
    seeds = [derive("inpaint", options.seed, number) for number in range(len(additions))]
    made = context.edit(options.model, images, context.captions([each.after for each in additions]), seeds, masks)
    return _result(additions, images, made, context.read(made))


def _result(
    additions: list[Addition], images: list[Image.Image], made: list[Image.Image], seen: list[world.Scene]
) -> OperationResult:
    there = [float(is_there(each.new, scene)) for each, scene in zip(additions, seen, strict=True)]
    before = [each.before for each in additions]
    masks = [each.mask for each in additions]
    equal = [float(outside_is_equal(*row)) for row in zip(images, made, masks, strict=True)]
    decision = judge_share("new things that are there in their colour", there, Threshold(INSERTED), "pictures")
    measures = [
        share_estimate("old facts kept", recalls(before, seen), fact_counts(before)),
        share_estimate("pictures equal outside of the mask", equal),
        _seam_estimate(images, made, masks),
    ]
    strips = [
        Strip(
            (Cell(image, "picture"), Cell(shown_mask(image, each.mask), "mask"), Cell(edited, "inpainted", scene)),
            world.caption(each.after),
            each.after,
        )
        for each, image, edited, scene in list(zip(additions, images, made, seen, strict=True))[:SHOWN]
    ]
    return OperationResult(
        "inpaint", decision.verdict, decision.reason, (decision.estimate, *measures), tuple(strips),
        notes=("The seam compares steps across the edge of the mask with those of the picture before.",),
    )  # fmt: skip


def seam(image: Image.Image, mask: Image.Image) -> float:
    """Returns the mean difference of neighbours across the edge of a mask, in [0, 255]; NaN if it has no edge."""
    pixels, inside = np.asarray(image.convert("RGB"), np.float64), np.asarray(mask) > 0
    steps = []
    for axis in (0, 1):
        edge = np.diff(inside.astype(np.int8), axis=axis) != 0
        steps.append(np.abs(np.diff(pixels, axis=axis)).mean(-1)[edge])
    found = np.concatenate(steps)
    return float(found.mean()) if found.size else float("nan")


def _seam_estimate(images: list[Image.Image], made: list[Image.Image], masks: list[Image.Image]) -> Estimate:
    apart = [seam(after, mask) - seam(before, mask) for before, after, mask in zip(images, made, masks, strict=True)]
    return mean_estimate("step across the mask's edge, after minus before, of 255", apart)


def shown_mask(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Returns a picture whose masked part is grey."""
    grey = Image.new("RGB", image.size, (128, 128, 128))
    return Image.composite(grey, image.convert("RGB"), mask)


def _own_picture(context: LineageContext, options: InpaintOptions) -> OperationResult:
    assert options.picture is not None
    if options.mask is None or not options.prompt.strip():
        raise UsageError("A picture of your own needs a mask and words for the whole: give --mask and --prompt.")
    image = read_picture(options.picture)
    mask = prepare_mask(to_rgb(read_picture(options.mask)), image.size)
    (made,) = context.edit(options.model, [image], [options.prompt], [derive("inpaint", options.seed)], [mask])
    seen = context.read([image, made])
    cells = (Cell(image, "picture", seen[0]), Cell(shown_mask(image, mask), "mask"), Cell(made, "inpainted", seen[1]))
    reason = "One picture decides nothing: leave it out to measure the claim on held-out scenes."
    equal = share_estimate("equal outside of the mask", [float(outside_is_equal(image, made, mask))])
    return OperationResult("inpaint", Verdict.UNDECIDED, reason, (equal,), (Strip(cells, options.prompt),))


OPERATION = Operation(
    "inpaint",
    "Inpainting",
    "Nichol et al. 2021, arXiv 2112.10741, section 2.5",
    "Trained on masked images, the model draws inside of a mask what the text asks for, and it fits what is around.",
    "glide",
    InpaintOptions,
    run,
)
