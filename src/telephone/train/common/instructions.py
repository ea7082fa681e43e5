"""Instructions about an image, and the right answers of a scene: the training data of instruction tuning."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from telephone import world
from telephone.train.common.data import visible
from telephone.world.questions import questions
from telephone.world.scene import Scene

DETAILED = "Write a detailed description of this image."
"""The task description of the experiment."""

INSTRUCTIONS: dict[str, tuple[str, ...]] = {
    "detailed": (
        DETAILED,
        "Describe this image in detail.",
        "Describe the picture as exactly as you can.",
        "What do you see in this picture? Tell me everything.",
    ),
    "sentence": (
        "Describe this image in one sentence.",
        "Write a caption for this image.",
        "Say in one sentence what this picture shows.",
    ),
    "short": (
        "Describe this image in a few words.",
        "Write a short description of this image.",
        "What is the most important thing in this picture?",
    ),
    "chinese": (
        "用中文描述这张图片。",
        "请详细描述这幅画。",
        "Describe this image in Chinese.",
    ),
}
"""The phrasings of each kind of task; the first one is the default of a model."""
ALL = ("detailed", "sentence", "short", "chinese", "question")
"""Every kind of instruction."""
SHARES = {"detailed": 0.4, "sentence": 0.15, "short": 0.08, "chinese": 0.15, "question": 0.22}
"""Relative frequency of each kind."""


class Instruction(NamedTuple):
    """An instruction about an image, and the right answer."""

    text: str
    answer: str


def instruction(scene: Scene, rng: np.random.Generator, kinds: Sequence[str] = ALL) -> Instruction:
    """Returns a random instruction with its answer.

    Args:
        scene: what the image shows; the answer states what is visible.
        rng: draws kind, phrasing and question.
        kinds: some of `ALL`.

    Raises:
        KeyError: there is no such kind.
    """
    shares = np.array([SHARES[kind] for kind in kinds])
    kind = kinds[rng.choice(len(kinds), p=shares / shares.sum())]
    if kind == "question":
        return Instruction(*questions(scene, rng))
    phrases = INSTRUCTIONS[kind]
    return Instruction(phrases[rng.integers(len(phrases))], ANSWERS[kind](visible(scene)))


def most_salient(scene: Scene) -> Scene:
    """Returns the scene reduced to its setting and its first thing, or its first two if there are more than three."""
    kept = scene.things[: 2 if len(scene.things) > 3 else 1]
    return Scene(scene.setting, things=tuple(replace(thing, place=None) for thing in kept))


def sentence(scene: Scene) -> str:
    """Returns the scene in one sentence; a scene without things is described by its setting alone."""
    if scene.things or not (around := world.caption(scene, "en", "short")):
        return world.caption(scene, "en", "plain")
    return f"{around[0].upper()}{around[1:]}."


ANSWERS: dict[str, Callable[[Scene], str]] = {
    "detailed": lambda scene: world.caption(scene, "en", "detailed"),
    "sentence": sentence,
    "short": lambda scene: world.caption(most_salient(scene), "en", "plain"),
    "chinese": lambda scene: world.caption(scene, "zh", "detailed"),
}
"""The answer to each kind of task."""


def description(scene: Scene, rng: np.random.Generator) -> str:
    """Returns a text that takes the place of an image: any wording of any language, things in any order."""
    shown = visible(scene)
    order = rng.permutation(len(shown.things))
    shown = replace(shown, things=tuple(shown.things[index] for index in order))
    wordings = [(lang, wording) for lang, wordings in world.WORDINGS.items() for wording in wordings]
    return world.caption(shown, *wordings[rng.integers(len(wordings))])
