"""VQGAN-CLIP by optimisation: CLIP's gradient changes the codes of an image until CLIP's score is high.

Without prompts of the user's, held-out captions are drawn in three ways: by optimisation from random codes, by the
trained feed-forward net, and by optimisation from the feed-forward image. CLIP's own score, the independent reader and
`pocket/blip` then say what is seen after each part of the steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.picture_files import open_picture
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.film import strip_frames
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import judge_difference, mean_estimate, share_estimate
from telephone.models.pocket.vqgan_clip import frames_of
from telephone.report.media.output import encode_film
from telephone.world import Scene

MODEL = "pocket/vqgan-clip"
CLIP = "pocket/clip"
BLIP = "pocket/blip"
"""An image-to-text model that takes no part in the optimisation."""
STARTS = ("codes", "feed-forward")
_FRAME_TIME, _LAST_TIME = 150, 1500
"""Milliseconds of a frame of the film, and of the last one of each text."""


@dataclass(frozen=True)
class DreamOptions:
    """Options of `telephone lineage dream`."""

    prompt: str = ""
    """Draw this instead of held-out captions; weighted parts: `a red cat | snow:0.5 | a dog:-0.3`."""
    story: tuple[str, ...] = ()
    """Texts that are drawn one after the other, each from the last image of the one before."""
    picture: Path | None = None
    """The first image; any size and mode."""
    like: Path | None = None
    """An image as a further prompt."""
    start: str = "codes"
    """Without a first image: random codes, as in the paper, or `feed-forward`, the trained net's image of the text."""
    steps: int = 40
    """Steps of the optimisation, of each text."""
    views: int = 4
    """Augmented views of the image that CLIP sees in each step."""
    frames: int = 6
    """Images of each optimisation that are shown, after the first one."""
    n: int = 8
    """Held-out captions, of level easy."""
    seed: int = 0
    """Another seed gives other random codes and views."""


def run(context: LineageContext, options: DreamOptions) -> OperationResult:
    """Draws the user's prompts, or measures the claim on held-out captions.

    Raises:
        UsageError: an option cannot be used, or a picture cannot be read.
        ModelError: a prompt is empty, or a weight is no number.
    """
    _check(options)
    if options.prompt or options.story or options.picture or options.like:
        return draw_story(context, options)
    return measure_claim(context, options)


def _check(options: DreamOptions) -> None:
    if options.start not in STARTS:
        raise UsageError(f"start is {options.start!r}: give one of {', '.join(STARTS)}.")
    for name in ("n", "steps", "views", "frames"):
        if getattr(options, name) < 1:
            raise UsageError(f"{name} is {getattr(options, name)}: give 1 or more.")
    if options.frames > options.steps:
        raise UsageError(f"{options.frames} frames need at least as many steps, not {options.steps}: raise --steps.")


# --- prompts of the user's ------------------------------------------------------------------------------------------


def draw_story(context: LineageContext, options: DreamOptions) -> OperationResult:
    """Draws one text or several, one after the other, as a strip and a film.

    Raises:
        UsageError: there is neither a text nor an image prompt, or a picture cannot be read.
    """
    texts = [text for text in (options.prompt, *options.story) if text.strip()]
    if not texts and options.like is None:
        raise UsageError("There is nothing to draw: give --prompt, --story or --like beside --picture.")
    chapters = texts or [""]
    film = story_frames(context, chapters, options)
    strips = tuple(_chapter(context, text, images, options.steps) for text, images in zip(chapters, film, strict=True))
    cells = [
        Cell(cell.image, f"{number}: {cell.title}")
        for number, strip in enumerate(strips, start=1)
        for cell in (strip.cells if number == 1 else strip.cells[1:])
    ]
    shown = (*strips, Strip(tuple(cells), "The whole story")) if len(strips) > 1 else strips
    measures = tuple(_score(context, text, images) for text, images in zip(chapters, film, strict=True) if text)
    reason = "One drawing decides nothing: leave out the prompts to measure the claim on held-out captions."
    webp = encode_film(*film_of(film), "webp")
    return OperationResult(
        "dream", Verdict.UNDECIDED, reason, measures, shown, files={"film.webp": webp}, notes=(_NOTES[0],)
    )


