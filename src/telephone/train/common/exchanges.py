"""What is said between a human and an assistant about a picture: instructions, and the answers that a scene gives."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from telephone import world
from telephone.train.common.data import telling
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
"""The phrasings of each kind of task; the first one is the one that a player asks by itself."""
ALL = ("detailed", "sentence", "short", "chinese", "question")
"""Every kind of exchange."""
SHARES = {"detailed": 0.4, "sentence": 0.15, "short": 0.08, "chinese": 0.15, "question": 0.22}
"""How often each kind is drawn, among those that are asked for."""


class Exchange(NamedTuple):
    """What is asked of a picture, and the right answer."""

    instruction: str
    answer: str


def exchange(scene: Scene, rng: np.random.Generator, kinds: Sequence[str] = ALL) -> Exchange:
    """Returns an instruction with its answer.

    Args:
        scene: what the picture shows; it is told as somebody tells it who sees only the picture.
        rng: draws kind, phrasing and question.
        kinds: some of `ALL`.

    Raises:
        KeyError: there is no such kind.
    """
    shares = np.array([SHARES[kind] for kind in kinds])
    kind = kinds[rng.choice(len(kinds), p=shares / shares.sum())]
    if kind == "question":
        return Exchange(*questions(scene, rng))
    phrases = INSTRUCTIONS[kind]
    return Exchange(phrases[rng.integers(len(phrases))], ANSWERS[kind](telling(scene)))


def first_things(scene: Scene) -> Scene:
    """Returns the scene with what strikes first: one thing, two if there are more than three, and the setting."""
    kept = scene.things[: 2 if len(scene.things) > 3 else 1]
    return Scene(scene.setting, things=tuple(replace(thing, place=None) for thing in kept))


def sentence(scene: Scene) -> str:
    """Returns the scene in one sentence; one that names no thing does not claim that there is none."""
    if scene.things or not (around := world.caption(scene, "en", "short")):
        return world.caption(scene, "en", "plain")
    return f"{around[0].upper()}{around[1:]}."


ANSWERS: dict[str, Callable[[Scene], str]] = {
    "detailed": lambda scene: world.caption(scene, "en", "detailed"),
    "sentence": sentence,
    "short": lambda scene: world.caption(first_things(scene), "en", "plain"),
    "chinese": lambda scene: world.caption(scene, "zh", "detailed"),
}
"""What the answer to each kind of task is."""


def context(scene: Scene, rng: np.random.Generator) -> str:
    """Returns the scene in any wording of any language, things in any order: what a text has in place of a picture."""
    told = telling(scene)
    order = rng.permutation(len(told.things))
    told = replace(told, things=tuple(told.things[index] for index in order))
    wordings = [(lang, wording) for lang, wordings in world.WORDINGS.items() for wording in wordings]
    return world.caption(told, *wordings[rng.integers(len(wordings))])
