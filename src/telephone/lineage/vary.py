"""Variations of a picture: DDIM with eta above 0 keeps what z_i says and draws the rest again."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import Pictures, check_numbers, chosen_pictures, fact_counts, kept_by_attribute, recall_of
from telephone.lineage.operation import Operation
from telephone.lineage.reconstruct import psnr
from telephone.lineage.result import Cell, OperationResult, Strip
from telephone.lineage.verdicts import Threshold, judge_difference, mean_estimate, share_estimate

SHOWN = 3


@dataclass(frozen=True)
class VaryOptions:
    """Options of `telephone lineage vary`."""

    picture: Path | None = None
    """A picture of your own in place of held-out scenes."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 8
    """Held-out scenes."""
    eta: tuple[str, ...] = ("0", "0.25", "0.5", "1")
    """Shares of fresh noise, 0 to 1; 0 draws the picture again."""
    steps: int = 20
    """Steps of the inversion and of the drawing."""
    model: str = "pocket/dalle-2"
    """Address of the editor."""
    seed: int = 0
    """Another seed gives other variations."""


def run(context: LineageContext, options: VaryOptions) -> OperationResult:
    """Draws variations of pictures with rising eta and compares what is kept.

    Raises:
        UsageError: the picture cannot be used, or an option is out of range.
    """
    etas = check_numbers(options.eta, 0, 1, "eta")
    given = chosen_pictures(context, options.picture, options.level, options.n)
    made = {eta: _variations(context, options, given, eta) for eta in etas}
    kept = {eta: recall_of(context, given.truths, images) for eta, images in made.items()}
    sizes = fact_counts(given.truths)
    changed = {eta: [psnr(a, b) for a, b in zip(given.images, images, strict=True)] for eta, images in made.items()}
    least, most = min(etas), max(etas)
    decision = judge_difference(
        f"facts kept at eta {least:g} minus at eta {most:g}", kept[least], kept[most], Threshold(0.0), "pictures"
    )
    measures = [share_estimate(f"facts kept, eta {eta:g}", kept[eta], sizes) for eta in etas]
    measures += [mean_estimate(f"PSNR against the picture, eta {eta:g}", changed[eta], "dB") for eta in etas]
    return OperationResult(
        "vary",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(_strips(context, given, made)),
        {"What survives": _by_attribute(context, given, made)},
    )


def _variations(context: LineageContext, options: VaryOptions, given: Pictures, eta: float) -> list[Image.Image]:
    ref = f"{options.model}?operation=variation&eta={eta:g}&steps={options.steps}"
    seeds = [derive("variation", options.seed, number) for number in range(len(given.images))]
    return context.edit(ref, given.images, [""] * len(given.images), seeds)


def _by_attribute(
    context: LineageContext, given: Pictures, made: dict[float, list[Image.Image]]
) -> list[dict[str, object]]:
    """Returns a row for each kind of fact: how many of them are kept at each eta."""
    kept = {eta: kept_by_attribute(context, given.truths, images) for eta, images in made.items()}
    facts = next(iter(kept.values()))
    return [
        {"fact": name, "n": len(facts[name])}
        | {f"kept at eta {eta:g}": sum(own[name]) / len(own[name]) for eta, own in kept.items()}
        for name in facts
    ]


def _strips(context: LineageContext, given: Pictures, made: dict[float, list[Image.Image]]) -> list[Strip]:
    strips = []
    for number in range(min(SHOWN, len(given.images))):
        row = [given.images[number], *(images[number] for images in made.values())]
        titles = ["picture", *(f"eta {eta:g}" for eta in made)]
        seen = context.read(row)
        truth = None if given.own else given.truths[number]
        strips.append(Strip(tuple(map(Cell, row, titles, seen)), truth=truth))
    return strips


OPERATION = Operation(
    "vary",
    "Variations of a picture",
    "Ramesh et al. 2022, arXiv 2204.06125, section 3.1",
    "With more noise on the way the variations keep what the CLIP embedding says and differ in the rest.",
    "dalle-2",
    VaryOptions,
    run,
)