def story_frames(context: LineageContext, texts: Sequence[str], options: DreamOptions) -> list[list[Image.Image]]:
    """Returns the frames of each text; the first frame of every text but the first is the last one before.

    Args:
        context: makes the calls.
        texts: weighted prompts; an empty one leaves the image prompt alone.
        options: first image, image prompt, steps, views, frames and seed.
    """
    last = None if options.picture is None else open_picture(options.picture)
    like = None if options.like is None else open_picture(options.like)
    if last is None and like is not None:
        last = _random_codes(context, options)
    film: list[list[Image.Image]] = []
    how = f"steps={options.steps}&views={options.views}&frames={options.frames}"
    for number, text in enumerate(texts):
        seed = derive("lineage dream", options.seed, number)
        if last is None:
            (row,) = context.draw(f"{MODEL}?{how}&start={options.start}", [text], [seed])
        else:
            given = None if like is None else [like]
            (row,) = context.edit(f"{MODEL}?{how}", [last], [text], [seed], references=given)
        film.append(frames_of(row))
        last = film[-1][-1]
    return film


def _random_codes(context: LineageContext, options: DreamOptions) -> Image.Image:
    """Returns the image of random codes, where an optimisation towards an image alone starts."""
    seed = derive("lineage dream", options.seed, "start")
    (row,) = context.draw(f"{MODEL}?steps=1&views=1&frames=1&start=codes", ["a picture"], [seed])
    return frames_of(row)[0]


def film_of(film: Sequence[Sequence[Image.Image]]) -> tuple[list[Image.Image], list[int]]:
    """Returns the frames of a film of all texts, of one size, and their times in milliseconds."""
    frames, times = [], []
    for number, images in enumerate(film):
        shown = list(images if number == 0 else images[1:])
        frames += shown
        times += [*[_FRAME_TIME] * (len(shown) - 1), _LAST_TIME]
    return strip_frames(frames), times


def _steps_shown(count: int, steps: int) -> list[int]:
    """Returns the step after which each of the evenly spaced frames was kept."""
    return [round(index * steps / (count - 1)) for index in range(count)]


def _chapter(context: LineageContext, text: str, images: Sequence[Image.Image], steps: int) -> Strip:
    seen = context.read(images)
    known = world.parse(", ".join(_wanted(text)))
    cells = [
        Cell(image, f"step {step}", scene)
        for image, step, scene in zip(images, _steps_shown(len(images), steps), seen, strict=True)
    ]
    return Strip(tuple(cells), text or "towards the image", known if world.atoms(known) else None)


def _score(context: LineageContext, text: str, images: Sequence[Image.Image]) -> Estimate:
    """Returns CLIP's score of the last image for the first part of the text, with that of the first one as a note."""
    text = _wanted(text)[0]
    goal = context.embed_texts(CLIP, [text])[0]
    first, last = context.embed_images(CLIP, [images[0], images[-1]]) @ goal
    note = f"{float(first):.2f} before the first step; one image"
    return Estimate(f"CLIP score for {text!r}", float(last), n=1, unit="cosine", note=note)


def _wanted(text: str) -> list[str]:
    """Returns the parts of a text that the image is moved towards; all of them if there is none."""
    from telephone.nets.vqgan_clip import parse_prompts

    if not text.strip():
        return [""]
    parts = parse_prompts(text)
    return [part.text for part in parts if part.weight > 0] or [part.text for part in parts]


# --- the claim ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """What three judges say of one image for each caption."""

    images: list[Image.Image]
    seen: list[Scene]
    score: list[float]
    """CLIP's cosine with the caption, which is what the optimisation raises."""
    facts: list[float]
    """Share of the caption's facts that the reader sees."""
    kinds: list[float]
    """Share of the caption's things whose kind the reader sees."""
    blip: list[float]
    """Share of the caption's facts that `pocket/blip` states."""
    blip_kinds: list[float]
    """Share of the caption's things whose kind `pocket/blip` names."""


