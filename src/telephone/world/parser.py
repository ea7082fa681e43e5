"""Parses a text to a scene: exactly for captions of the grammar, best effort for any other string.

One pass over the words. Adjectives wait for the next noun; a place belongs to the thing before it or, at the start of a
clause, to the thing after it; a relation waits for its anchor. Contradictions are dropped: the scene is always valid.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from telephone.world.scene import MAX_THINGS, RELATIONS, STYLES, TIMES, WEATHERS, Relation, Scene, Thing
from telephone.world.tokens import Token, tokens

_INVERSE = dict(zip(RELATIONS, (RELATIONS[1], RELATIONS[0], RELATIONS[3], RELATIONS[2]), strict=True))
_PLACE_OF_RELATION = dict(zip(RELATIONS, ("left", "right", "top", "middle"), strict=True))
_SILENT = {"time": TIMES[0], "weather": WEATHERS[0], "style": STYLES[0], "setting": None}
_OPENERS = frozenset({"article", "count", "size", "colour", "kind"})


class ParseResult(NamedTuple):
    """The scene of a text, and the words that were not understood."""

    scene: Scene
    unknown: tuple[str, ...]
    """The content words without a meaning in this world, each once, in order; lower case."""


def parse(text: str) -> Scene:
    """Returns the scene of a text; any string gives a valid scene, in the worst case an empty one."""
    return read(text).scene


def read(text: str) -> ParseResult:
    """Returns the scene of a text (English or Chinese), and the words that were not understood."""
    return _Reader(tokens(text)).read()


@dataclass
class _Noun:
    """The noun phrase that is being parsed."""

    count: int | None = None
    size: str | None = None
    colour: str | None = None
    definite: bool = False
    indefinite: bool = False
    stale: bool = False
    """An unknown word came after the adjectives: they may belong to it."""


@dataclass
class _PendingPosition:
    """A place or a relation that waits for its thing, or a relation that waits for its anchor."""

    place: str | None = None
    relation: str | None = None
    anchor: int | None = None
    subject: int | None = None


@dataclass
class _Reader:
    words: list[Token]
    at: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    things: list[Thing] = field(default_factory=list)
    relations: dict[int, Relation] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    noun: _Noun = field(default_factory=_Noun)
    current: int | None = None
    """The last thing: a place after it belongs to it."""
    opened: str = "break"
    """How the clause began if it has no thing yet: break or comma; else empty."""
    pending: _PendingPosition | None = None
    """For the next thing."""
    anchored: _PendingPosition | None = None
    """A relation whose anchor is the next noun."""
    last: str = ""
    """The previous word, stop words included."""

    def read(self) -> ParseResult:
        for at, word in enumerate(self.words):
            self.at = at
            handle = getattr(self, f"_{word.meaning.what}", None)
            if handle is not None:
                handle(word)
            self.last = word.meaning.what
        self._predicate()
        return ParseResult(self._scene(), tuple(self.unknown))

    def _scene(self) -> Scene:
        facts = dict(self.facts)
        if facts.get("setting") == "space":
            facts.pop("time", None)
            facts.pop("weather", None)
        relations = tuple(self.relations[subject] for subject in sorted(self.relations))
        return Scene(things=tuple(self.things), relations=relations, **facts)

    # Words of structure

    def _unknown(self, word: Token) -> None:
        if len(word.text) > 1 or not word.text.isascii():
            self.unknown[word.text] = None
        self.noun.stale = True
        self.opened = ""

    def _break(self, word: Token) -> None:
        self._predicate()
        self.noun, self.pending, self.anchored, self.opened = _Noun(), None, None, "break"

    def _comma(self, word: Token) -> None:
        self.anchored = None
        self.opened = self.opened or "comma"

    def _pronoun(self, word: Token) -> None:
        self.opened = ""

    def _article(self, word: Token) -> None:
        if self.noun.stale:
            self.noun = _Noun()
        self.noun.definite |= word.text == "the"
        self.noun.indefinite |= word.text in ("a", "an")

    def _picture(self, word: Token) -> None:
        self.noun = _Noun()
        if self.anchored is not None and self.anchored.relation is not None:
            subject, place = self.anchored.subject, _PLACE_OF_RELATION[self.anchored.relation]
            self.anchored = None
            self._put(place, subject)

    # Facts of the scene

    def _setting(self, word: Token) -> None:
        what, value = word.meaning.what, str(word.meaning.value)
        if value != _SILENT[what]:
            self.facts.setdefault(what, value)
        self.noun, self.anchored = _Noun(), None

    _time = _weather = _style = _setting

    # Noun phrases

    def _count(self, word: Token) -> None:
        self.noun = _Noun() if self.noun.stale else self.noun
        self.noun.count = self.noun.count or int(word.meaning.value)

    def _size(self, word: Token) -> None:
        if self.noun.size is None or self.noun.stale:
            self.noun.size, self.noun.stale = str(word.meaning.value), False

    def _colour(self, word: Token) -> None:
        if self.noun.colour is None or self.noun.stale:
            self.noun.colour, self.noun.stale = str(word.meaning.value), False

    def _predicate(self) -> None:
        """Assigns a colour without a noun, as in "the house is blue", to the last thing."""
        colour, index = self.noun.colour, self.current
        if colour is None or index is None or self.opened or self.noun.stale or self.things[index].colour:
            return
        if (self.things[index].kind, colour) not in self._names():
            self.things[index] = replace(self.things[index], colour=colour)

    def _kind(self, word: Token) -> None:
        kind, noun = str(word.meaning.value), self.noun
        self.noun = _Noun()
        if noun == _Noun() and self.last == "kind" and self.words[self.at - 1].meaning.value == kind:
            return
        if self._next() == "after":
            self.pending = _PendingPosition(anchor=self._anchor_of(kind, noun, word.meaning.plural))
        elif self.anchored is not None:
            pending, self.anchored = self.anchored, None
            self._anchor(pending, kind, noun, word.meaning.plural)
        else:
            self._tell(kind, noun, word.meaning.plural)
        self.opened = ""

    def _tell(self, kind: str, noun: _Noun, plural: bool) -> None:
        index = self._find(kind, noun.colour, noun.definite)
        self.current = self._add(kind, noun, plural) if index is None else index
        pending, self.pending = self.pending, None
        if pending is None or self.current is None:
            return
        if pending.place is not None:
            self._put(pending.place, self.current)
        elif pending.relation is not None and pending.anchor is not None:
            self._relate(self.current, pending.relation, pending.anchor)

    def _add(self, kind: str, noun: _Noun, plural: bool) -> int | None:
        if len(self.things) == MAX_THINGS:
            return None
        count = noun.count or (2 if plural and kind != "fish" else 1)
        self.things.append(Thing(kind, noun.colour, noun.size or "medium", count))
        return len(self.things) - 1

    def _names(self) -> list[tuple[str, str | None]]:
        return [(thing.kind, thing.colour) for thing in self.things]

    def _find(self, kind: str, colour: str | None, definite: bool) -> int | None:
        """Returns the thing of this name; "the cat" is also the last cat, of any colour."""
        names = self._names()
        if (kind, colour) in names:
            return names.index((kind, colour))
        if colour is None and definite:
            return next((index for index in reversed(range(len(names))) if names[index][0] == kind), None)
        return None

    # Places and relations

    def _place(self, word: Token) -> None:
        place = str(word.meaning.value)
        if self._leads():
            self.pending = _PendingPosition(place=place)
        else:
            self._put(place, self.current)
        self.noun, self.anchored, self.opened = _Noun(), None, ""

    def _relation(self, word: Token) -> None:
        subject = None if self.opened else self.current
        self.noun, self.anchored, self.opened = (
            _Noun(),
            _PendingPosition(relation=str(word.meaning.value), subject=subject),
            "",
        )

    def _after(self, word: Token) -> None:
        name = str(word.meaning.value)
        anchor = self.pending.anchor if self.pending and self.last == "kind" else None
        self.pending = None
        if self.last != "kind":
            self._put(_PLACE_OF_RELATION[name], None if self._leads() else self.current)
        elif self._next() in {"there", "be"} | _OPENERS:
            self.pending = _PendingPosition(relation=name, anchor=anchor)
        elif anchor is not None and self.current is not None:
            self._relate(self.current, name, anchor)

    def _anchor(self, pending: _PendingPosition, kind: str, noun: _Noun, plural: bool) -> None:
        name, subject = str(pending.relation), pending.subject
        anchor = self._anchor_of(kind, noun, plural)
        if subject is None:
            self.pending = _PendingPosition(relation=name, anchor=anchor)
        elif anchor is not None:
            self._relate(subject, name, anchor)

    def _anchor_of(self, kind: str, noun: _Noun, plural: bool) -> int | None:
        """Returns the anchor, an earlier thing; "left of a dog" adds the dog."""
        counted = noun.indefinite or noun.count is not None
        anchor = self._find(kind, noun.colour, noun.definite or not counted)
        return self._add(kind, noun, plural) if anchor is None and counted else anchor

    def _leads(self) -> bool:
        """Returns whether a place belongs to the next thing."""
        following = self._next()
        if following == "there" or self.opened == "break" or self.current is None:
            return True
        if following == "be":
            return self._next(2) in _OPENERS - {"size", "colour"}
        if self.opened == "comma":
            return following in _OPENERS
        return not self._free(self.current) and following in _OPENERS

    def _next(self, ahead: int = 1) -> str:
        """Returns what the next word is (or the one after), stop words left out; at most eight words ahead."""
        following = [word.meaning.what for word in self.words[self.at + 1 : self.at + 9]]
        following = [what for what in following if what not in ("stop", "silent", "unknown")]
        return following[ahead - 1] if len(following) >= ahead else ""

    def _free(self, index: int) -> bool:
        return self.things[index].place is None and index not in self.relations

    def _put(self, place: str, index: int | None) -> None:
        """Places a thing, if it and the place are free; None is the thing that comes next."""
        if index is None:
            self.pending = _PendingPosition(place=place)
        elif self._free(index) and place not in [thing.place for thing in self.things]:
            self.things[index] = replace(self.things[index], place=place)

    def _relate(self, subject: int, name: str, anchor: int) -> None:
        """Relates two things; the later one is the subject, as the scene graph requires."""
        if subject < anchor:
            subject, name, anchor = anchor, _INVERSE[name], subject
        if subject != anchor and self._free(subject):
            self.relations[subject] = Relation(subject, name, anchor)
