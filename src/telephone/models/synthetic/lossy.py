"""Fake models of the pocket world that drop, swap and invent facts at set rates, so that the true losses are known.

The text-to-image model parses a text, loses facts and encodes the rest as an image of cells; the image-to-text model
decodes the image, loses facts and returns the rest. Every text ends with a pseudo-random word: equal input and seed
give equal outputs, so without it a game that loses nothing at one turn would never lose anything later.
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
class LossRates:
    """Rates at which facts are lost, drawn independently at each call."""

    drop: float = 0.0
    """Probability in [0, 1] that a fact is dropped; dropping a thing's kind drops the thing with all its facts."""
    swap: float = 0.0
    """Probability that a fact which is not dropped is replaced by another value."""
    invent: float = 0.0
    """Probability that a coloured thing is added, if there is room."""
    only: str = ""
    """The attributes that are dropped and swapped, joined by hyphens; empty is all of them."""

    def traits(self, name: str) -> Traits:
        """Returns the traits of the model of this name."""
        fingerprint = digest("forgetful", name, 1, self.drop, self.swap, self.invent, self.only)
        return Traits(fingerprint, batch_size=64, seeds=True, price=0.0)


class LossyText2Image(Text2Image):
    """`fake/sketcher`: encodes the facts it keeps; `fake/teller` and the judge of image facts can decode them."""

    def __init__(self, **options: Any) -> None:
        self.rates = LossRates(**options)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Image.Image]:
        """Returns one image a text."""
        chosen = seeds or [0] * len(texts)
        return [
            barcode.draw(_lossy_text(text, self.rates, seed).encode()) for text, seed in zip(texts, chosen, strict=True)
        ]

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return self.rates.traits("sketcher")


