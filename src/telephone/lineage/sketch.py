"""CLIPDraw: vector drawings whose shapes are moved by CLIP's gradient, and what judges that take no part see in them.

CLIP's score of such a drawing always rises, also where nothing is to be seen. So held-out prompts of one thing are
drawn, and the independent reader and `pocket/blip` say which kinds of things they see, before and after the
optimisation, and in the drawing of another prompt: a judge that always names something is sometimes right by chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from telephone import models, world
from telephone.core.errors import UsageError
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.film import strip_frames
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import Threshold, judge_share, mean_estimate, share_estimate
from telephone.models.pocket.clipdraw import FORMS, GOALS, PocketClipdraw
from telephone.models.pocket.vqgan_clip import frames_of
from telephone.report.media.output import encode_film
from telephone.world import Scene, Thing
from telephone.world.scene import COLOURS, KINDS, SETTINGS, held_out

MODEL = "pocket/clipdraw"
CLIP = "pocket/clip"
BLIP = "pocket/blip"
"""An image-to-text model that takes no part in the optimisation."""
NAMED = 0.3
"""Share of drawings whose kind is named, below which they are called adversarial."""
_FRAME_TIME, _LAST_TIME = 200, 1500
"""Milliseconds of a frame of the film, and of the last one."""


@dataclass(frozen=True)
class SketchOptions:
    """Options of `telephone lineage sketch`."""

    prompt: str = ""
    """Draw this instead of held-out prompts; weighted parts: `a red cat | a dog:-0.3`."""
    steps: int = 30
    """Steps of the optimisation."""
    shapes: int = 8
    """How many shapes or strokes a drawing has."""
    form: str = "shapes"
    """`shapes`: filled and closed; `strokes`: open, as in the paper."""
    goal: str = "image"
    """What CLIP's views are moved towards: `text`, as in the paper, or `image`, the image embedding expected for it."""
    views: int = 4
    """Augmented views of the drawing that CLIP sees in each step."""
    frames: int = 4
    """Images of each optimisation that are shown, after the first one."""
    trained: bool = False
    """Prompts whose pair of kind and colour CLIP was trained on, instead of held-out pairs."""
    n: int = 8
    """How many prompts of one thing."""
    seed: int = 0
    """Another seed gives other first shapes and views."""

    @property
    def address(self) -> str:
        """The drawer with these options, without frames."""
        return f"{MODEL}?steps={self.steps}&shapes={self.shapes}&form={self.form}&goal={self.goal}&views={self.views}"


