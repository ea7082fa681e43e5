"""Words for every value of the pocket world, in English and Chinese: those of captions, and synonyms for parsing."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from telephone.world import chinese_synonyms, synonyms
from telephone.world.scene import COLOURS, COUNTS, KINDS, SETTINGS, SEVERAL


class Meaning(NamedTuple):
    """The meaning of a word or phrase."""

    what: str
    """An attribute of `Atom`, or a word of structure: a key of `synonyms.STRUCTURE`, or break, comma, unknown. A
    relation that follows its anchor, as in Chinese, is `after`."""
    value: str | int = ""
    plural: bool = False
    """True of a kind in the plural."""


UNKNOWN = Meaning("unknown")
_IRREGULAR = {"butterfly": "butterflies", "cactus": "cacti", "fish": "fish"}
PLURALS = {kind: _IRREGULAR.get(kind, kind + "s") for kind in KINDS}
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four"}

CHINESE_KINDS = {
    "apple": "个苹果", "balloon": "只气球", "banana": "根香蕉", "bell": "个铃铛",
    "bird": "只鸟", "boat": "艘船", "book": "本书", "butterfly": "只蝴蝶",
    "cactus": "棵仙人掌", "car": "辆汽车", "castle": "座城堡", "cat": "只猫",
    "chair": "把椅子", "clock": "个时钟", "crown": "顶皇冠", "cup": "个杯子",
    "dog": "只狗", "fish": "条鱼", "flower": "朵花", "hat": "顶帽子",
    "heart": "颗爱心", "house": "栋房子", "key": "把钥匙", "kite": "只风筝",
    "lamp": "盏台灯", "mushroom": "朵蘑菇", "plane": "架飞机", "robot": "个机器人",
    "rocket": "枚火箭", "star": "颗星星", "tree": "棵树", "umbrella": "把雨伞",
}  # fmt: skip
"""A measure word of one character, then the noun."""
CHINESE_COLOURS = dict(zip(COLOURS, "红橙黄绿蓝紫粉棕黑白", strict=True))
CHINESE_NUMBERS = {1: "一", 2: "两", 3: "三", 4: "四"}
CHINESE_SIZES = {"small": "小", "big": "大"}
CHINESE_PLACES = {
    "left": "左边", "middle": "中间", "right": "右边", "top left": "左上角", "top": "顶上", "top right": "右上角",
}  # fmt: skip
CHINESE_RELATIONS = {"left of": "左边", "right of": "右边", "above": "上方", "below": "下方"}
CHINESE_SETTINGS = dict(zip(SETTINGS, ("海滩", "公园", "城市", "沙漠", "森林", "雪地", "房间", "太空"), strict=True))
CHINESE_TIMES = {"sunset": "日落", "night": "夜晚"}
CHINESE_WEATHERS = {"cloudy": "多云", "rain": "下雨", "snow": "下雪", "fog": "起雾"}
CHINESE_STYLES = {"sketch": "素描", "pastel": "粉彩画", "neon": "霓虹画"}


@cache
def english() -> dict[str, Meaning]:
    """Returns the meaning of every English word and phrase, lower case, words joined by one space."""
    lexicon: dict[str, Meaning] = {}
    for what, listed in synonyms.STRUCTURE.items():
        lexicon |= {phrase: Meaning(what) for phrase in listed.split("/")}
    for what, values in synonyms.ENGLISH.items():
        for value, listed in values.items():
            for phrase in (value, *filter(None, listed.split("/"))):
                lexicon.update(_english(phrase, Meaning(what, int(value) if value.isdigit() else value)))
    for count in COUNTS:
        lexicon[NUMBERS[count]] = lexicon[str(count)] = Meaning("count", count)
    return lexicon


def _english(phrase: str, meaning: Meaning) -> Iterator[tuple[str, Meaning]]:
    """Yields a phrase and its forms: the plurals of a kind, the shades of a colour."""
    yield phrase, meaning
    if meaning.what == "kind":
        yield from ((plural, meaning._replace(plural=True)) for plural in _plurals(phrase) if plural != phrase)
    elif meaning.what == "colour":
        yield from ((f"{shade} {phrase}", meaning) for shade in synonyms.SHADES)


def _plurals(noun: str) -> list[str]:
    if noun in synonyms.IRREGULAR_PLURALS:
        return synonyms.IRREGULAR_PLURALS[noun].split("/")
    if noun in PLURALS:
        return [PLURALS[noun]]
    if noun.endswith(("s", "ch", "sh", "x")):
        return [noun + "es"]
    return [noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeou" else noun + "s"]


@cache
def chinese() -> dict[str, Meaning]:
    """Returns the meaning of every Chinese word, in simplified characters, without spaces."""
    structure = chinese_synonyms.STRUCTURE.items()
    words = {word: Meaning(what) for what, listed in structure for word in listed.split("/")}
    return words | dict(_chinese())


def _chinese() -> Iterator[tuple[str, Meaning]]:
    said: dict[str, Iterable[tuple[str | int, str]]] = {
        "kind": {kind: noun[1:] for kind, noun in CHINESE_KINDS.items()}.items(),
        "colour": CHINESE_COLOURS.items(),
        "size": (("medium", "中等"), *CHINESE_SIZES.items()),
        "count": ((SEVERAL, "几"), *CHINESE_NUMBERS.items()),
        "place": CHINESE_PLACES.items(),
        "after": CHINESE_RELATIONS.items(),
        "setting": CHINESE_SETTINGS.items(),
        "time": (("day", "白日"), *CHINESE_TIMES.items()),
        "weather": (("clear", "晴朗"), *CHINESE_WEATHERS.items()),
        "style": CHINESE_STYLES.items(),
    }
    for what, values in said.items():
        for value, word in values:
            listed = chinese_synonyms.CHINESE.get(what, {}).get(str(value), "")
            for phrase in (word, *filter(None, listed.split("/"))):
                yield _spelling(phrase, what), Meaning(what, value)
                if what == "colour":
                    yield phrase + "色", Meaning(what, value)


def _spelling(word: str, what: str) -> str:
    return "的" + word if what == "after" else word
