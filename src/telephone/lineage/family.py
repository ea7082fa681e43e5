"""The drawers of the family side by side: the same held-out prompts, facts, seconds, parameters and diversity."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.images import decode
from telephone.core.records import LEVELS, Call, Level
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.family_tree import MEMBERS, Member, MemberState, family_tree
from telephone.lineage.inputs import fact_counts, recalls
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, Estimate, OperationResult, Strip, Verdict
from telephone.lineage.verdicts import (
    Decision,
    impossible,
    in_words,
    judge_difference,
    mean_estimate,
    share_estimate,
)
from telephone.world import Scene

CLIP = "pocket/clip"
"""The embedder by which pictures of one prompt are compared."""
_SEEDS = 3
"""Pictures of one prompt from which diversity is computed."""
_SLOW = ("pocket/clipdraw",)
"""Drawers that optimise each picture: they get `FEW` prompts a level."""
FEW = 8
_FEWEST_DIVERSE = 8


@dataclass(frozen=True)
class FamilyOptions:
    """Options of `telephone lineage family`."""

    n: int = 8
    """Held-out prompts of each level."""
    levels: tuple[str, ...] = ("easy", "medium")
    """Levels of the prompts: easy, medium, hard, impossible."""
    models: tuple[str, ...] = ()
    """Addresses of the drawers; left out, those of the family that are installed."""
    seed: int = 0
    """Another seed gives other pictures of the same prompts."""


@dataclass(frozen=True)
class DrawerResult:
    """What one drawer gave; lists have one entry a prompt."""

    ref: str
    facts: dict[str, list[float]]
    """Share of facts kept by level."""
    sizes: dict[str, list[float]]
    """Number of facts of each prompt by level."""
    things: dict[str, list[tuple[float, float]]]
    """Of each prompt the share of its things that are there, and of its colours that are right, by level."""
    seconds: list[float]
    """Of each picture."""
    parameters: int | None
    diversity: list[float]
    """Share of facts that differ between two pictures of one prompt, mean over pairs of seeds."""
    distance: list[float]
    """Cosine distance of their CLIP embeddings, mean over pairs of seeds."""
    images: list[Image.Image]
    """Pictures of the first prompts of the first level."""
    seen: list[Scene]


def run(context: LineageContext, options: FamilyOptions) -> OperationResult:
    """Draws the same prompts with every drawer that is installed.

    Raises:
        UsageError: a level is unknown, n is below 1, or a drawer that was asked for does not exist.
    """
    levels = _levels(options.levels)
    if options.n < 1:
        raise UsageError(f"n is {options.n}: ask for at least one prompt of each level.")
    refs = list(options.models) or [member.ref for member in MEMBERS if member.ref]
    lacking = {ref: context.lacks(ref, "text2image") for ref in refs}
    found = [measure_drawer(context, ref, levels, options) for ref in refs if not lacking[ref]]
    found.sort(key=lambda each: -float(np.mean(_all(each))))
    decision = _compare_diversity({each.ref: each for each in found}, lacking)
    prompts = context.scenes(levels[0], min(3, options.n))
    return OperationResult(
        "family",
        decision.verdict,
        decision.reason,
        tuple(_measures(found, decision)),
        tuple(_strips(context, prompts, found)),
        _tables(found, refs, lacking),
        files={"tree.svg": _tree(found, lacking, context.captions(prompts)[0]).encode()},
        notes=_NOTES,
    )


_NOTES = (
    "Pocket models are small and were trained for minutes: an order of the drawers here is none of the papers' models.",
    "Seconds are those of this machine, measured when the picture was first drawn.",
    "Diversity counts differences of any kind, also facts that were lost: read it beside the facts kept.",
)


def measure_drawer(context: LineageContext, ref: str, levels: Sequence[Level], options: FamilyOptions) -> DrawerResult:
    """Returns what a drawer makes of the held-out prompts.

    Args:
        context: makes the calls.
        ref: address of a text-to-image model.
        levels: of the prompts.
        options: number of prompts and seed.
    """
    n = min(options.n, FEW) if ref.split("?")[0] in _SLOW else options.n
    facts: dict[str, list[float]] = {}
    sizes: dict[str, list[float]] = {}
    things: dict[str, list[tuple[float, float]]] = {}
    seconds: list[float] = []
    pictures: dict[str, list[Image.Image]] = {}
    for level in levels:
        scenes = context.scenes(level, n)
        calls = context.draw_calls(ref, context.captions(scenes), _seeds(options, level, n))
        pictures[level] = [_picture(call) for call in calls]
        seen = context.read(pictures[level])
        facts[level] = recalls(scenes, seen)
        things[level] = [things_kept(truth, own) for truth, own in zip(scenes, seen, strict=True)]
        sizes[level] = fact_counts(scenes)
        seconds += [call.seconds for call in calls]
    diversity, distance = _diversity(context, ref, levels[0], min(n, _FEWEST_DIVERSE), options)
    first = pictures[levels[0]][:3]
    return DrawerResult(
        ref, facts, sizes, things, seconds, parameters_of(ref), diversity, distance, first, context.read(first)
    )


def things_kept(truth: Scene, seen: Scene) -> tuple[float, float]:
    """Returns the share of things that are there, and the share of colours that are right; 1 where none is asked for.

    A thing is there if one of its kind is seen that is not another thing's; of several the one of its colour is taken.

    Args:
        truth: what was asked for.
        seen: what the reader sees.
    """
    left = list(seen.things)
    found: dict[int, str | None] = {}
    for same_colour in (True, False):
        for index, thing in enumerate(truth.things):
            fits = [
                each for each in left if each.kind == thing.kind and (each.colour == thing.colour or not same_colour)
            ]
            if index not in found and fits:
                found[index] = fits[0].colour
                left.remove(fits[0])
    painted = [index for index, thing in enumerate(truth.things) if thing.colour is not None]
    right = sum(index in found and found[index] == truth.things[index].colour for index in painted)
    there = len(found) / len(truth.things) if truth.things else 1.0
    return there, right / len(painted) if painted else 1.0


def _diversity(
    context: LineageContext, ref: str, level: Level, n: int, options: FamilyOptions
) -> tuple[list[float], list[float]]:
    """Returns by prompt how much pictures of different seeds differ: in facts, and in CLIP's embedding."""
    texts = [text for text in context.captions(context.scenes(level, n)) for _ in range(_SEEDS)]
    seeds = [seed for index in range(n) for seed in _seeds_of(options, level, index)]
    images = context.draw(ref, texts, seeds)
    seen, rows = context.read(images), context.embed_images(CLIP, images)
    facts, distances = [], []
    for start in range(0, len(images), _SEEDS):
        pairs = list(combinations(range(start, start + _SEEDS), 2))
        facts.append(float(np.mean([_difference(seen[a], seen[b]) for a, b in pairs])))
        distances.append(float(np.mean([1 - float(rows[a] @ rows[b]) for a, b in pairs])))
    return facts, distances


