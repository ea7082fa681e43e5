"""Questions about an image of a scene, their correct answers, and whether an answer agrees with a fact.

    >>> from telephone.world import Scene, Thing
    >>> scene = Scene("beach", things=(Thing("boat", "red"), Thing("cat", "black", count=2)))
    >>> answer(scene, "What colour is the boat?")
    'Red.'
    >>> answer(scene, "Are there any dogs?")
    'No.'

The omission probe asks one for each fact that a caption omits, to separate facts not seen from facts not stated.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from telephone.world.facts import described_scene
from telephone.world.layout import holds, layout
from telephone.world.parser import parse
from telephone.world.question_words import (
    GREY,
    Name,
    Question,
    said,
    say,
    say_things,
    say_value,
    say_whether,
    says_yes,
    understand,
)
from telephone.world.scene import COLOURS, KINDS, PLACES, RELATIONS, SEVERAL, Atom, Relation, Scene, Thing

__all__ = ["LANGS", "Question", "agrees", "answer", "ask", "pose", "questions", "say", "understand"]

LANGS = ("en", "zh")
_WEIGHTS = {
    "colour": 5, "count": 4, "place": 4, "size": 3, "exists": 5, "relation": 1, "things": 3,
    "setting": 2, "time": 2, "weather": 2, "style": 2,
}  # fmt: skip
_SORTS = tuple(about for about, weight in _WEIGHTS.items() for _ in range(weight))
"""Sorts of questions with their weights."""

T = TypeVar("T")


# --- answers --------------------------------------------------------------------------------------------------------


def answer(scene: Scene, question: str) -> str | None:
    """Returns the right answer to a question about a picture of a scene, in the language of the question.

    Args:
        scene: what is in the picture; a thing without a stated place is where `layout` puts it.
        question: in English or Chinese; the words may be others than those of `questions`.

    Returns:
        The answer, or None if the question is not understood or has no answer here (it names no thing, or several).
    """
    asked = understand(question)
    return None if asked is None else _answer(scene, asked)


def _answer(scene: Scene, question: Question) -> str | None:
    about, lang = question.about, question.lang
    if about == "exists" and question.subject:
        return say_whether(about, bool(_meant(scene, question.subject)), lang)
    if about == "things":
        return say_things(_standing(scene, question.place), lang)
    if about == "relation":
        return _answer_relation(scene, question)
    if question.subject is None:
        unseen = about in ("time", "weather") and scene.setting == "space"
        return None if unseen else say_value(about, getattr(scene, about), None, lang)
    found = _meant(scene, question.subject)
    if not found and about == "count":
        return say_value(about, None, question.subject, lang)
    return say_value(about, _value(scene, found[0], about), question.subject, lang) if len(found) == 1 else None


def _value(scene: Scene, index: int, about: str) -> str | int:
    if about == "place":
        return layout(scene)[index]
    value: str | int | None = getattr(scene.things[index], about)
    return GREY if value is None else value


def _answer_relation(scene: Scene, question: Question) -> str | None:
    if question.subject is None or question.anchor is None or question.relation is None:
        return None
    subjects, anchors = _meant(scene, question.subject), _meant(scene, question.anchor)
    if len(subjects) != 1 or len(anchors) != 1 or subjects == anchors:
        return None
    places = layout(scene)
    true = Relation(subjects[0], question.relation, anchors[0]) in scene.relations or holds(
        question.relation, places[subjects[0]], places[anchors[0]]
    )
    return say_whether("relation", true, question.lang)


def _meant(scene: Scene, name: Name) -> list[int]:
    """Returns the things that a name fits."""
    places = layout(scene)
    return [
        index
        for index, thing in enumerate(scene.things)
        if thing.kind == name.kind
        and name.colour in (None, thing.colour or GREY)
        and name.place in (None, places[index])
    ]


def _standing(scene: Scene, place: str | None) -> tuple[Thing, ...]:
    """Returns the things in a place, or all of them in order."""
    if place is None:
        return described_scene(scene).things
    return tuple(thing for thing, where in zip(scene.things, layout(scene), strict=True) if where == place)


# --- questions about facts ------------------------------------------------------------------------------------------


def ask(scene: Scene, atom: Atom, lang: str = "en") -> str:
    """Returns the question whose correct answer is a fact of a scene.

    Things are called by their kind, and by colour or place as well where there are two of a kind. The question
    about a kind is whether it is there; about a relation, whether it holds.

    Args:
        scene: the scene that states the fact.
        atom: one of `atoms(scene)`.
        lang: "en" or "zh".
    """
    if atom.thing is None:
        return say(Question(atom.attribute, lang=lang))
    if atom.attribute == "kind":
        return say(Question("exists", _singular(_name(scene, atom.thing)), lang=lang))
    if atom.attribute == "relation":
        _, relation, anchor = next(r for r in scene.relations if r.subject == atom.thing)
        return say(Question("relation", _name(scene, atom.thing), relation, _name(scene, anchor), lang=lang))
    by_place = atom.attribute == "colour"
    return say(Question(atom.attribute, _name(scene, atom.thing, by_place), lang=lang))


def agrees(atom: Atom, answer: str) -> bool | None:
    """Returns whether an answer to `ask` states the fact; None if the answer is about something else."""
    if atom.attribute in ("kind", "relation"):
        return _confirms(atom, answer)
    values = list(said(atom.attribute, answer))
    if SEVERAL in (atom.value, *values[:1]):
        return _agree_on_number(atom.value, values[0] if values else None)
    return values[0] == atom.value if values else None


def _agree_on_number(value: str | int, answered: str | int | None) -> bool | None:
    """Returns whether a number and "several" agree; "several" neither states nor denies an exact number above one."""
    if value == SEVERAL:
        return None if answered is None else answered == SEVERAL or (isinstance(answered, int) and answered > 1)
    return None if isinstance(value, int) and value > 1 else False


def _confirms(atom: Atom, answer: str) -> bool | None:
    yes = says_yes(answer)
    if yes is not None or atom.attribute == "relation":
        return yes
    things = parse(answer).things
    return any(thing.kind == atom.value for thing in things) if things else None


def _name(scene: Scene, index: int, by_place: bool = False) -> Name:
    """Returns the shortest name that fits this thing alone."""
    thing = scene.things[index]
    name = Name(thing.kind, plural=thing.count > 1 and thing.kind != "fish")
    placed = replace(name, place=layout(scene)[index])
    painted = name if by_place else replace(name, colour=thing.colour or GREY)
    return next((found for found in (name, painted) if len(_meant(scene, found)) == 1), placed)


def _singular(name: Name) -> Name:
    return replace(name, plural=False)


# --- questions for training -----------------------------------------------------------------------------------------


def questions(scene: Scene, rng: np.random.Generator, langs: Sequence[str] = LANGS) -> tuple[str, str]:
    """Returns a question that has an answer, and the answer; of those with yes or no, half are no.

    Args:
        scene: any scene.
        rng: decides which question.
        langs: among which languages; "en" and "zh".
    """
    lang = _one(rng, langs)
    while True:
        question = pose(scene, _one(rng, _SORTS), rng, lang)
        answer_text = None if question is None else _answer(scene, question)
        if question is not None and answer_text is not None:
            return say(question), answer_text


def pose(scene: Scene, about: str, rng: np.random.Generator, lang: str = "en") -> Question | None:
    """Returns a random question of one sort, or None if the scene allows none."""
    maker: Callable[[Scene, np.random.Generator], Question | None] | None = {
        "exists": _pose_exists, "relation": _pose_relation, "things": _pose_things,
    }.get(about)  # fmt: skip
    if maker is not None:
        question = maker(scene, rng)
    elif about in ("setting", "time", "weather", "style"):
        question = Question(about)
    elif scene.things:
        question = Question(about, _name(scene, int(rng.integers(len(scene.things))), about == "colour"))
    else:
        question = None
    if question is None or lang == "en":
        return question
    return replace(question, lang=lang, subject=_uncounted(question.subject), anchor=_uncounted(question.anchor))


def _pose_exists(scene: Scene, rng: np.random.Generator) -> Question:
    """Asks for a kind that is there, or for one that is absent or has another colour."""
    if scene.things and rng.random() < 0.75:
        thing = _one(rng, scene.things)
        others = {t.colour for t in scene.things if t.kind == thing.kind}
        free = [colour for colour in COLOURS if colour not in others]
        colour = [None, thing.colour, _one(rng, free)][rng.integers(3)]
        return Question("exists", Name(thing.kind, colour))
    absent = [kind for kind in KINDS if kind not in {thing.kind for thing in scene.things}]
    colour = _one(rng, COLOURS) if rng.random() < 0.3 else None
    return Question("exists", Name(_one(rng, absent), colour))


def _pose_relation(scene: Scene, rng: np.random.Generator) -> Question | None:
    if len(scene.things) < 2:
        return None
    subject, anchor = (int(index) for index in rng.permutation(len(scene.things))[:2])
    places = layout(scene)
    want = rng.random() < 0.5
    fitting = [name for name in RELATIONS if holds(name, places[subject], places[anchor]) is want]
    return Question("relation", _name(scene, subject), _one(rng, fitting), _name(scene, anchor))


def _pose_things(scene: Scene, rng: np.random.Generator) -> Question:
    """Asks for all things, or for those in one place, which may be empty."""
    if rng.random() < 0.4:
        return Question("things")
    places = layout(scene) if scene.things and rng.random() < 0.7 else PLACES
    return Question("things", place=_one(rng, places))


def _uncounted(name: Name | None) -> Name | None:
    """Returns a Chinese name, which has no plural."""
    return None if name is None else _singular(name)


def _one(rng: np.random.Generator, items: Sequence[T]) -> T:
    return items[int(rng.integers(len(items)))]
