"""Interpolation between two pictures: slerp of the embeddings, and of the noise as well or one random noise."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import check_level, check_numbers, read_picture
from telephone.lineage.operation import Operation
from telephone.lineage.reconstruct import psnr
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip
from telephone.lineage.verdicts import Threshold, judge_share, mean_estimate, share_estimate
from telephone.world import Scene, atoms, compare

NOISES = {"inverted": "noise interpolated, too", "random": "one random noise"}
SHOWN = 2


@dataclass(frozen=True)
class BetweenOptions:
    """Options of `telephone lineage between`."""

    picture: Path | None = None
    """The first picture, in place of held-out scenes."""
    other: Path | None = None
    """The second picture."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 8
    """Pairs of held-out scenes."""
    theta: tuple[str, ...] = ("0", "0.25", "0.5", "0.75", "1")
    """Shares of the way from the first picture to the second, 0 to 1."""
    steps: int = 12
    """Steps of the inversion and of the drawing."""
    model: str = "pocket/dalle-2"
    """Address of the editor."""
    seed: int = 0
    """Another seed gives another random noise."""


@dataclass(frozen=True)
class _Pair:
    first: Image.Image
    second: Image.Image
    seen: tuple[Scene, Scene]
    """The true scenes, or what the reader sees."""


def run(context: LineageContext, options: BetweenOptions) -> OperationResult:
    """Interpolates between pairs of pictures with both treatments of the noise.

    Raises:
        UsageError: a picture cannot be used or is missing, or an option is out of range.
    """
    thetas = check_numbers(options.theta, 0, 1, "theta")
    pairs = _pairs(context, options)
    made = {noise: _interpolate(context, options, pairs, thetas, noise) for noise in NOISES}
    covered = {noise: _share_explained(context, pairs, rows) for noise, rows in made.items()}
    inner = np.array([0 < theta < 1 for theta in thetas])
    values = np.nanmean(covered["inverted"][:, inner], axis=1) if inner.any() else np.full(len(pairs), np.nan)
    decision = judge_share("facts on the way that one of the ends has", values, Threshold(0.75), "pairs")
    return OperationResult(
        "between",
        decision.verdict,
        decision.reason,
        (decision.estimate, *_measures(pairs, thetas, made, covered)),
        tuple(_strips(context, pairs, thetas, made)),
        notes=("With a random noise the ends are variations of the pictures, not the pictures.",),
    )


def _pairs(context: LineageContext, options: BetweenOptions) -> list[_Pair]:
    if options.picture is None and options.other is None:
        scenes = context.scenes(check_level(options.level), 2 * max(1, options.n), "between")
        images = context.pictures(scenes)
        return [_Pair(images[at], images[at + 1], (scenes[at], scenes[at + 1])) for at in range(0, len(scenes), 2)]
    if options.picture is None or options.other is None:
        raise UsageError("An interpolation needs two pictures: give --picture and --other.")
    images = [read_picture(options.picture), read_picture(options.other)]
    one, two = context.read(images)
    return [_Pair(images[0], images[1], (one, two))]


def _interpolate(
    context: LineageContext, options: BetweenOptions, pairs: list[_Pair], thetas: list[float], noise: str
) -> list[list[Image.Image]]:
    """Returns a row of pictures for each pair, one a theta."""
    columns = []
    seeds = [derive("between", options.seed, number) for number in range(len(pairs))]
    for theta in thetas:
        ref = f"{options.model}?operation=interpolate&theta={theta:g}&noise={noise}&steps={options.steps}"
        first, second = [pair.first for pair in pairs], [pair.second for pair in pairs]
        columns.append(context.edit(ref, first, [""] * len(pairs), seeds, references=second))
    return [list(row) for row in zip(*columns, strict=True)]


def _share_explained(context: LineageContext, pairs: list[_Pair], rows: list[list[Image.Image]]) -> NDArray[np.float64]:
    """Returns the share of the facts that the reader sees in each picture which one of the two ends has."""
    found = np.full((len(rows), len(rows[0])), np.nan)
    for number, (pair, row) in enumerate(zip(pairs, rows, strict=True)):
        for at, seen in enumerate(context.read(row)):
            facts = atoms(seen)
            if facts:
                explained = {fact for scene in pair.seen for fact in compare(seen, scene).kept}
                found[number, at] = len(explained) / len(facts)
    return found


def _measures(
    pairs: list[_Pair],
    thetas: list[float],
    made: dict[str, list[list[Image.Image]]],
    covered: dict[str, NDArray[np.float64]],
) -> list[Estimate]:
    found = []
    for noise, said in NOISES.items():
        for theta, end in ((0.0, "first"), (1.0, "second")):
            if theta in thetas:
                at = thetas.index(theta)
                values = [
                    psnr(pair.first if end == "first" else pair.second, row[at])
                    for pair, row in zip(pairs, made[noise], strict=True)
                ]
                found.append(mean_estimate(f"PSNR of the {end} end, {said}", values, "dB"))
        for at, theta in enumerate(thetas):
            if 0 < theta < 1:
                found.append(
                    share_estimate(f"facts of one of the ends, theta {theta:g}, {said}", covered[noise][:, at])
                )
    return found


def _strips(
    context: LineageContext, pairs: list[_Pair], thetas: list[float], made: dict[str, list[list[Image.Image]]]
) -> list[Strip]:
    strips = []
    for number, pair in enumerate(pairs[:SHOWN]):
        for noise, said in NOISES.items():
            row = [pair.first, *made[noise][number], pair.second]
            titles = ["first picture", *(f"theta {theta:g}" for theta in thetas), "second picture"]
            strips.append(Strip(tuple(map(Cell, row, titles, context.read(row))), said))
    return strips


OPERATION = Operation(
    "between",
    "From one picture to another",
    "Ramesh et al. 2022, arXiv 2204.06125, section 3.2",
    "Spherical interpolation of the embeddings passes through pictures that combine the contents of both ends.",
    "dalle-2",
    BetweenOptions,
    run,
)