def _difference(one: Scene, other: Scene) -> float:
    """Returns the share of facts that two scenes do not share, in [0, 1]; 0 if both are empty."""
    agreement = world.compare(one, other).f1
    return 0.0 if agreement is None else 1.0 - agreement


def parameters_of(ref: str) -> int | None:
    """Returns the number of weights of a pocket model and of the nets that it uses; None for other models."""
    from telephone.models.pocket.catalogue import NETS

    provider, _, name = ref.split("?")[0].partition("/")
    net = next((each for each in NETS if provider == "pocket" and each.name == name), None)
    return None if net is None else sum(_count(path) for path in net.locate_all())


def _count(path: Path) -> int:
    """Returns the number of weights in a safetensors file, from its header."""
    with path.open("rb") as file:
        header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(
        prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__" and not name.endswith(":scale")
    )


def _compare_diversity(found: dict[str, DrawerResult], lacking: dict[str, str]) -> Decision:
    """Judges the claim of the unCLIP paper about GLIDE, where both are installed."""
    name = "CLIP distance between pictures of one prompt, unCLIP minus GLIDE"
    glide, unclip = found.get("pocket/glide"), found.get("pocket/dalle-2")
    if glide is None or unclip is None:
        absent = "pocket/glide" if glide is None else "pocket/dalle-2"
        return impossible(name, f"{absent} is not among the drawers: {lacking.get(absent) or 'name it with --models'}")
    n = min(len(glide.distance), len(unclip.distance))
    decision = judge_difference(name, unclip.distance[:n], glide.distance[:n], unit="cosine")
    facts = " and ".join(f"{in_words(float(np.mean(_all(each))), 'share')} ({each.ref})" for each in (unclip, glide))
    return Decision(decision.verdict, f"{decision.reason} Facts kept: {facts}.", decision.estimate)


