"""Text differences: a picture is changed by the difference of two sentences, with its noise kept."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import check_level, check_numbers, read_picture
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip
from telephone.lineage.scene_edits import EditOutcome, SceneEdit, outcome, single_edits
from telephone.lineage.verdicts import Threshold, judge_share, share_estimate

SHOWN = 4
METHODS = ("mapped", "rotated")


@dataclass(frozen=True)
class TextdiffOptions:
    """Options of `telephone lineage textdiff`."""

    picture: Path | None = None
    """A picture of your own in place of held-out scenes."""
    source: str = ""
    """What the picture shows, for a picture of your own."""
    prompt: str = ""
    """What it is to show, for a picture of your own."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 12
    """Held-out scenes, each with one fact changed."""
    method: str = "mapped"
    """`mapped` moves the embedding by the prior's linear map of the difference, `rotated` turns it towards it."""
    scale: tuple[str, ...] = ("0.5", "1", "1.5")
    """For `mapped`: factors of the difference, 0 to 10. For `rotated`: shares of the angle, 0 to 1."""
    steps: int = 12
    """Steps of the inversion and of the drawing."""
    model: str = "pocket/dalle-2"
    """Address of the editor."""
    seed: int = 0
    """Another seed gives other edits."""


def run(context: LineageContext, options: TextdiffOptions) -> OperationResult:
    """Changes one fact of each picture by a difference of two sentences.

    Raises:
        UsageError: the picture or its sentences cannot be used, or an option is out of range.
    """
    if options.method not in METHODS:
        raise UsageError(f"There is no method {options.method!r}: use one of {', '.join(METHODS)}.")
    scales = check_numbers(options.scale, 0, 10 if options.method == "mapped" else 1, "scale")
    if options.picture is not None:
        return _own(context, options, scales)
    edits = single_edits(context.scenes(check_level(options.level), options.n, "textdiff"), options.seed)
    images = context.pictures([edit.before for edit in edits])
    before, after = (context.captions([getattr(edit, side) for edit in edits]) for side in ("before", "after"))
    texts = [f"{one} => {two}" for one, two in zip(before, after, strict=True)]
    made = {scale: _edit(context, options, images, texts, scale) for scale in scales}
    found = {
        scale: [outcome(edit, seen) for edit, seen in zip(edits, context.read(row), strict=True)]
        for scale, row in made.items()
    }
    best = max(scales, key=lambda scale: sum(each.reached + each.rest for each in found[scale]))
    decision = judge_share(
        f"new fact reached, scale {best:g}", [float(each.reached) for each in found[best]], Threshold(0.5), "edits"
    )
    return OperationResult(
        "textdiff",
        decision.verdict,
        decision.reason,
        (decision.estimate, *(each for scale in scales for each in _measures(scale, found[scale]))),
        tuple(_strips(context, edits, images, made)),
        {"By the fact that is changed": _by_attribute(edits, found[best])},
        notes=(f"The scale {best:g} was chosen on these edits, by facts reached and kept.",) if len(scales) > 1 else (),
    )


def _edit(
    context: LineageContext, options: TextdiffOptions, images: list[Image.Image], texts: list[str], scale: float
) -> list[Image.Image]:
    size = f"scale={scale:g}" if options.method == "mapped" else f"theta={scale:g}"
    ref = f"{options.model}?operation=textdiff&difference={options.method}&{size}&steps={options.steps}"
    return context.edit(ref, images, texts, [0] * len(images))


def _measures(scale: float, outcomes: list[EditOutcome]) -> list[Estimate]:
    return [
        share_estimate(f"new fact reached, scale {scale:g}", [float(each.reached) for each in outcomes]),
        share_estimate(f"other facts kept, scale {scale:g}", [each.rest for each in outcomes]),
        share_estimate(f"clean edits, scale {scale:g}", [float(each.clean) for each in outcomes]),
    ]


def _by_attribute(edits: list[SceneEdit], outcomes: list[EditOutcome]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name in dict.fromkeys(edit.attribute for edit in edits):
        own = [each for edit, each in zip(edits, outcomes, strict=True) if edit.attribute == name]
        reached, clean = (sum(getattr(each, field) for each in own) / len(own) for field in ("reached", "clean"))
        rest = sum(each.rest for each in own) / len(own)
        rows.append({"fact": name, "n": len(own), "reached": reached, "others kept": rest, "clean": clean})
    return rows


def _strips(
    context: LineageContext, edits: list[SceneEdit], images: list[Image.Image], made: dict[float, list[Image.Image]]
) -> list[Strip]:
    strips = []
    for number, edit in enumerate(edits[:SHOWN]):
        row = [images[number], *(pictures[number] for pictures in made.values())]
        titles = ["picture", *(f"scale {scale:g}" for scale in made)]
        (title,) = context.captions([edit.after])
        strips.append(Strip(tuple(map(Cell, row, titles, context.read(row))), title, edit.after))
    return strips


def _own(context: LineageContext, options: TextdiffOptions, scales: list[float]) -> OperationResult:
    """Changes a picture of the user's; whether the change is reached is for the user to see."""
    if not options.prompt.strip():
        raise UsageError("Say what the picture is to show: give --prompt, and --source for what it shows now.")
    assert options.picture is not None
    image = read_picture(options.picture)
    text = f"{options.source} => {options.prompt}"
    made = [_edit(context, options, [image], [text], scale)[0] for scale in scales]
    row = [image, *made]
    titles = ["picture", *(f"scale {scale:g}" for scale in scales)]
    strip = Strip(tuple(map(Cell, row, titles, context.read(row))), options.prompt)
    decision = judge_share("new fact reached", [], Threshold(0.5), "edits")
    reason = "One picture of your own gives no verdict: look at the strip."
    return OperationResult("textdiff", decision.verdict, reason, (decision.estimate,), (strip,))


OPERATION = Operation(
    "textdiff",
    "A picture changed by words",
    "Ramesh et al. 2022, arXiv 2204.06125, section 3.3",
    "Moving the embedding by the difference of two text embeddings changes what the words say and keeps the rest.",
    "dalle-2",
    TextdiffOptions,
    run,
)
