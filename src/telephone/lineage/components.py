"""A picture from more and more principal components of its CLIP embedding: which facts appear first."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import Pictures, chosen_pictures, fact_counts, kept_by_attribute, recall_of
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, OperationResult, Strip
from telephone.lineage.verdicts import Threshold, judge_difference, share_estimate

SHOWN = 3
ALL = 256


@dataclass(frozen=True)
class ComponentsOptions:
    """Options of `telephone lineage components`."""

    picture: Path | None = None
    """A picture of your own in place of held-out scenes."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 12
    """Held-out scenes."""
    components: tuple[str, ...] = ("0", "8", "32", "64", "96", "256")
    """Numbers of principal components that are kept, ascending; 256 is the whole embedding."""
    steps: int = 8
    """Steps of the drawing."""
    model: str = "pocket/dalle-2"
    """Address of the editor."""
    seed: int = 0
    """Seed of the noise, the same for every number of components."""


def run(context: LineageContext, options: ComponentsOptions) -> OperationResult:
    """Draws pictures from parts of their embeddings, without a caption and with one noise.

    Raises:
        UsageError: the picture cannot be used, or a number is no count of components that the model holds.
    """
    counts = _counts(options.components)
    given = chosen_pictures(context, options.picture, options.level, options.n)
    made = {count: _draw(context, options, given, count) for count in counts}
    kept = {count: recall_of(context, given.truths, images) for count, images in made.items()}
    sizes = fact_counts(given.truths)
    shares = [share_estimate(f"facts kept, {count} components", kept[count], sizes) for count in counts]
    first, last = counts[0], counts[-1]
    decision = judge_difference(
        f"facts kept with {last} components minus with {first}", kept[last], kept[first], Threshold(0.0), "pictures"
    )
    return OperationResult(
        "components",
        decision.verdict,
        decision.reason,
        (decision.estimate, *shares),
        tuple(_strips(context, given, made)),
        {"What appears with how many components": _by_attribute(context, given, made)},
    )


def _counts(values: tuple[str, ...]) -> list[int]:
    if not values or not all(value.isascii() and value.isdigit() and int(value) <= ALL for value in values):
        raise UsageError(
            f"The components {', '.join(values) or '(none)'} are no counts: give whole numbers from 0 to {ALL}."
        )
    return sorted({int(value) for value in values})


def _draw(context: LineageContext, options: ComponentsOptions, given: Pictures, count: int) -> list[Image.Image]:
    seeds = [derive("components", options.seed, number) for number in range(len(given.images))]
    ref = f"{options.model}?operation=components&components={count}&steps={options.steps}"
    return context.edit(ref, given.images, [""] * len(given.images), seeds)


def _by_attribute(
    context: LineageContext, given: Pictures, made: dict[int, list[Image.Image]]
) -> list[dict[str, object]]:
    """Returns a row for each number of components: the share of each kind of fact that is kept."""
    rows: list[dict[str, object]] = []
    for count, images in made.items():
        kept = kept_by_attribute(context, given.truths, images)
        rows.append({"components": count, **{name: sum(own) / len(own) for name, own in kept.items()}})
    return rows


def _strips(context: LineageContext, given: Pictures, made: dict[int, list[Image.Image]]) -> list[Strip]:
    strips = []
    for number in range(min(SHOWN, len(given.images))):
        row = [given.images[number], *(images[number] for images in made.values())]
        titles = ["picture", *(f"{count} components" for count in made)]
        truth = None if given.own else given.truths[number]
        strips.append(Strip(tuple(map(Cell, row, titles, context.read(row))), truth=truth))
    return strips


OPERATION = Operation(
    "components",
    "A picture from the components of its embedding",
    "Ramesh et al. 2022, arXiv 2204.06125, section 4",
    "Few principal components hold the coarse content of a picture, and more of them bring the details.",
    "dalle-2",
    ComponentsOptions,
    run,
)
