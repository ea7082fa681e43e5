"""The Chinese wordings: place or anchor first, then count and noun."""

from collections.abc import Callable

from telephone.world.lexicon import (
    CHINESE_COLOURS,
    CHINESE_KINDS,
    CHINESE_NUMBERS,
    CHINESE_PLACES,
    CHINESE_RELATIONS,
    CHINESE_SETTINGS,
    CHINESE_SIZES,
    CHINESE_STYLES,
    CHINESE_TIMES,
    CHINESE_WEATHERS,
)
from telephone.world.scene import Scene, Thing


def _short(scene: Scene) -> str:
    tags = [
        CHINESE_STYLES.get(scene.style),
        CHINESE_TIMES.get(scene.time),
        CHINESE_WEATHERS.get(scene.weather),
        CHINESE_SETTINGS.get(scene.setting or ""),
    ]
    things = [_where(scene, index) + _noun(thing) for index, thing in enumerate(scene.things)]
    return "，".join([tag for tag in tags if tag] + things) or "空白图"


def _plain(scene: Scene) -> str:
    opening = f"一幅{CHINESE_STYLES.get(scene.style, '画')}"
    clauses = [opening, *_scenery(scene), *_clauses(scene)]
    return "，".join(clauses if len(clauses) == 1 or scene.style != "flat" else clauses[1:]) + "。"


def _detailed(scene: Scene) -> str:
    sentences = [f"这是一幅{CHINESE_STYLES.get(scene.style, '画')}", "，".join(_scenery(scene)), *_clauses(scene, "的")]
    return "".join(f"{sentence}。" for sentence in sentences if sentence)


CHINESE_WORDINGS: dict[str, Callable[[Scene], str]] = {"short": _short, "plain": _plain, "detailed": _detailed}


def _scenery(scene: Scene) -> list[str]:
    time = CHINESE_TIMES.get(scene.time)
    setting = CHINESE_SETTINGS.get(scene.setting or "")
    return [part for part in ("的".join(filter(None, (time, setting))), CHINESE_WEATHERS.get(scene.weather)) if part]


def _clauses(scene: Scene, link: str = "") -> list[str]:
    return [f"{_where(scene, index)}有{_noun(thing, link)}" for index, thing in enumerate(scene.things)]


def _where(scene: Scene, index: int) -> str:
    for subject, name, anchor in scene.relations:
        if subject == index:
            return f"{_colour(scene.things[anchor])}{_word(scene.things[anchor])}的{CHINESE_RELATIONS[name]}"
    place = scene.things[index].place
    return CHINESE_PLACES[place] if place else ""


def _noun(thing: Thing, link: str = "") -> str:
    measure, size = CHINESE_KINDS[thing.kind][0], CHINESE_SIZES.get(thing.size, "")
    return f"{CHINESE_NUMBERS[thing.count]}{measure}{_colour(thing, link)}{size}{_word(thing)}"


def _colour(thing: Thing, link: str = "") -> str:
    return f"{CHINESE_COLOURS[thing.colour]}色{link}" if thing.colour else ""


def _word(thing: Thing) -> str:
    return CHINESE_KINDS[thing.kind][1:]
