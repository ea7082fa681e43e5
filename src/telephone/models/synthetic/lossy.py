"""Fake players of the pocket world that drop, swap and invent facts at set rates: the truth about them is known.

The sketcher reads a text, loses facts and hands the rest on as a code of cells; the teller reads the code, loses facts
and tells the rest. Each text is signed with a word of its own, or else a game in which nothing was lost once would
never lose anything again: equal input and equal seed give equal answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from telephone.core.seeds import derive, digest
from telephone.models import barcode
from telephone.models.base import Image2Text, Text2Image, Traits
from telephone.models.provider import Parser, number
from telephone.world.scene import (
    COLOURS,
    COUNTS,
    KINDS,
    MAX_THINGS,
    PLACES,
    RELATIONS,
    SETTINGS,
    SIZES,
    STYLES,
    TIMES,
    WEATHERS,
    Relation,
    Scene,
    Thing,
)

ATTRIBUTES = ("setting", "time", "weather", "style", "kind", "colour", "size", "count", "place", "relation")
_LETTERS = "bcdfghjklmnpqrtv"
_WHOLE: dict[str, tuple[str, ...]] = {"time": TIMES, "weather": WEATHERS, "style": STYLES}


@dataclass(frozen=True)
class Losses:
    """How a forgetful player forgets, at every call anew."""

    drop: float = 0.0
    """The chance in [0, 1] that a fact is left out; a thing without its kind is gone, with all that belongs to it."""
    swap: float = 0.0
    """The chance that a fact which is not dropped becomes another one."""
    invent: float = 0.0
    """The chance that a coloured thing is added, where there is room."""
    only: str = ""
    """The attributes that are dropped and swapped, joined by hyphens; empty is all of them."""

    def traits(self, name: str) -> Traits:
        """Returns the traits of the player of this name."""
        print_ = digest("forgetful", name, 1, self.drop, self.swap, self.invent, self.only)
        return Traits(print_, batch_size=64, seeds=True, price=0.0)


class Sketcher(Text2Image):
    """Draws what it has not forgotten of a text as a code, which `Teller` and the judge of facts can read."""

    def __init__(self, **options: Any) -> None:
        self.losses = Losses(**options)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Image.Image]:
        """Returns one picture a text."""
        chosen = seeds or [0] * len(texts)
        return [
            barcode.draw(_pass_on(text, self.losses, seed).encode()) for text, seed in zip(texts, chosen, strict=True)
        ]

    def traits(self) -> Traits:
        """Returns what the player is."""
        return self.losses.traits("sketcher")


class Teller(Image2Text):
    """Tells what it has not forgotten of a sketcher's picture; any other picture is empty to it."""

    def __init__(self, **options: Any) -> None:
        self.losses = Losses(**options)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one text a picture."""
        chosen = seeds or [0] * len(images)
        return [_pass_on(_shown(image), self.losses, seed) for image, seed in zip(images, chosen, strict=True)]

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str]:
        """Returns the right answer to each question about a picture, `I cannot tell.` where there is none."""
        from telephone import world
        from telephone.world.questions import answer

        pairs = zip(images, questions, strict=True)
        return [answer(world.parse(_shown(image)), question) or "I cannot tell." for image, question in pairs]

    def traits(self) -> Traits:
        """Returns what the player is."""
        return self.losses.traits("teller")


def forget(scene: Scene, losses: Losses, seed: int) -> Scene:
    """Returns what is left of a scene; the same scene, losses and seed leave the same.

    A swap that would make a scene that cannot be, such as two groups of one kind and colour, is left undone.
    """
    mind = _Mind(losses, seed)
    made = _around(scene, mind)
    gone = {at for at in range(len(scene.things)) if mind.drops("kind", at)}
    for at in range(len(scene.things)):
        if at not in gone:
            made = _thing(made, at, mind)
    return _invent(_without(made, gone), mind)


class _Mind:
    """Throws the dice, each from its own description."""

    def __init__(self, losses: Losses, seed: int) -> None:
        self._losses, self._seed = losses, seed
        self._touched = set(losses.only.split("-")) if losses.only else set(ATTRIBUTES)

    def drops(self, attribute: str, at: object = "") -> bool:
        return attribute in self._touched and self._dice("drop", attribute, at) < self._losses.drop

    def swaps(self, attribute: str, at: object = "") -> bool:
        return attribute in self._touched and self._dice("swap", attribute, at) < self._losses.swap

    def invents(self) -> bool:
        return self._dice("invent") < self._losses.invent

    def other(self, values: Sequence[Any], now: Any, *what: object) -> Any:
        """Returns another one of the values."""
        free = [value for value in values if value != now]
        return free[derive("other", self._seed, *what) % len(free)]

    def _dice(self, *what: object) -> float:
        return derive("forget", self._seed, *what) / 2**32


def _around(scene: Scene, mind: _Mind) -> Scene:
    made = scene
    for attribute, values in _WHOLE.items():
        if getattr(scene, attribute) == values[0]:
            continue
        if mind.drops(attribute):
            made = _changed(made, {attribute: values[0]})
        elif mind.swaps(attribute):
            made = _changed(made, {attribute: mind.other(values[1:], getattr(scene, attribute), attribute)})
    if scene.setting is None:
        return made
    if mind.drops("setting"):
        return replace(made, setting=None)
    on_earth = [setting for setting in SETTINGS if setting != "space"]  # space would take time and weather away
    return replace(made, setting=mind.other(on_earth, scene.setting, "setting")) if mind.swaps("setting") else made


def _changed(scene: Scene, change: dict[str, Any]) -> Scene:
    return replace(scene, **change)


def _thing(scene: Scene, at: int, mind: _Mind) -> Scene:
    """Returns the scene with one thing as it is remembered, attribute by attribute."""
    choices: dict[str, tuple[Sequence[Any], Any]] = {
        "kind": (KINDS, None), "colour": (COLOURS, None), "size": (SIZES[1:], SIZES[0]),
        "count": (COUNTS[1:], COUNTS[0]), "place": (PLACES, None),
    }  # fmt: skip
    for attribute, (values, silent) in choices.items():
        now = getattr(scene.things[at], attribute)
        if now == silent:
            continue
        if attribute != "kind" and mind.drops(attribute, at):
            scene = _with(scene, at, **{attribute: silent})
        elif mind.swaps(attribute, at):
            scene = _with(scene, at, **{attribute: mind.other(values, now, attribute, at)})
    return _relation(scene, at, mind)


def _relation(scene: Scene, at: int, mind: _Mind) -> Scene:
    found = next((relation for relation in scene.relations if relation.subject == at), None)
    if found is None:
        return scene
    rest = tuple(relation for relation in scene.relations if relation != found)
    if mind.drops("relation", at):
        return replace(scene, relations=rest)
    if mind.swaps("relation", at):
        other = found._replace(name=mind.other(RELATIONS, found.name, "relation", at))
        return replace(scene, relations=tuple(sorted((*rest, other))))
    return scene


def _with(scene: Scene, at: int, **change: Any) -> Scene:
    things = tuple(replace(thing, **change) if index == at else thing for index, thing in enumerate(scene.things))
    try:
        return replace(scene, things=things)
    except ValueError:  # a scene that cannot be
        return scene


def _without(scene: Scene, gone: set[int]) -> Scene:
    kept = [at for at in range(len(scene.things)) if at not in gone]
    place = {at: index for index, at in enumerate(kept)}
    relations = tuple(
        Relation(place[relation.subject], relation.name, place[relation.anchor])
        for relation in scene.relations
        if relation.subject in place and relation.anchor in place
    )
    return replace(scene, things=tuple(scene.things[at] for at in kept), relations=relations)


def _invent(scene: Scene, mind: _Mind) -> Scene:
    if len(scene.things) == MAX_THINGS or not mind.invents():
        return scene
    here = {thing.kind for thing in scene.things}
    new = Thing(
        mind.other([kind for kind in KINDS if kind not in here], None, "new"), mind.other(COLOURS, None, "paint")
    )
    return replace(scene, things=(*scene.things, new))


def _pass_on(text: str, losses: Losses, seed: int) -> str:
    from telephone import world

    own = derive("forgetful", seed, text)
    told = world.caption(forget(world.parse(text), losses, own), wording="plain")
    signature = "".join(_LETTERS[own >> shift & 15] for shift in range(0, 32, 4))
    return f"{told} Signed: {signature}."


def _shown(image: Image.Image) -> str:
    data = barcode.read(image)
    return "" if data is None else data.decode(errors="replace")


def _attributes(text: str) -> object:
    strange = sorted(set(text.split("-")) - set(ATTRIBUTES))
    if strange:
        raise ValueError(f"give some of {', '.join(ATTRIBUTES)}, joined by hyphens")
    return text


OPTIONS: dict[str, Parser] = {"drop": number(0, 1), "swap": number(0, 1), "invent": number(0, 1), "only": _attributes}