def one_thing_scenes(n: int, trained: bool = False) -> list[Scene]:
    """Returns scenes of one big thing in the middle: each kind once on a blank sheet, then again in each setting.

    Args:
        n: how many, 1 or more; the first of more are the same.
        trained: colours that training has for the kind, instead of the held-out one.
    """
    order = sorted(KINDS, key=lambda kind: derive("lineage sketch kinds", kind))
    scenes = []
    for index in range(n):
        kind = order[index % len(order)]
        around = (None, *SETTINGS)[index // len(order) % (len(SETTINGS) + 1)]
        offered = [colour for colour in COLOURS if held_out(kind, colour) is not trained]
        colour = offered[derive("lineage sketch colours", kind, index) % len(offered)]
        scenes.append(Scene(around, things=(Thing(kind, colour, "big", place="middle"),)))
    return scenes


def run(context: LineageContext, options: SketchOptions) -> OperationResult:
    """Draws the user's prompt, or measures whether held-out things are recognised.

    Raises:
        UsageError: an option cannot be used.
        ModelError: the prompt cannot be read.
    """
    for name in ("n", "steps", "shapes", "views", "frames"):
        if getattr(options, name) < 1:
            raise UsageError(f"{name} is {getattr(options, name)}: give 1 or more.")
    for name, known in (("form", FORMS), ("goal", GOALS)):
        if getattr(options, name) not in known:
            raise UsageError(f"{name} is {getattr(options, name)!r}: give one of {', '.join(known)}.")
    if options.frames > options.steps:
        raise UsageError(f"{options.frames} frames need at least as many steps, not {options.steps}: raise --steps.")
    lacking = context.lacks(options.address, "text2image")
    if lacking:
        return OperationResult("sketch", Verdict.IMPOSSIBLE, lacking, ())
    return draw_prompt(context, options) if options.prompt.strip() else measure_claim(context, options)


def draw_prompt(context: LineageContext, options: SketchOptions) -> OperationResult:
    """Draws one prompt of the user's as a strip, a film and an SVG file."""
    from telephone.nets.vqgan_clip import parse_prompts

    seed = derive("lineage sketch", options.seed, 0)
    (row,) = context.draw(f"{options.address}&frames={options.frames}", [options.prompt], [seed])
    images = frames_of(row)
    wanted = max(parse_prompts(options.prompt), key=lambda each: each.weight).text
    first, last = context.embed_images(CLIP, [images[0], images[-1]]) @ context.embed_texts(CLIP, [wanted])[0]
    note = f"{float(first):.2f} before the first step; one drawing"
    score = Estimate(f"CLIP score for {wanted!r}", float(last), n=1, unit="cosine", note=note)
    known = world.parse(wanted)
    strip = _strip(context, images, options, options.prompt, known if world.atoms(known) else None)
    reason = "One drawing decides nothing: leave out the prompt to measure the claim on held-out prompts."
    files = _files(images, options, options.prompt, seed)
    return OperationResult("sketch", Verdict.UNDECIDED, reason, (score,), (strip,), files=files, notes=_NOTES[:1])


def measure_claim(context: LineageContext, options: SketchOptions) -> OperationResult:
    """Draws prompts of one thing, and compares the kinds that are seen with those that were asked for."""
    scenes = one_thing_scenes(options.n, options.trained)
    texts = [world.caption(scene) for scene in scenes]
    seeds = [derive("lineage sketch", options.seed, index) for index in range(options.n)]
    rows = context.draw(f"{options.address}&frames={options.frames}", texts, seeds)
    films = [frames_of(row) for row in rows]
    first, last = (judge_drawings(context, scenes, [film[at] for film in films]) for at in (0, -1))
    truth = judge_drawings(context, scenes, context.pictures(scenes))
    what = f"kind named by reader or pocket/blip, {'trained' if options.trained else 'held-out'} pairs"
    claim = judge_share(what, last.either, Threshold(NAMED), "prompts")
    chance = f"{_percent(last.chance)} by chance" if last.chance else "chance unknown"
    reason = (
        f"{claim.reason} Seen in the drawing of another prompt: {chance}. CLIP's score goes from "
        f"{_mean(first.score):.2f} to {_mean(last.score):.2f} (true pictures: {_mean(truth.score):.2f}): where the "
        "score rises and the kind is not named more often than by chance, the drawings are adversarial."
    )
    measures = (claim.estimate, *_measures(first, last, truth))
    ways = (("first shapes", first), ("after the last step", last), ("true pictures", truth))
    strips = tuple(
        _strip(context, film, options, text, scene)
        for film, text, scene in zip(films[:6], texts[:6], scenes[:6], strict=True)
    )
    tables = {"What is seen": [_row(name, each) for name, each in ways]}
    files = _files(films[0], options, texts[0], seeds[0])
    return OperationResult("sketch", claim.verdict, reason, measures, strips, tables, files, notes=_NOTES)


_NOTES = (
    "CLIP's score is what the optimisation raises, so it says nothing about the drawing: reader and pocket/blip take "
    "no part in it.",
    "Reader and pocket/blip always name something: the share by chance is that of the kinds of other prompts.",
    "In the paper CLIP had seen 400 million pictures, drawings among them; here it saw the pocket world alone, and for "
    "a held-out pair of kind and colour it is less sure of the kind itself.",
)


@dataclass(frozen=True)
class JudgedDrawings:
    """What three judges say of one drawing for each prompt; 1 is a kind that was asked for, 0 another."""

    score: list[float]
    """CLIP's cosine with the prompt, which is what the optimisation raises."""
    reader: list[float]
    blip: list[float]
    either: list[float]
    """Named by the reader, by `pocket/blip` or by both."""
    chance: list[float]
    """For each drawing the share of the other prompts whose kind is named in it; empty for one prompt."""


def judge_drawings(context: LineageContext, scenes: Sequence[Scene], images: Sequence[Image.Image]) -> JudgedDrawings:
    """Returns CLIP's score of each image for its caption, and whether reader and `pocket/blip` name its kind."""
    wanted = [scene.things[0].kind for scene in scenes]
    read = [{thing.kind for thing in scene.things} for scene in context.read(images)]
    said = [{thing.kind for thing in world.parse(text).things} for text in context.describe(BLIP, images)]
    goals = context.embed_texts(CLIP, [world.caption(scene) for scene in scenes])
    score = (context.embed_images(CLIP, images) * goals).sum(axis=1).tolist()
    named = [a | b for a, b in zip(read, said, strict=True)]
    chance = []
    for own, kinds in zip(wanted, named, strict=True):
        others = [kind for kind in wanted if kind != own]
        chance += [float(np.mean([kind in kinds for kind in others]))] if others else []
    reader, blip, either = (
        [float(kind in kinds) for kind, kinds in zip(wanted, each, strict=True)] for each in (read, said, named)
    )
    return JudgedDrawings(score, reader, blip, either, chance)


def _measures(first: JudgedDrawings, last: JudgedDrawings, truth: JudgedDrawings) -> list[Estimate]:
    gain = np.subtract(last.either, last.chance) if last.chance else []
    return [
        share_estimate("kind named by the reader", last.reader),
        share_estimate("kind named by pocket/blip", last.blip),
        share_estimate("kind named by reader or pocket/blip in the first shapes", first.either),
        *([mean_estimate("kind named minus chance", gain, "points")] if len(gain) else []),
        mean_estimate("CLIP score, after minus before", np.subtract(last.score, first.score), "cosine"),
        mean_estimate("CLIP score, drawing minus true picture", np.subtract(last.score, truth.score), "cosine"),
    ]


def _row(name: str, judged: JudgedDrawings) -> dict[str, Any]:
    return {
        "image": name,
        "CLIP score": round(_mean(judged.score), 3),
        "share named by reader": _mean(judged.reader),
        "share named by pocket/blip": _mean(judged.blip),
        "share named by either": _mean(judged.either),
        "share by chance": _mean(judged.chance) if judged.chance else None,
        "prompts": len(judged.score),
    }


def _strip(
    context: LineageContext, images: Sequence[Image.Image], options: SketchOptions, title: str, truth: Scene | None
) -> Strip:
    steps = [round(index * options.steps / options.frames) for index in range(options.frames + 1)]
    seen = context.read(images)
    said = context.describe(BLIP, [images[-1]])[0]
    notes = [""] * (len(images) - 1) + [f"pocket/blip: {said}"]
    cells = (
        Cell(image, f"step {step}", own, note)
        for image, step, own, note in zip(images, steps, seen, notes, strict=True)
    )
    return Strip(tuple(cells), title, truth)


def _files(images: Sequence[Image.Image], options: SketchOptions, text: str, seed: int) -> dict[str, bytes]:
    """Returns one drawing as an SVG file, and its film."""
    model = models.text2image(options.address)
    assert isinstance(model, PocketClipdraw)
    times = [*[_FRAME_TIME] * (len(images) - 1), _LAST_TIME]
    return {
        "drawing.svg": model.svg(text, seed).encode(),
        "film.webp": encode_film(strip_frames(images), times, "webp"),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _percent(values: Sequence[float]) -> str:
    return f"{100 * _mean(values):.0f} %"


OPERATION = Operation(
    "sketch",
    "CLIPDraw",
    "Frans et al. 2021, arXiv 2106.14843, sections 2 and 3",
    "Curves moved by the gradient of a trained CLIP alone become drawings in which the prompt is recognised.",
    "clipdraw",
    SketchOptions,
    run,
)
