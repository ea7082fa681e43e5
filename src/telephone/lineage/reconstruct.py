"""Reconstruction of a picture from (z_i, x_T): unCLIP's two latents together hold everything."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from telephone.core.images import to_array
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import chosen_pictures, fact_counts, recall_of
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, OperationResult, Strip
from telephone.lineage.verdicts import Threshold, judge_mean, share_estimate

DECODED = 32
"""Side of the decoder's pictures, in pixels: fidelity is measured there, before the upsampler."""
SHOWN = 4


@dataclass(frozen=True)
class ReconstructOptions:
    """Options of `telephone lineage reconstruct`."""

    picture: Path | None = None
    """A picture of your own in place of held-out scenes."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 8
    """Held-out scenes."""
    steps: int = 20
    """Steps of the inversion and of the drawing."""
    model: str = "pocket/dalle-2"
    """Address of the editor."""
    seed: int = 0
    """Seed of the upsampler."""


def psnr(first: Image.Image, second: Image.Image, side: int = DECODED) -> float:
    """Returns the peak signal-to-noise ratio of two pictures in dB, both reduced to a square of `side` pixels.

    100 dB stands for pictures without a difference.
    """
    a, b = (to_array(image, side) for image in (first, second))
    error = float(np.mean((a - b) ** 2))
    return 100.0 if error < 4e-10 else float(10 * np.log10(4 / error))


def run(context: LineageContext, options: ReconstructOptions) -> OperationResult:
    """Encodes pictures as (z_i, x_T), draws them again, and compares.

    Raises:
        UsageError: the picture cannot be used, or an option is out of range.
    """
    given = chosen_pictures(context, options.picture, options.level, options.n)
    count = len(given.images)
    seeds = [options.seed] * count
    ref = f"{options.model}?operation=reconstruct&steps={options.steps}"
    both = context.edit(ref, given.images, [""] * count, seeds)
    alone = context.edit(
        f"{options.model}?operation=components&steps={options.steps}", given.images, [""] * count, seeds
    )
    found = [psnr(a, b) for a, b in zip(given.images, both, strict=True)]
    decision = judge_mean("PSNR of the reconstruction", found, Threshold(30.0), "pictures", "dB")
    sizes = fact_counts(given.truths)
    kept = [
        share_estimate(f"facts kept, {name}", recall_of(context, given.truths, images), sizes)
        for name, images in (("(z_i, x_T)", both), ("z_i with other noise", alone), ("true pictures", given.images))
    ]
    return OperationResult(
        "reconstruct",
        decision.verdict,
        decision.reason,
        (decision.estimate, *kept),
        tuple(_strips(context, given.images, both, alone)),
        notes=(
            "The PSNR is that of pictures reduced to 32 x 32 pixels, the size of the decoder.",
            "Facts that the reader misses in the true pictures are errors of the reader.",
        ),
    )


def _strips(
    context: LineageContext, images: list[Image.Image], both: list[Image.Image], alone: list[Image.Image]
) -> list[Strip]:
    rows = list(zip(images, both, alone, strict=True))[:SHOWN]
    seen = [context.read(list(row)) for row in rows]
    titles = ("picture", "from (z_i, x_T)", "from z_i, other noise")
    return [
        Strip(tuple(Cell(image, title, scene) for image, title, scene in zip(row, titles, scenes, strict=True)))
        for row, scenes in zip(rows, seen, strict=True)
    ]


OPERATION = Operation(
    "reconstruct",
    "A picture drawn again from its two latents",
    "Ramesh et al. 2022, arXiv 2204.06125, section 3",
    "The CLIP embedding and the noise found by inverting DDIM together suffice to draw the picture again.",
    "dalle-2",
    ReconstructOptions,
    run,
)
