"""Completion of an image whose top is given: the transformer draws the rest, code by code."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import check_level, check_numbers, fact_counts, read_picture, recalls
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import Threshold, judge_difference, share_estimate
from telephone.world import Scene

SHOWN = 3
WITHOUT = "without the caption"


@dataclass(frozen=True)
class CompleteOptions:
    """Options of `telephone lineage complete`."""

    picture: Path | None = None
    """Complete the top of this picture in place of those of held-out scenes; needs --prompt."""
    prompt: str = ""
    """What the completed picture is to show."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 12
    """Held-out scenes."""
    rows: tuple[str, ...] = ("0", "4", "8", "12")
    """Rows of codes that are given, of 16."""
    model: str = "pocket/dalle-1"
    """Address of the editor."""
    seed: int = 0
    """Another seed gives other completions."""


@dataclass(frozen=True)
class _Tops:
    """Images whose tops are given, with the texts of the whole."""

    images: list[Image.Image]
    texts: list[str]
    truths: list[Scene]


def run(context: LineageContext, options: CompleteOptions) -> OperationResult:
    """Completes pictures below rising numbers of given rows, with the caption and without.

    Raises:
        UsageError: the picture cannot be used, the prompt is missing, or an option is out of range.
        WeightsError: the weights of the model are not installed.
    """
    given = _given(context, options)
    rows = [int(value) for value in check_numbers(options.rows, 0, 16, "number of rows")]
    middle = min(rows, key=lambda count: abs(count - 8))
    made = {f"{count} rows": _complete(context, options, given, count, given.texts) for count in rows}
    made[WITHOUT] = _complete(context, options, given, middle, [""] * len(given.texts))
    seen = {name: context.read(images) for name, images in made.items()}
    kept = {name: recalls(given.truths, scenes) for name, scenes in seen.items()}
    sizes = fact_counts(given.truths)
    name = f"facts kept with the caption minus without it, {middle} rows given"
    decision = judge_difference(name, kept[f"{middle} rows"], kept[WITHOUT], Threshold(0.0), "pictures")
    measures = [share_estimate(f"facts kept, {key}", shares, sizes) for key, shares in kept.items()]
    own = options.picture is not None
    reason = "One picture decides nothing: leave it out to measure the claim on held-out scenes."
    return OperationResult(
        "complete",
        Verdict.UNDECIDED if own else decision.verdict,
        reason if own else decision.reason,
        (decision.estimate, *measures),
        tuple(_strips(given, made, seen)),
        {"Facts kept by rows given": [_row(count, kept[f"{count} rows"], sizes) for count in rows]},
    )


def _given(context: LineageContext, options: CompleteOptions) -> _Tops:
    if options.picture is None:
        scenes = context.scenes(check_level(options.level), options.n)
        return _Tops(context.pictures(scenes), context.captions(scenes), scenes)
    if not options.prompt.strip():
        raise UsageError("A picture of your own needs words for what it is to become: give --prompt.")
    return _Tops([read_picture(options.picture)], [options.prompt], [world.parse(options.prompt)])


def _complete(
    context: LineageContext, options: CompleteOptions, given: _Tops, rows: int, texts: list[str]
) -> list[Image.Image]:
    seeds = [derive("complete", options.seed, number) for number in range(len(texts))]
    return context.edit(f"{options.model}?rows={rows}", given.images, texts, seeds)


def _row(count: int, shares: list[float], sizes: list[float]) -> dict[str, object]:
    found = share_estimate("facts kept", shares, sizes)
    return {"rows given": count, "facts kept": found.value, "low": found.low, "high": found.high}


def _strips(given: _Tops, made: dict[str, list[Image.Image]], seen: dict[str, list[Scene]]) -> list[Strip]:
    return [
        Strip(
            (
                Cell(given.images[number], "picture"),
                *(Cell(images[number], name, seen[name][number]) for name, images in made.items()),
            ),
            given.texts[number],
            given.truths[number] if world.atoms(given.truths[number]) else None,
        )
        for number in range(min(SHOWN, len(given.images)))
    ]


OPERATION = Operation(
    "complete",
    "Completion of an image whose top is given",
    "Ramesh et al. 2021, arXiv 2102.12092, section 3.3",
    "The transformer completes an image below given rows as its caption says, without having been trained for that.",
    "dalle-1",
    CompleteOptions,
    run,
)
