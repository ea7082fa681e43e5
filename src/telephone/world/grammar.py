"""Captions a scene: every wording states every fact, in the order of the things, so that it can be parsed."""

from collections.abc import Callable, Iterator

from telephone.core.errors import WorldError
from telephone.core.seeds import derive
from telephone.world.chinese import CHINESE_WORDINGS
from telephone.world.lexicon import NUMBERS, PLURALS
from telephone.world.scene import STYLES, Relation, Scene, Thing

Wording = Callable[[Scene], str]

_PLACES = {
    "left": "on the left", "middle": "in the middle", "right": "on the right",
    "top left": "at the top left", "top": "at the top", "top right": "at the top right",
}  # fmt: skip
_RELATIONS = {"left of": "to the left of", "right of": "to the right of", "above": "above", "below": "below"}
_SETTINGS = {
    "beach": "on a beach", "park": "in a park", "city": "in a city", "desert": "in a desert",
    "forest": "in a forest", "snowfield": "on a snowfield", "room": "in a room", "space": "in space",
}  # fmt: skip
_TIMES = {"sunset": "at sunset", "night": "at night"}
_WEATHERS = {"cloudy": "with clouds", "rain": "in the rain", "snow": "in the snow", "fog": "in the fog"}
_SKIES = {"cloudy": "It is cloudy.", "rain": "It is raining.", "snow": "It is snowing.", "fog": "It is foggy."}
_STYLE_SENTENCE = "Somebody drew it as a {}."
_MEDIA = {"flat": "picture", "sketch": "pencil sketch", "pastel": "pastel drawing", "neon": "neon picture"}


def caption(scene: Scene, lang: str = "en", wording: str = "detailed", seed: int = 0) -> str:
    """Returns a caption that `parse` maps back to exactly this scene.

    Args:
        scene: Any scene.
        lang: "en" or "zh".
        wording: One of `WORDINGS[lang]`, or "any": the seed chooses one.
        seed: Decides the wording if that is "any"; otherwise without effect.

    Raises:
        WorldError: There is no such language or wording.
    """
    if lang not in _TELLERS:
        raise WorldError(f"There is no language {lang!r}: take one of {', '.join(WORDINGS)}.")
    if wording == "any":
        wording = WORDINGS[lang][derive("wording", seed, scene) % len(WORDINGS[lang])]
    if wording not in _TELLERS[lang]:
        raise WorldError(f"There is no wording {wording!r}: take one of {', '.join(WORDINGS[lang])}, or any.")
    return _TELLERS[lang][wording](scene)


def _short(scene: Scene) -> str:
    parts = [
        " ".join(filter(None, (_noun(thing), _where(scene, index, brief=True))))
        for index, thing in enumerate(scene.things)
    ]
    stated = " ".join(filter(None, (_and(parts), _around(scene))))
    style = "" if scene.style == STYLES[0] else scene.style
    return ", ".join(filter(None, (stated, style))) or "an empty picture"


def _list(scene: Scene) -> str:
    tags = []
    for index, thing in enumerate(scene.things):
        relation = _relation(scene, index)
        where = f"{relation.name} {_name(scene.things[relation.anchor])}" if relation else thing.place
        tags.append(f"{NUMBERS[thing.count]} {_bare(thing)}" + (f" {where}" if where else ""))
    around = " ".join(filter(None, (scene.setting, _TIMES.get(scene.time), _WEATHERS.get(scene.weather))))
    style = "" if scene.style == STYLES[0] else scene.style
    return ", ".join(filter(None, (style, around, *tags))) or "empty picture"


def _plain(scene: Scene) -> str:
    parts = [" ".join(filter(None, (_noun(thing), _where(scene, i)))) for i, thing in enumerate(scene.things)]
    around = _around(scene)
    style = "" if scene.style == STYLES[0] else f"a {_MEDIA[scene.style].removeprefix('pencil ')}"
    if not parts:
        return _sentence(f"{style or 'an empty picture'} {around}")
    stated = f"{style} of {_and(parts)}" if style else _and(parts)
    return _sentence(", ".join(filter(None, (stated, around))))


def _detailed(scene: Scene) -> str:
    return " ".join(_sentences(scene))


def _sentences(scene: Scene) -> Iterator[str]:
    opening = [f"This is a {_MEDIA[scene.style]}"]
    if scene.setting:
        opening.append("of space" if scene.setting == "space" else f"of a {scene.setting}")
    opening += filter(None, [_TIMES.get(scene.time)])
    if len(opening) > 1 or scene.style != STYLES[0] or not scene.things:
        yield " ".join(opening) + "."
    yield from filter(None, [_SKIES.get(scene.weather)])
    for index, thing in enumerate(scene.things):
        there = f"there {'is' if thing.count == 1 else 'are'} {_noun(thing)}"
        where = _where(scene, index)
        yield _sentence(f"{where} {there}" if thing.place else f"{there} {where}")


def _story(scene: Scene) -> str:
    scenery = [_SETTINGS.get(scene.setting or ""), _TIMES.get(scene.time), _WEATHERS.get(scene.weather)]
    opening = ", ".join(("Once upon a time", *(part for part in scenery if part)))
    stated = [_clause(scene, index) for index in range(len(scene.things))] or ["there was nothing"]
    ending = [] if scene.style == STYLES[0] else [_STYLE_SENTENCE.format(_MEDIA[scene.style])]
    return " ".join([f"{opening}, {stated[0].strip()}.", *(_sentence(part) for part in stated[1:]), *ending])


def _clause(scene: Scene, index: int) -> str:
    noun, where = _noun(scene.things[index]), _where(scene, index)
    if index == 0:
        return f"there lived {noun} {where}"
    return f"{noun} stood {where}" if where else f"then {noun} came along"


def _sentence(words: str) -> str:
    words = words.strip()
    return words[0].upper() + words[1:] + "."


def _and(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _around(scene: Scene) -> str:
    stated = (_SETTINGS.get(scene.setting or ""), _TIMES.get(scene.time), _WEATHERS.get(scene.weather))
    return " ".join(part for part in stated if part)


def _relation(scene: Scene, index: int) -> Relation | None:
    return next((relation for relation in scene.relations if relation.subject == index), None)


def _where(scene: Scene, index: int, brief: bool = False) -> str:
    place, relation = scene.things[index].place, _relation(scene, index)
    if relation:
        name = relation.name if brief else _RELATIONS[relation.name]
        return f"{name} the {_name(scene.things[relation.anchor])}"
    if not place:
        return ""
    return place if brief and " " in place else _PLACES[place]


def _name(thing: Thing) -> str:
    noun = thing.kind if thing.count == 1 else PLURALS[thing.kind]
    return f"{thing.colour} {noun}" if thing.colour else noun


def _bare(thing: Thing) -> str:
    return _name(thing) if thing.size == "medium" else f"{thing.size} {_name(thing)}"


def _noun(thing: Thing) -> str:
    words = _bare(thing)
    if thing.count > 1:
        return f"{NUMBERS[thing.count]} {words}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


_TELLERS: dict[str, dict[str, Wording]] = {
    "en": {"short": _short, "list": _list, "plain": _plain, "detailed": _detailed, "story": _story},
    "zh": CHINESE_WORDINGS,
}
WORDINGS: dict[str, tuple[str, ...]] = {lang: tuple(tellers) for lang, tellers in _TELLERS.items()}
"""The wordings of each language, the shortest first."""