def judge_images(context: LineageContext, scenes: Sequence[Scene], images: Sequence[Image.Image]) -> Judged:
    """Returns CLIP's score of each image for its scene's caption, and what reader and `pocket/blip` find of it."""
    seen = context.read(images)
    stated = [world.parse(text) for text in context.describe(BLIP, images)]
    goals = context.embed_texts(CLIP, [world.caption(scene) for scene in scenes])
    score = (context.embed_images(CLIP, images) * goals).sum(axis=1).tolist()
    read = [_kept(truth, own) for truth, own in zip(scenes, seen, strict=True)]
    said = [_kept(truth, own) for truth, own in zip(scenes, stated, strict=True)]
    return Judged(
        list(images),
        seen,
        score,
        [a for a, _ in read],
        [b for _, b in read],
        [a for a, _ in said],
        [b for _, b in said],
    )


def _kept(truth: Scene, own: Scene) -> tuple[float, float]:
    """Returns the shares of facts and of kinds that are kept; NaN where there are none."""
    kept = world.compare(truth, own).kept
    facts = world.atoms(truth)
    kinds = [atom for atom in facts if atom.attribute == "kind"]
    found = sum(atom.attribute == "kind" for atom in kept)
    return len(kept) / len(facts) if facts else float("nan"), found / len(kinds) if kinds else float("nan")


def measure_claim(context: LineageContext, options: DreamOptions) -> OperationResult:
    """Draws held-out captions by optimisation and by the trained net, and compares what is seen in them."""
    scenes = context.scenes("easy", options.n)
    texts = [world.caption(scene) for scene in scenes]
    seeds = [derive("lineage dream", options.seed, index) for index in range(options.n)]
    how = f"steps={options.steps}&views={options.views}"
    rows = context.draw(f"{MODEL}?{how}&start=codes&frames={options.frames}", texts, seeds)
    film = [frames_of(row) for row in rows]
    curve = [judge_images(context, scenes, list(images)) for images in zip(*film, strict=True)]
    trained = judge_images(context, scenes, context.draw(MODEL, texts, seeds))
    shorter = f"steps={max(1, options.steps // 2)}&views={options.views}"
    continued = judge_images(context, scenes, context.draw(f"{MODEL}?{shorter}", texts, seeds))
    truth = judge_images(context, scenes, context.pictures(scenes))
    first, last = curve[0], curve[-1]
    claim = judge_difference(
        "facts that the reader sees, optimised minus trained net", last.facts, trained.facts, items="captions"
    )
    reason = (
        f"{claim.reason} Optimising raises CLIP's score from {_mean(first.score):.2f} to {_mean(last.score):.2f} (true "
        f"pictures: {_mean(truth.score):.2f}), and the facts seen from {_percent(first.facts)} to "
        f"{_percent(last.facts)}, the kinds of things from {_percent(first.kinds)} to "
        f"{_percent(last.kinds)}; the trained net's images keep {_percent(trained.facts)} of facts and "
        f"{_percent(trained.kinds)} of kinds."
    )
    sizes = [float(len(world.atoms(scene))) for scene in scenes]
    measures = (claim.estimate, *_measures(curve, trained, continued, sizes))
    tables = {
        "Facts by step": _curve(curve, options.steps),
        "CLIP score by step": _score_curve(curve, options.steps),
        "Ways to draw": [_row(name, each) for name, each in (
            ("random codes", first), ("optimised from random codes", last), ("trained feed-forward net", trained),
            ("net's image, optimised in half the steps", continued), ("true picture", truth),
        )],
    }  # fmt: skip
    strips = tuple(
        _example(scene, index, curve, trained, continued, options.steps) for index, scene in enumerate(scenes[:3])
    )
    webp = encode_film(*film_of(film[:1]), "webp")
    return OperationResult(
        "dream", claim.verdict, reason, measures, strips, tables, files={"film.webp": webp}, notes=_NOTES
    )


