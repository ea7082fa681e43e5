"""An image as discrete codes and back: what the dVAE of DALL-E 1 loses, beside other codes."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import chosen_pictures, fact_counts, recalls
from telephone.lineage.operation import Operation
from telephone.lineage.reconstruct import psnr
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip
from telephone.lineage.verdicts import Threshold, judge_share, mean_estimate, share_estimate
from telephone.world import Scene

SIDE = 64
"""Side of the images that are compared, in pixels."""
SHOWN = 4
KEPT = 0.95
"""Facts that a reconstruction keeps if nothing of the content is lost."""


@dataclass(frozen=True)
class TokensOptions:
    """Options of `telephone lineage tokens`."""

    picture: Path | None = None
    """A picture of your own in place of held-out scenes."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 16
    """Held-out scenes."""
    models: tuple[str, ...] = ("pocket/dalle-1?operation=reconstruct", "pocket/vqgan-clip?steps=0")
    """Addresses of editors that return the image through their codes; the first one is judged."""


def run(context: LineageContext, options: TokensOptions) -> OperationResult:
    """Encodes pictures as codes, decodes them, and compares.

    Raises:
        UsageError: the picture cannot be used, an option is out of range, or no model is given.
        WeightsError: the weights of a model are not installed.
    """
    refs = list(dict.fromkeys(options.models))
    if not refs:
        raise UsageError("No model is given: name at least one editor with --models.")
    given = chosen_pictures(context, options.picture, options.level, options.n)
    count = len(given.images)
    made = {ref: context.edit(ref, given.images, [""] * count, [0] * count) for ref in refs}
    seen = {ref: context.read(images) for ref, images in {"picture": given.images, **made}.items()}
    kept = {ref: recalls(given.truths, scenes) for ref, scenes in seen.items()}
    sizes = fact_counts(given.truths)
    decision = judge_share(f"facts kept, {refs[0]}", kept[refs[0]], Threshold(KEPT), "pictures", sizes)
    measures = [share_estimate(f"facts kept, {ref}", kept[ref], sizes) for ref in (*refs[1:], "picture")]
    measures += _fidelity(given.images, made)
    return OperationResult(
        "tokens",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(_strips(given.images, made, seen)),
        notes=("Facts that the reader misses in the pictures themselves are errors of the reader.",),
    )


def _fidelity(images: list[Image.Image], made: dict[str, list[Image.Image]]) -> list[Estimate]:
    """Returns the PSNR of each model, and the difference of the first two on the same pictures."""
    found = {ref: [psnr(a, b, SIDE) for a, b in zip(images, own, strict=True)] for ref, own in made.items()}
    rows = [mean_estimate(f"PSNR, {ref}", values, "dB") for ref, values in found.items()]
    if len(found) > 1:
        first, second = list(found)[:2]
        apart = [a - b for a, b in zip(found[first], found[second], strict=True)]
        rows.append(mean_estimate(f"PSNR, {first} minus {second}", apart, "dB"))
    return rows


def _strips(images: list[Image.Image], made: dict[str, list[Image.Image]], seen: dict[str, list[Scene]]) -> list[Strip]:
    columns = {"picture": images, **made}
    return [
        Strip(
            tuple(
                Cell(own[number], ref.removeprefix("pocket/"), seen[ref][number], _note(ref, images, own, number))
                for ref, own in columns.items()
            )
        )
        for number in range(min(SHOWN, len(images)))
    ]


def _note(ref: str, images: list[Image.Image], own: list[Image.Image], number: int) -> str:
    return "" if ref == "picture" else f"{psnr(images[number], own[number], SIDE):.1f} dB"


OPERATION = Operation(
    "tokens",
    "An image as codes and back",
    "Ramesh et al. 2021, arXiv 2102.12092, section 2.1",
    "A grid of discrete codes shortens an image by far and loses little of what it shows.",
    "dalle-1",
    TokensOptions,
    run,
)
