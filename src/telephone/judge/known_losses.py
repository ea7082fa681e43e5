"""Pairs of texts of which it is known exactly how many facts the second one keeps of the first: rewordings and losses.

Scenes of the pocket world are sampled with seeds of their own. All wordings of a scene are compared with each other
(nothing is lost), and one of them with the scene after one or more facts were dropped or replaced, in any wording, and
with an unrelated scene.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from telephone import world
from telephone.core.errors import WorldError
from telephone.core.records import LEVELS
from telephone.core.seeds import derive
from telephone.world.scene import (
    COLOURS,
    COUNTS,
    KINDS,
    PLACES,
    SETTINGS,
    SIZES,
    STYLES,
    TIMES,
    WEATHERS,
    Atom,
    Relation,
    Scene,
)

_LABEL = "similarity calibration"
"""Part of the seeds of the scenes, which no prompt set and no training uses: never change it."""
LARGER_LOSSES = 4
"""Losses a scene besides those of one and two facts; their numbers of lost facts are uniform."""
_DEFAULTS: dict[str, str | int | None] = {
    "setting": None, "time": TIMES[0], "weather": WEATHERS[0], "style": STYLES[0],
    "colour": None, "size": SIZES[0], "count": COUNTS[0], "place": None,
}  # fmt: skip
_VALUES: dict[str, tuple[str | int, ...]] = {
    "setting": SETTINGS, "time": TIMES[1:], "weather": WEATHERS[1:], "style": STYLES[1:], "kind": KINDS,
    "colour": COLOURS, "size": SIZES[1:], "count": COUNTS[1:], "place": PLACES,
}  # fmt: skip
_ATTEMPTS = 50


@dataclass(frozen=True)
class KnownPair:
    """A text, another text, and what the second keeps of the first."""

    reference: str
    text: str
    kept: float
    """Share of the facts of the reference that the text states, in [0, 1]; 1 for a rewording."""
    lost: int
    """Facts that the text does not keep; 0 is a rewording."""
    wordings: tuple[str, str]
    """Wordings of the reference and of the text."""


def known_pairs(scenes: int, lang: str = "en") -> list[KnownPair]:
    """Returns rewordings, losses and one unrelated text a scene, levels in equal numbers.

    Args:
        scenes: number of scenes; English gives about 17 pairs a scene, Chinese 10.
        lang: `en` or `zh`.
    """
    return [pair for number in range(scenes) for pair in _pairs(number, lang)]


def _pairs(number: int, lang: str) -> Iterator[KnownPair]:
    draw = random.Random(derive(_LABEL, lang, number))
    level = LEVELS[number % len(LEVELS)]
    scene = world.sample(level, derive(_LABEL, "scene", lang, number))
    texts = {wording: world.caption(scene, lang, wording) for wording in world.WORDINGS[lang]}
    for one, other in itertools.combinations(texts, 2):
        if texts[one] != texts[other]:
            yield KnownPair(texts[one], texts[other], 1.0, 0, (one, other))
    wording = draw.choice(list(texts))
    facts = len(world.atoms(scene))
    numbers = [1, 2, *(draw.randint(1, facts) for _ in range(LARGER_LOSSES))]
    for changed in (*(lose(scene, lost, draw) for lost in numbers), _unrelated(lang, number)):
        found = world.compare(scene, changed)
        lost = facts - len(found.kept)
        if lost:
            other = draw.choice(list(texts))
            text = world.caption(changed, lang, other)
            yield KnownPair(texts[wording], text, float(found.recall or 0.0), lost, (wording, other))


def _unrelated(lang: str, number: int) -> Scene:
    return world.sample(LEVELS[number % len(LEVELS)], derive(_LABEL, "unrelated", lang, number))


def lose(scene: Scene, facts: int, draw: random.Random) -> Scene:
    """Returns the scene after so many changes: each drops a fact or replaces its value, at equal odds.

    Args:
        scene: any scene.
        facts: number of changes; fewer where the scene states no more facts.
        draw: decides which.
    """
    for _ in range(facts):
        scene = _changed(scene, draw)
    return scene


def _changed(scene: Scene, draw: random.Random) -> Scene:
    """Some changes give invalid scenes, such as two equal groups; others are then drawn."""
    for _ in range(_ATTEMPTS):
        stated = world.atoms(scene)
        if not stated:
            break
        try:
            return _without(scene, draw.choice(stated), draw)
        except WorldError:
            continue
    return scene


def _without(scene: Scene, fact: Atom, draw: random.Random) -> Scene:
    dropped = draw.random() < 0.5
    if fact.attribute == "relation":
        return replace(scene, relations=tuple(each for each in scene.relations if each.subject != fact.thing))
    if fact.attribute == "kind" and dropped and fact.thing is not None:
        return _without_thing(scene, fact.thing)
    others = [value for value in _VALUES[fact.attribute] if value != fact.value]
    value = _DEFAULTS[fact.attribute] if dropped and fact.attribute in _DEFAULTS else draw.choice(others)
    changes: dict[str, object] = {fact.attribute: value}
    if fact.thing is None:
        return replace(scene, **changes)  # type: ignore[arg-type]
    things = list(scene.things)
    things[fact.thing] = replace(things[fact.thing], **changes)  # type: ignore[arg-type]
    return replace(scene, things=tuple(things))


def _without_thing(scene: Scene, at: int) -> Scene:
    relations = (
        Relation(subject - (subject > at), name, anchor - (anchor > at))
        for subject, name, anchor in scene.relations
        if at not in (subject, anchor)
    )
    return replace(scene, things=scene.things[:at] + scene.things[at + 1 :], relations=tuple(relations))