_NOTES = (
    "CLIP's score is what the optimisation raises, so it says nothing about the image: reader and pocket/blip take no "
    "part in it.",
    "The reader always answers, also for random codes: facts are to be compared with those before the first step.",
    "In the paper CLIP had seen 400 million pictures, and VQGAN photographs; here both saw the pocket world alone.",
)


def _measures(curve: Sequence[Judged], trained: Judged, continued: Judged, sizes: Sequence[float]) -> list[Estimate]:
    first, last = curve[0], curve[-1]
    return [
        share_estimate("facts that the reader sees, optimised from random codes", last.facts, sizes),
        share_estimate("facts that the reader sees, trained net", trained.facts, sizes),
        _gain("facts that the reader sees, optimised minus random codes", last.facts, first.facts),
        _gain("facts that pocket/blip states, optimised minus random codes", last.blip, first.blip),
        _gain("kinds that the reader names, optimised minus random codes", last.kinds, first.kinds),
        _gain("kinds that pocket/blip names, optimised minus random codes", last.blip_kinds, first.blip_kinds),
        share_estimate("kinds that the reader names, optimised from random codes", last.kinds),
        share_estimate("kinds that pocket/blip names, optimised from random codes", last.blip_kinds),
        _gain("facts that the reader sees, net's image optimised minus as it was", continued.facts, trained.facts),
        _gain("facts that pocket/blip states, net's image optimised minus as it was", continued.blip, trained.blip),
        mean_estimate(
            "CLIP score, net's image optimised minus as it was", np.subtract(continued.score, trained.score), "cosine"
        ),
    ]


def _gain(name: str, after: Sequence[float], before: Sequence[float]) -> Estimate:
    return mean_estimate(name, np.subtract(after, before), "points")


def _curve(curve: Sequence[Judged], steps: int) -> list[dict[str, Any]]:
    """Returns one row for each frame and judge that takes no part in the optimisation."""
    return [
        {"step": step, "judge": judge, "facts kept": _mean(values)}
        for step, each in zip(_steps_shown(len(curve), steps), curve, strict=True)
        for judge, values in (
            ("facts, reader", each.facts),
            ("facts, pocket/blip", each.blip),
            ("kinds, reader", each.kinds),
            ("kinds, pocket/blip", each.blip_kinds),
        )
    ]


def _score_curve(curve: Sequence[Judged], steps: int) -> list[dict[str, Any]]:
    return [
        {"step": step, "CLIP score": round(_mean(each.score), 3)}
        for step, each in zip(_steps_shown(len(curve), steps), curve, strict=True)
    ]


def _row(name: str, judged: Judged) -> dict[str, Any]:
    return {
        "image": name,
        "CLIP score": round(_mean(judged.score), 3),
        "facts, reader": _mean(judged.facts),
        "facts, pocket/blip": _mean(judged.blip),
        "share of kinds, reader": _mean(judged.kinds),
        "share of kinds, pocket/blip": _mean(judged.blip_kinds),
        "captions": len(judged.facts),
    }


def _example(
    scene: Scene, index: int, curve: Sequence[Judged], trained: Judged, continued: Judged, steps: int
) -> Strip:
    titles = [f"step {step}" for step in _steps_shown(len(curve), steps)]
    shown = [*zip(titles, curve, strict=True), ("trained net", trained), ("net, then optimised", continued)]
    cells = [
        Cell(each.images[index], title, each.seen[index], f"CLIP {each.score[index]:.2f}") for title, each in shown
    ]
    return Strip(tuple(cells), world.caption(scene), scene)


def _mean(values: Sequence[float]) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def _percent(values: Sequence[float]) -> str:
    return f"{100 * _mean(values):.0f}\u00a0%"


OPERATION = Operation(
    "dream",
    "VQGAN-CLIP by optimisation",
    "Crowson et al. 2022, arXiv 2204.08583",
    "Optimising the codes of a VQGAN by CLIP's gradient, without any training for the task, gives images that match "
    "their text better than those of nets that were trained for it.",
    "vqgan-clip",
    DreamOptions,
    run,
)
