"""Generates yes-or-no questions from any English prompt, by rules: objects, numbers, attributes and relations.

Questions depend on each other as in Davidsonian scene graphs: the colour of a cat is only asked for if there is a cat.
The rules know articles, numbers and prepositions but no grammar, so they miss facts and make errors. All games of a
prompt get the same questions, so losses can be compared.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

COUNTS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "2": 2, "3": 3, "4": 4, "5": 5, "6": 6, "7": 7, "8": 8, "9": 9,
}  # fmt: skip
MOST = 24
"""Questions of one prompt; further ones are dropped."""
_WORDS = {
    "articles": "a an the some his her its their this that these those one",
    "parting": "in on at under above below behind beside near inside outside over through across against around with"
    " between wearing holding riding of from to into onto by before after during",
    "asked": "in on at under above below behind beside near inside over wearing holding riding with",
    "breaks": "and or but while as is are was were be being has have had who which that where when there it they he she"
    " not very no made up out down each other both all like visible",
    "media": "photo photograph picture image painting drawing illustration render rendering portrait sketch scene view"
    " background foreground style front back side top bottom middle left right center lot group pair",
    "nouns": "seed shed sled weed spring king ring wing string evening morning building ceiling clothing thing swing",
}
_ARTICLES, _PLACES, _ASKED, _BREAKS, _MEDIA, _NOUNS = (frozenset(words.split()) for words in _WORDS.values())
"""Words that begin a phrase, that separate two phrases, that make a relation to ask for, that end a relation, that name
the image itself; and words that look like participles but are none."""
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|\d+|[.,;:!?()\"“”]")


@dataclass(frozen=True)
class YesNoQuestion:
    """A question that is answered by yes or no."""

    text: str
    kind: str
    """object, count, attribute or relation."""
    words: str
    """The fact in short form, such as `cat: black`."""
    parents: tuple[int, ...] = ()
    """Numbers of the questions that must have been answered by yes."""


@dataclass(frozen=True)
class _Phrase:
    noun: str
    adjectives: tuple[str, ...]
    count: int
    before: str
    """The preposition before it, if it follows another phrase directly."""


@lru_cache(maxsize=4096)
def generate_questions(prompt: str) -> tuple[YesNoQuestion, ...]:
    """Returns the questions of a prompt, parents before children; empty if the rules find none."""
    return tuple(_questions(_phrases(prompt)))[:MOST]


def parse_yes_no(answer: str) -> bool | None:
    """Returns True for an answer that begins with yes, False for no, None for neither."""
    found = re.match(r"\W*(yes|no)\b", answer.strip().lower())
    return None if found is None else found.group(1) == "yes"


def _questions(phrases: list[_Phrase]) -> Iterator[YesNoQuestion]:
    roots: dict[str, int] = {}
    number, last = 0, ""
    for phrase in phrases:
        noun = phrase.noun
        if noun not in roots:
            roots[noun] = number
            yield YesNoQuestion(f"{_is(noun)} there {_article(noun)} in the picture?", "object", noun)
            number += 1
            for question in _about(phrase, (roots[noun],)):
                yield question
                number += 1
        if phrase.before in _ASKED and last and last != noun:
            words = f"{last} {phrase.before} {noun}"
            yield YesNoQuestion(
                f"{_is(last)} the {last} {phrase.before} the {noun}?", "relation", words, (roots[last], roots[noun])
            )
            number += 1
        last = noun


def _about(phrase: _Phrase, parents: tuple[int, ...]) -> Iterator[YesNoQuestion]:
    noun = phrase.noun
    if phrase.count > 1:
        yield YesNoQuestion(
            f"Are there exactly {phrase.count} {noun} in the picture?", "count", f"{phrase.count} {noun}", parents
        )
    for adjective in phrase.adjectives:
        yield YesNoQuestion(f"{_is(noun)} the {noun} {adjective}?", "attribute", f"{noun}: {adjective}", parents)


def _phrases(prompt: str) -> list[_Phrase]:
    """Returns the noun phrases: runs of words between articles, prepositions, breaks and stops."""
    found: list[_Phrase] = []
    words: list[str] = []
    before, waiting = "", ""
    for token in [*(token.lower() for token in _WORD.findall(prompt)), "."]:
        opens = token in _ARTICLES or token in COUNTS
        stops = token in _PLACES or token in _BREAKS or not token[0].isalnum() or _happens(token, bool(words))
        if (opens or stops) and any(word not in COUNTS for word in words):
            phrase = _phrase(words, before)
            if phrase is not None:
                found.append(phrase)
            words, waiting = [], ""
        if stops:
            # A comma, a full stop or an "and" ends a relation.
            waiting = token if token in _PLACES else "" if token in _BREAKS or not token[0].isalnum() else waiting
            continue
        if not words:
            before = waiting
        if token not in _ARTICLES:
            words.append(token)
    return found


def _phrase(words: list[str], before: str) -> _Phrase | None:
    counts = [COUNTS[word] for word in words if word in COUNTS]
    plain = [word for word in words if word not in COUNTS]
    noun = plain[-1]
    if noun in _MEDIA or len(noun) < 2 or noun.endswith("ly") or _happens(noun, True):
        return None
    return _Phrase(noun, tuple(plain[:-1][-3:]), counts[0] if counts else 1, before)


def _happens(word: str, after: bool) -> bool:
    """Returns whether a word looks like a participle: of an action, or after a noun of what was done to it."""
    if word in _NOUNS or len(word) < 5:
        return False
    return word.endswith("ing") or (after and word.endswith("ed"))


def _plural(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith(("ss", "us"))


def _article(noun: str) -> str:
    if _plural(noun):
        return f"any {noun}"
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _is(noun: str) -> str:
    return "Are" if _plural(noun) else "Is"
