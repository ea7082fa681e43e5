"""How questions about a picture are worded, read back, and answered, in English and Chinese."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from telephone.world.grammar import caption
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
    NUMBERS,
    PLURALS,
)
from telephone.world.scene import Scene, Thing
from telephone.world.tokens import tokens

GREY = "grey"
"""The colour of what is not painted."""
PLACES = {
    "left": "on the left", "middle": "in the middle", "right": "on the right",
    "top left": "at the top left", "top": "at the top", "top right": "at the top right",
}  # fmt: skip
RELATIONS = {"left of": "to the left of", "right of": "to the right of", "above": "above", "below": "below"}


@dataclass(frozen=True)
class Name:
    """What a question calls a thing; None leaves the colour or the place open."""

    kind: str
    colour: str | None = None
    """A colour of the world, or `GREY`."""
    place: str | None = None
    plural: bool = False


@dataclass(frozen=True)
class Question:
    """The content of a question, independent of its wording."""

    about: str
    """colour, size, count, place, relation, exists, things (of a place, or all), setting, time, weather or style."""
    subject: Name | None = None
    relation: str | None = None
    anchor: Name | None = None
    place: str | None = None
    """Where, if the question is what stands there."""
    lang: str = "en"


# --- words of questions ---------------------------------------------------------------------------------------------

_WHOLE = {
    "setting": ("What is the setting?", "这是什么地方？"),
    "time": ("What time of day is it?", "是什么时候？"),
    "weather": ("What is the weather like?", "天气怎么样？"),
    "style": ("What style is the picture in?", "这是什么画风？"),
    "things": ("What things are in the picture?", "画里有什么？"),
}


def say(question: Question) -> str:
    """Returns the question in the words of its language."""
    chinese = question.lang == "zh"
    if question.place:
        return f"{CHINESE_PLACES[question.place]}有什么？" if chinese else f"What is {PLACES[question.place]}?"
    if question.subject is None:
        return _WHOLE[question.about][chinese]
    return _ask_chinese(question, question.subject) if chinese else _ask_english(question, question.subject)


def _ask_english(question: Question, name: Name) -> str:
    be, noun = ("are" if name.plural else "is"), _english(name)
    if question.about == "count":
        return f"How many {_english(Name(name.kind, name.colour, name.place, plural=True))} are there?"
    if question.about == "exists":
        return f"Are there any {noun}?" if name.plural else f"Is there {'an' if noun[0] in 'aeiou' else 'a'} {noun}?"
    if question.about == "relation" and question.relation and question.anchor:
        return f"{be.capitalize()} the {noun} {RELATIONS[question.relation]} the {_english(question.anchor)}?"
    asking = {"colour": "What colour", "size": "How big", "place": "Where"}[question.about]
    return f"{asking} {be} the {noun}?"


def _english(name: Name) -> str:
    noun = PLURALS[name.kind] if name.plural else name.kind
    return " ".join(filter(None, (name.colour, noun, PLACES.get(name.place or ""))))


def _ask_chinese(question: Question, name: Name) -> str:
    noun = _chinese(name)
    if question.about == "count":
        return f"有几{CHINESE_KINDS[name.kind][0]}{noun}？"
    if question.about == "exists":
        return f"有{noun}吗？"
    if question.about == "relation" and question.relation and question.anchor:
        return f"{noun}在{_chinese(question.anchor)}的{CHINESE_RELATIONS[question.relation]}吗？"
    return noun + {"colour": "是什么颜色的？", "size": "有多大？", "place": "在哪里？"}[question.about]


def _chinese(name: Name) -> str:
    colour = "" if name.colour is None else CHINESE_COLOURS.get(name.colour, "灰") + "色的"
    place = "" if name.place is None else CHINESE_PLACES[name.place] + "的"
    return place + colour + CHINESE_KINDS[name.kind][1:]


# --- reading questions ----------------------------------------------------------------------------------------------

_ASKED = (
    ("colour", r"\bcolou?rs?\b|颜色"),
    ("count", r"\bhow many\b|几|多少"),
    ("size", r"\bhow (?:big|large|small)\b|\bsize\b|多大|大小"),
    ("weather", r"\bweather\b|天气"),
    ("time", r"\btime\b|\bwhen\b|时候|时间"),
    ("style", r"\bstyle\b|画风|风格|什么画"),
    ("setting", r"\bsetting\b|\b(?:what|which) place\b|\btake place\b|什么地方|背景"),
    ("place", r"\bwhere\b|哪里|哪儿|哪边"),
    ("exists", r"\b(?:is|are) there\b|\bdo you see\b|\bcan you see (?:an?|any)\b|有没有|有.*吗"),
    ("things", r"\bwhat\b|\bwhich\b|什么"),
    ("relation", r"^(?:is|are)\b|吗"),
)
_OF_A_THING = frozenset({"colour", "count", "size", "exists", "relation"})


def understand(text: str) -> Question | None:
    """Returns the parsed question, or None if it is not understood."""
    plain = text.strip().lower()
    about = next((what for what, pattern in _ASKED if re.search(pattern, plain)), None)
    lang = "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"
    names, relation, place = _mentioned(text)
    subject = names[0] if names else None
    if about is None or (about in _OF_A_THING and subject is None):
        return None
    if about == "relation":
        known = relation is not None and len(names) == 2
        return Question(about, subject, relation, names[1], lang=lang) if known else None
    if about == "place" and subject is None:
        return Question("setting", lang=lang)
    if about in _OF_A_THING or about == "place":
        return Question(about, subject, lang=lang)
    return Question(about, place=place if about == "things" else None, lang=lang)


def _mentioned(text: str) -> tuple[list[Name], str | None, str | None]:
    """Returns the things, the relation and the place that a question names; a lone place belongs to a lone thing."""
    names: list[Name] = []
    colour = relation = place = None
    for word in tokens(text):
        what, value = word.meaning.what, str(word.meaning.value)
        if what == "colour":
            colour = value
        elif what == "unknown" and re.fullmatch(r"gr[ae]y|.*灰", word.text):
            colour = GREY
        elif what == "kind":
            names.append(Name(value, colour, plural=word.meaning.plural))
            colour = None
        elif what in ("relation", "after"):
            relation = value
        elif what == "place":
            place = value
    if len(names) == 1 and place:
        names = [Name(names[0].kind, names[0].colour, place, names[0].plural)]
    return names, relation, place


# --- words of answers -----------------------------------------------------------------------------------------------

_YES_NO = {"en": ("No.", "Yes."), "zh": ("没有。", "有。")}
_HOLDS = {"en": ("No.", "Yes."), "zh": ("不是。", "是。")}
_WORDS_ENGLISH: dict[str, dict[str, str]] = {"place": PLACES, "setting": {"space": "space"}}
_WORDS_CHINESE: dict[str, dict[str, str]] = {
    "colour": {name: word + "色" for name, word in CHINESE_COLOURS.items()} | {GREY: "灰色"},
    "size": {**CHINESE_SIZES, "medium": "中等"},
    "place": {name: "在" + word for name, word in CHINESE_PLACES.items()},
    "setting": CHINESE_SETTINGS,
    "time": {**CHINESE_TIMES, "day": "白天"},
    "weather": {**CHINESE_WEATHERS, "clear": "晴朗"},
    "style": {**CHINESE_STYLES, "flat": "普通画"},
}
_SILENT = re.compile(r"\b(?:gr[ae]y|medium|none|nothing|nowhere|no)\b|灰|中等|普通|没有|不")
_YES = re.compile(r"^\W*(?:yes\b|yeah\b|true\b|there (?:is|are)\b(?! no)|有|是|对)")
_NO = re.compile(r"^\W*(?:no\b|not\b|none\b|there (?:is|are) no|没|不)")


def say_value(about: str, value: str | int | None, name: Name | None, lang: str) -> str:
    """Returns an answer of one word or a few: the value of an attribute; None is nothing at all."""
    if value is None:
        return "没有。" if lang == "zh" else "None."
    if isinstance(value, int):
        measure = CHINESE_KINDS[name.kind][0] if name else "个"
        return f"{CHINESE_NUMBERS[value]}{measure}。" if lang == "zh" else f"{NUMBERS[value].capitalize()}."
    if lang == "zh":
        return _WORDS_CHINESE[about][value] + "。"
    words = _WORDS_ENGLISH.get(about, {}).get(value, f"a {value}" if about == "setting" else value)
    return words[0].upper() + words[1:] + "."


def say_whether(about: str, holds: bool, lang: str) -> str:
    """Returns yes or no: Chinese has one pair for what exists and one for what holds."""
    return (_YES_NO if about == "exists" else _HOLDS)[lang][holds]


def say_things(things: tuple[Thing, ...], lang: str) -> str:
    """Returns how many of what, with their colours."""
    if not things:
        return "没有。" if lang == "zh" else "Nothing."
    words = caption(Scene(things=tuple(Thing(t.kind, t.colour, count=t.count) for t in things)), lang, "short")
    return words + "。" if lang == "zh" else words[0].upper() + words[1:] + "."


def said(about: str, text: str) -> Iterator[str | int]:
    """Yields the values of an attribute that an answer names; an empty string where it names a silent one."""
    for word in tokens(text):
        if word.meaning.what == about:
            yield word.meaning.value
    if _SILENT.search(text.lower()):
        yield ""


def says_yes(text: str) -> bool | None:
    """Returns whether an answer begins with a yes (True) or a no (False); None if with neither."""
    plain = text.strip().lower()
    if _NO.search(plain):
        return False
    return True if _YES.search(plain) else None