def _measures(found: Sequence[DrawerResult], decision: Decision) -> list[Estimate]:
    kept = [
        share_estimate(f"facts kept by {each.ref}, {level} prompts", each.facts[level], each.sizes[level])
        for each in found
        for level in each.facts
    ]
    varied = [mean_estimate(f"CLIP distance between seeds, {each.ref}", each.distance, "cosine") for each in found]
    return [decision.estimate, *kept, *varied] if decision.verdict is not Verdict.IMPOSSIBLE else [*kept, *varied]


def _row(drawer: DrawerResult) -> dict[str, Any]:
    row: dict[str, Any] = {"drawer": drawer.ref}
    for level, values in drawer.facts.items():
        row[f"facts kept, {level}"] = float(np.mean(values))
    row |= {
        "seconds a picture": float(np.median(drawer.seconds)),
        "parameters": drawer.parameters,
        "facts that differ between seeds": float(np.mean(drawer.diversity)),
        "CLIP distance between seeds": float(np.mean(drawer.distance)),
        "prompts": len(_all(drawer)),
    }
    return row


def _tables(
    found: Sequence[DrawerResult], refs: Sequence[str], lacking: dict[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Returns a row a drawer, a row a drawer and level, and what is not installed."""
    tables = {
        "Drawers": [_row(each) for each in found],
        "Things and their colours": [
            {
                "drawer": each.ref,
                "level": level,
                "share of things there": float(np.mean([there for there, _ in pairs])),
                "share of colours right": float(np.mean([right for _, right in pairs])),
                "prompts": len(pairs),
            }
            for each in found
            for level, pairs in each.things.items()
        ],
        "Not installed": [{"drawer": ref, "not shown because": lacking[ref]} for ref in refs if lacking[ref]],
    }
    return {title: rows for title, rows in tables.items() if rows}


def _strips(context: LineageContext, prompts: Sequence[Scene], found: Sequence[DrawerResult]) -> list[Strip]:
    truths = context.pictures(prompts)
    names = {member.ref: member.name for member in MEMBERS}
    strips = []
    for index, (scene, picture) in enumerate(zip(prompts, truths, strict=True)):
        cells = [Cell(picture, "the scene itself", scene)]
        cells += [
            Cell(each.images[index], names.get(each.ref, each.ref), each.seen[index])
            for each in found
            if index < len(each.images)
        ]
        strips.append(Strip(tuple(cells), context.captions([scene])[0], scene))
    return strips


def _tree(found: Sequence[DrawerResult], lacking: dict[str, str], prompt: str) -> str:
    drawn = {each.ref: each for each in found}
    states = {}
    for member in MEMBERS:
        if member.ref:
            states[member.key] = _state(member, drawn.get(member.ref), lacking.get(member.ref, ""))
    return family_tree(states, prompt)


def _state(member: Member, drawer: DrawerResult | None, reason: str) -> MemberState:
    if drawer is None:
        return MemberState("weights are not installed" if reason else "not asked for", None, reason)
    kept = in_words(float(np.mean(_all(drawer))), "share")
    seconds = float(np.median(drawer.seconds))
    size = f"{drawer.parameters / 1e6:.1f} M weights" if drawer.parameters else ""
    return MemberState(f"{kept} of facts\n{seconds:.2g} s a picture\n{size}".strip(), drawer.images[0])


def _all(drawer: DrawerResult) -> list[float]:
    return [value for values in drawer.facts.values() for value in values]


def _seeds(options: FamilyOptions, level: str, n: int) -> list[int]:
    return [_seeds_of(options, level, index)[0] for index in range(n)]


def _seeds_of(options: FamilyOptions, level: str, index: int) -> list[int]:
    return [derive("lineage family", options.seed, level, index, number) for number in range(_SEEDS)]


def _picture(call: Call) -> Image.Image:
    assert call.result is not None
    return decode(call.result.data)


def _levels(names: Sequence[str]) -> list[Level]:
    strange = [name for name in names if name not in LEVELS]
    if strange or not names:
        raise UsageError(f"{', '.join(strange) or 'nothing'!r} is no level: use {', '.join(LEVELS)}.")
    return [level for level in LEVELS if level in names]


OPERATION = Operation(
    "family",
    "The family, on the same prompts",
    "Ramesh et al. 2022, arXiv 2204.06125, section 5.2",
    "unCLIP draws more diverse pictures of one caption than GLIDE, at a similar match to the caption.",
    "family",
    FamilyOptions,
    run,
)
