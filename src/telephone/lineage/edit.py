"""Editing step by step: a list of masks and texts, applied after each other, and what each step costs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inpaint import shown_mask
from telephone.lineage.inputs import check_level, fact_counts, read_picture, recalls
from telephone.lineage.new_things import Addition, add_thing, is_there
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import Threshold, judge_share, share_estimate
from telephone.world import Scene

KEPT = 0.9
"""Facts that have to be left after the last step for the claim to hold."""
SHOWN = 4


@dataclass(frozen=True)
class EditOptions:
    """Options of `telephone lineage edit`."""

    picture: Path | None = None
    """A picture of your own in place of held-out scenes; needs --edits."""
    edits: tuple[str, ...] = ()
    """Edits of your own picture, in this order: `left,top,right,bottom: text`, the box in shares of the picture."""
    level: str = "easy"
    """Level of the held-out scenes: easy, medium, hard, impossible."""
    n: int = 12
    """Held-out scenes."""
    steps: int = 3
    """Things that are added to each scene, one after the other, 1 to 5."""
    model: str = "pocket/glide"
    """Address of an image editor that takes masks."""
    seed: int = 0
    """Another seed gives other things and other drawings."""


@dataclass(frozen=True)
class BoxEdit:
    """One edit of a list."""

    box: tuple[float, float, float, float]
    """Left, top, right and bottom in shares of the picture."""
    text: str

    def mask(self, size: tuple[int, int]) -> Image.Image:
        """Returns the mask for a picture of this size; it has at least one white pixel."""
        width, height = size
        left, top = min(int(self.box[0] * width), width - 1), min(int(self.box[1] * height), height - 1)
        right, bottom = max(round(self.box[2] * width), left + 1), max(round(self.box[3] * height), top + 1)
        mask = Image.new("L", size)
        mask.paste(255, (left, top, right, bottom))
        return mask


def parse_edit(text: str) -> BoxEdit:
    """Reads `left,top,right,bottom: text`.

    Raises:
        UsageError: it is something else, or the box is empty or outside of the picture.
    """
    box, colon, words = text.partition(":")
    try:
        left, top, right, bottom = (float(part) for part in box.split(","))
    except ValueError:
        left = top = right = bottom = float("nan")
    if not (colon and words.strip() and 0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise UsageError(f"{text!r} is no edit: write a box in shares and a text, such as 0.6,0.5,1,1: a red apple.")
    return BoxEdit((left, top, right, bottom), words.strip())


def run(context: LineageContext, options: EditOptions) -> OperationResult:
    """Adds things to pictures one after the other and reads the picture after each step.

    Raises:
        UsageError: an option cannot be used, or the editor takes no mask.
        WeightsError: the weights of the editor are not installed.
    """
    if options.picture is not None:
        return _own_picture(context, options)
    if options.edits:
        raise UsageError("Edits belong to a picture of your own: give --picture as well.")
    if not 1 <= options.steps <= 5:
        raise UsageError(f"steps is {options.steps}: give a number from 1 to 5.")
    chains = [
        chain
        for number, scene in enumerate(context.scenes(check_level(options.level), options.n))
        if (chain := addition_chain(scene, options.steps, options.seed, number))
    ]
    if not chains:
        raise UsageError(f"No scene of the level {options.level} has {options.steps} empty cells: lower --steps.")
    frames = [context.pictures([chain[0].before for chain in chains])]
    for step in range(options.steps):
        seeds = [derive("edit", options.seed, step, number) for number in range(len(chains))]
        texts = context.captions([chain[step].after for chain in chains])
        masks = [chain[step].mask for chain in chains]
        frames.append(context.edit(options.model, frames[-1], texts, seeds, masks))
    return _result(chains, frames, [context.read(images) for images in frames])


def addition_chain(scene: Scene, steps: int, *key: object) -> list[Addition]:
    """Returns the additions of several things after each other; empty if there is no room for all."""
    chain: list[Addition] = []
    for step in range(steps):
        added = add_thing(chain[-1].after if chain else scene, *key, step)
        if added is None:
            return []
        chain.append(added)
    return chain


def _result(chains: list[list[Addition]], frames: list[list[Image.Image]], seen: list[list[Scene]]) -> OperationResult:
    rows: list[dict[str, Any]] = []
    start = [chain[0].before for chain in chains]
    for step, scenes in enumerate(seen):
        asked = [chain[step - 1].after for chain in chains] if step else start
        whole = share_estimate("all", recalls(asked, scenes), fact_counts(asked))
        first = share_estimate("first", recalls(start, scenes), fact_counts(start))
        rows.append({"step": step, "facts of all so far": whole.value, "facts of the first picture": first.value})
    end = [chain[-1].after for chain in chains]
    decision = judge_share(
        "facts of the last scene", recalls(end, seen[-1]), Threshold(KEPT), "pictures", fact_counts(end)
    )
    added = [
        share_estimate(
            f"new thing of step {step + 1} is there at the end",
            [float(is_there(chain[step].new, scene)) for chain, scene in zip(chains, seen[-1], strict=True)],
        )
        for step in range(len(chains[0]))
    ]
    first = share_estimate("facts of the first picture at the end", recalls(start, seen[-1]), fact_counts(start))
    return OperationResult(
        "edit", decision.verdict, decision.reason, (decision.estimate, first, *added),
        tuple(_strips(chains, frames, seen)), {"Facts by step": rows},
    )  # fmt: skip


def _strips(chains: list[list[Addition]], frames: list[list[Image.Image]], seen: list[list[Scene]]) -> list[Strip]:
    strips = []
    for number, chain in enumerate(chains[:SHOWN]):
        titles = ["picture", *(f"+ {each.new.colour} {each.new.kind}" for each in chain)]
        cells = tuple(
            Cell(images[number], title, scenes[number])
            for title, images, scenes in zip(titles, frames, seen, strict=True)
        )
        strips.append(Strip(cells, world.caption(chain[-1].after), chain[-1].after))
    return strips


def _own_picture(context: LineageContext, options: EditOptions) -> OperationResult:
    assert options.picture is not None
    if not options.edits:
        raise UsageError("A picture of your own needs edits: give --edits 'left,top,right,bottom: text'.")
    edits = [parse_edit(text) for text in options.edits]
    images = [read_picture(options.picture)]
    cells = [Cell(images[0], "picture")]
    for step, each in enumerate(edits):
        mask = each.mask(images[-1].size)
        cells.append(Cell(shown_mask(images[-1], mask), f"mask {step + 1}"))
        images += context.edit(options.model, [images[-1]], [each.text], [derive("edit", options.seed, step)], [mask])
        cells.append(Cell(images[-1], each.text, context.read([images[-1]])[0]))
    reason = "One picture decides nothing: leave it out to measure the claim on held-out scenes."
    return OperationResult("edit", Verdict.UNDECIDED, reason, (), (Strip(tuple(cells)),))


OPERATION = Operation(
    "edit",
    "Editing step by step",
    "Nichol et al. 2021, arXiv 2112.10741, section 1, figure 3",
    "A scene is built up by edits after each other, each by a mask and a text, without losing what was there.",
    "glide",
    EditOptions,
    run,
)