class LossyImage2Text(Image2Text):
    """`fake/teller`: describes the facts it keeps of an image of `fake/sketcher`; another image is an empty scene."""

    def __init__(self, **options: Any) -> None:
        self.rates = LossRates(**options)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one text an image."""
        chosen = seeds or [0] * len(images)
        return [_lossy_text(_encoded_text(image), self.rates, seed) for image, seed in zip(images, chosen, strict=True)]

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str]:
        """Returns the correct answer to each question about an image, `I cannot tell.` where there is none."""
        from telephone import world
        from telephone.world.questions import answer

        pairs = zip(images, questions, strict=True)
        return [answer(world.parse(_encoded_text(image)), question) or "I cannot tell." for image, question in pairs]

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return self.rates.traits("teller")


def forget(scene: Scene, rates: LossRates, seed: int) -> Scene:
    """Returns the scene without the lost facts; equal scene, rates and seed give equal results.

    A swap that would make a scene that cannot be, such as two groups of one kind and colour, is left undone.
    """
    draws = _LossDraws(rates, seed)
    result = _around(scene, draws)
    dropped = {at for at in range(len(scene.things)) if draws.drops("kind", at)}
    for at in range(len(scene.things)):
        if at not in dropped:
            result = _thing(result, at, draws)
    return _invent(_without(result, dropped), draws)


class _LossDraws:
    """The random decisions of one call, each derived from its own key."""

    def __init__(self, rates: LossRates, seed: int) -> None:
        self._rates, self._seed = rates, seed
        self._attributes_lost = set(rates.only.split("-")) if rates.only else set(ATTRIBUTES)

    def drops(self, attribute: str, at: object = "") -> bool:
        return attribute in self._attributes_lost and self._uniform("drop", attribute, at) < self._rates.drop

    def swaps(self, attribute: str, at: object = "") -> bool:
        return attribute in self._attributes_lost and self._uniform("swap", attribute, at) < self._rates.swap

    def invents(self) -> bool:
        return self._uniform("invent") < self._rates.invent

    def other(self, values: Sequence[Any], now: Any, *what: object) -> Any:
        """Returns a different one of the values."""
        free = [value for value in values if value != now]
        return free[derive("other", self._seed, *what) % len(free)]

    def _uniform(self, *what: object) -> float:
        return derive("forget", self._seed, *what) / 2**32


def _around(scene: Scene, draws: _LossDraws) -> Scene:
    result = scene
    for attribute, values in _WHOLE.items():
        if getattr(scene, attribute) == values[0]:
            continue
        if draws.drops(attribute):
            result = _changed(result, {attribute: values[0]})
        elif draws.swaps(attribute):
            result = _changed(result, {attribute: draws.other(values[1:], getattr(scene, attribute), attribute)})
    if scene.setting is None:
        return result
    if draws.drops("setting"):
        return replace(result, setting=None)
    if not draws.swaps("setting"):
        return result
    on_earth = [setting for setting in SETTINGS if setting != "space"]  # in space there is no time and no weather
    return replace(result, setting=draws.other(on_earth, scene.setting, "setting"))


def _changed(scene: Scene, change: dict[str, Any]) -> Scene:
    return replace(scene, **change)


def _thing(scene: Scene, at: int, draws: _LossDraws) -> Scene:
    """Returns the scene with the facts of one thing dropped or swapped."""
    choices: dict[str, tuple[Sequence[Any], Any]] = {
        "kind": (KINDS, None), "colour": (COLOURS, None), "size": (SIZES[1:], SIZES[0]),
        "count": (COUNTS[1:], COUNTS[0]), "place": (PLACES, None),
    }  # fmt: skip
    for attribute, (values, silent) in choices.items():
        now = getattr(scene.things[at], attribute)
        if now == silent:
            continue
        if attribute != "kind" and draws.drops(attribute, at):
            scene = _with(scene, at, **{attribute: silent})
        elif draws.swaps(attribute, at):
            scene = _with(scene, at, **{attribute: draws.other(values, now, attribute, at)})
    return _relation(scene, at, draws)


def _relation(scene: Scene, at: int, draws: _LossDraws) -> Scene:
    found = next((relation for relation in scene.relations if relation.subject == at), None)
    if found is None:
        return scene
    rest = tuple(relation for relation in scene.relations if relation != found)
    if draws.drops("relation", at):
        return replace(scene, relations=rest)
    if draws.swaps("relation", at):
        other = found._replace(name=draws.other(RELATIONS, found.name, "relation", at))
        return replace(scene, relations=tuple(sorted((*rest, other))))
    return scene


def _with(scene: Scene, at: int, **change: Any) -> Scene:
    things = tuple(replace(thing, **change) if index == at else thing for index, thing in enumerate(scene.things))
    try:
        return replace(scene, things=things)
    except ValueError:  # a scene that cannot be
        return scene


def _without(scene: Scene, dropped: set[int]) -> Scene:
    kept = [at for at in range(len(scene.things)) if at not in dropped]
    place = {at: index for index, at in enumerate(kept)}
    relations = tuple(
        Relation(place[relation.subject], relation.name, place[relation.anchor])
        for relation in scene.relations
        if relation.subject in place and relation.anchor in place
    )
    return replace(scene, things=tuple(scene.things[at] for at in kept), relations=relations)


def _invent(scene: Scene, draws: _LossDraws) -> Scene:
    if len(scene.things) == MAX_THINGS or not draws.invents():
        return scene
    here = {thing.kind for thing in scene.things}
    new = Thing(
        draws.other([kind for kind in KINDS if kind not in here], None, "new"), draws.other(COLOURS, None, "paint")
    )
    return replace(scene, things=(*scene.things, new))


def _lossy_text(text: str, rates: LossRates, seed: int) -> str:
    from telephone import world

    own = derive("forgetful", seed, text)
    caption = world.caption(forget(world.parse(text), rates, own), wording="plain")
    signature = "".join(_LETTERS[own >> shift & 15] for shift in range(0, 32, 4))
    return f"{caption} Signed: {signature}."


def _encoded_text(image: Image.Image) -> str:
    data = barcode.read(image)
    return "" if data is None else data.decode(errors="replace")


def _attributes(text: str) -> object:
    strange = sorted(set(text.split("-")) - set(ATTRIBUTES))
    if strange:
        raise ValueError(f"give some of {', '.join(ATTRIBUTES)}, joined by hyphens")
    return text


OPTIONS: dict[str, Parser] = {"drop": number(0, 1), "swap": number(0, 1), "invent": number(0, 1), "only": _attributes}
