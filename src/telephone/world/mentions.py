"""Reads the words of a text as mentions of things: noun phrases with adjectives, places and relations.

One pass over the words. Adjectives wait for the next noun, or belong to the last thing after a copula ("the boat is
red"); a place belongs to the thing before it or, at the start of a clause, to the thing after it; a relation waits for
its anchor.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from telephone.world.scene import RELATIONS, SETTINGS, SEVERAL, STYLES, TIMES, WEATHERS
from telephone.world.tokens import Token

_PLACE_OF_RELATION = dict(zip(RELATIONS, ("left", "right", "top", "middle"), strict=True))
_RELATION_OF_PLACE = {
    "left": "left of", "top left": "left of", "right": "right of", "top right": "right of", "top": "above", "middle":
    "below", }  # fmt: skip
"""What a place is to a thing: "on its left", "猫左边"."""
_SILENT = {"time": TIMES[0], "weather": WEATHERS[0], "style": STYLES[0], "setting": None}
_SCENE_VALUES = {"setting": SETTINGS, "time": TIMES, "weather": WEATHERS, "style": STYLES}
_OPENERS = frozenset({"article", "another", "count", "size", "colour", "kind"})
_SKIPPED = frozenset({"stop", "silent", "unknown", "unread", "noun", "possessive"})
_AHEAD = 9


@dataclass
class _Noun:
    """The noun phrase that is being parsed."""

    count: int | str | None = None
    size: str | None = None
    colour: str | None = None
    definite: bool = False
    indefinite: bool = False
    another: bool = False
    stale: bool = False
    """An unknown word came after the adjectives: they may belong to it."""


class PositionClaim(NamedTuple):
    """Where a text says that a thing is: a place, or a relation to an anchor."""

    rank: int
    """How many claims came before it in its sentence."""
    place: str | None
    relation: str | None = None
    anchor: "Mention | None" = None
    predicate: bool = False
    """Whether it is said of a thing that is known already: "the boat is on the left"."""


@dataclass(eq=False)
class Mention:
    """One noun phrase that names a thing."""

    index: int
    kind: str
    noun: _Noun
    plural: bool
    anchor_only: bool = False
    """Whether it is named as an anchor alone: "above the boat"."""
    predicated: str | None = None
    """The colour that is said of a definite thing: "the boat is red"."""
    claims: list[PositionClaim] = field(default_factory=list)

    @property
    def counted(self) -> bool:
        """Whether it has an article or a number, and so introduces a thing, also as an anchor."""
        return self.noun.indefinite or self.noun.count is not None

    @property
    def number(self) -> int | str | None:
        """How many: a number, `SEVERAL`, or None if nothing says it."""
        vague = SEVERAL if self.plural and self.kind != "fish" else None
        return self.noun.count or vague


@dataclass
class _PendingPosition:
    """A place or a relation that waits for its thing, or a relation that waits for its anchor."""

    place: str | None = None
    relation: str | None = None
    anchor: Mention | None = None
    subject: Mention | None = None
    predicate: bool = False


@dataclass
class MentionReader:
    """Reads the mentions, the facts of the scene and the unknown words of a text."""

    words: Sequence[Token]
    mentions: list[Mention] = field(default_factory=list)
    facts: dict[str, Counter[str]] = field(default_factory=lambda: {what: Counter() for what in _SCENE_VALUES})
    """For each fact of the scene, how many sentences state each value; a sentence states its first one."""
    unknown: dict[str, None] = field(default_factory=dict)
    at: int = 0
    noun: _Noun = field(default_factory=_Noun)
    current: Mention | None = None
    """The last thing of this sentence: a place after it belongs to it."""
    antecedent: Mention | None = None
    """The last thing of an earlier sentence: a pronoun refers to it."""
    opened: str = "break"
    """How the clause began if it has no thing yet: break or comma; else empty."""
    copula: bool = False
    """Whether "is" came after the last thing: an adjective after it belongs to that thing."""
    there: bool = False
    """Whether this clause says that something is there."""
    owned: bool = False
    """Whether "its" came before: "on its left"."""
    pending: _PendingPosition | None = None
    """For the next thing."""
    anchored: _PendingPosition | None = None
    """A relation whose anchor is the next noun."""
    last: str = ""
    """The previous word, stop words included."""
    rank: int = 0
    said: set[str] = field(default_factory=set)
    """The facts of the scene that this sentence has stated."""

    def read(self) -> None:
        """Reads all words."""
        for at, word in enumerate(self.words):
            self.at = at
            handle = getattr(self, f"_{word.meaning.what}", None)
            if handle is not None:
                handle(word)
            self.last = word.meaning.what
        self._predicate()

    # Words of structure

    def _unknown(self, word: Token) -> None:
        self._unread(word)
        self.noun.stale = True
        self.opened = ""

    def _unread(self, word: Token) -> None:
        if len(word.text) > 1 or not word.text.isascii():
            self.unknown[word.text] = None

    def _break(self, word: Token) -> None:
        self._predicate()
        self.noun, self.pending, self.anchored, self.opened = _Noun(), None, None, "break"
        self.copula = self.there = self.owned = False
        self.antecedent, self.current = self.current or self.antecedent, None
        self.rank, self.said = 0, set()

    def _comma(self, word: Token) -> None:
        self.anchored = None
        self.opened = self.opened or "comma"
        self.copula = self.there = False

    def _there(self, word: Token) -> None:
        self.there = True

    def _be(self, word: Token) -> None:
        self.copula = self.current is not None and self.pending is None

    def _pronoun(self, word: Token) -> None:
        pending = self.anchored
        if pending is not None:
            self.anchored = None
            self._anchor(pending, self._referent(pending.subject))
        else:
            self.current = self.current or self.antecedent
        self.opened = ""

    def _possessive(self, word: Token) -> None:
        self.owned, self.noun = True, _Noun()

    def _referent(self, subject: Mention | None) -> Mention | None:
        """Returns what "it" means beside a subject: the last thing before it."""
        earlier = (mention for mention in reversed(self.mentions) if mention is not subject and not mention.anchor_only)
        return next(earlier, None)

    def _article(self, word: Token) -> None:
        if self.noun.stale:
            self.noun = _Noun()
        self.noun.definite |= word.text == "the"
        self.noun.indefinite |= word.text in ("a", "an")
        self.copula = self.copula and not word.text.isascii()

    def _another(self, word: Token) -> None:
        self.noun = _Noun(indefinite=True, another=True)

    def _noun(self, word: Token) -> None:
        self.noun = _Noun()

    def _picture(self, word: Token) -> None:
        self.noun = _Noun()
        if self.anchored is not None and self.anchored.relation is not None:
            subject, place = self.anchored.subject, _PLACE_OF_RELATION[self.anchored.relation]
            self.anchored = None
            self._put(place, subject)

    def _stop(self, word: Token) -> None:
        """Reads "树下有一只猫": below a tree there is a cat."""
        if word.text == "下" and self.last == "kind" and self._next() == "there" and self.current is not None:
            self.pending = _PendingPosition(relation="below", anchor=self.current)

    # Facts of the scene

    def _setting(self, word: Token) -> None:
        what, value = word.meaning.what, str(word.meaning.value)
        if value != _SILENT[what] and what not in self.said:
            self.facts[what][value] += 1
            self.said.add(what)
        self.noun, self.anchored = _Noun(), None

    _time = _weather = _style = _setting

    # Noun phrases

    def _count(self, word: Token) -> None:
        self.noun = _Noun() if self.noun.stale else self.noun
        self.noun.count = self.noun.count or word.meaning.value

    def _size(self, word: Token) -> None:
        size = str(word.meaning.value)
        if self._is_predicate():
            assert self.current is not None
            self.current.noun.size = self.current.noun.size or size
        elif self.noun.size is None or self.noun.stale:
            self.noun.size, self.noun.stale = size, False

    def _colour(self, word: Token) -> None:
        colour = str(word.meaning.value)
        if self._is_predicate():
            self._paint(colour)
        elif self.noun.colour is None or self.noun.stale:
            self.noun.colour, self.noun.stale = colour, False

    def _is_predicate(self) -> bool:
        """Returns whether an adjective is said of the last thing: after a copula, and with no noun behind it."""
        if not self.copula or self.current is None:
            return False
        for word in self.words[self.at + 1 : self.at + _AHEAD]:
            what = word.meaning.what
            if what in ("kind", "unknown", "picture", "noun"):
                return False
            if what not in ("size", "colour", "and") and word.text != "的":
                break
        return True

    def _paint(self, colour: str) -> None:
        mention = self.current
        assert mention is not None
        if mention.noun.definite:
            mention.predicated = mention.predicated or colour
        elif mention.noun.colour is None:
            mention.noun.colour = colour

    def _predicate(self) -> None:
        """Assigns adjectives without a noun, as in "house blue" and "房子很大", to the last thing."""
        if self.current is None or self.opened or self.noun.stale:
            return
        if self.noun.colour is not None:
            self._paint(self.noun.colour)
        self.current.noun.size = self.current.noun.size or self.noun.size

    def _kind(self, word: Token) -> None:
        kind, noun = str(word.meaning.value), self.noun
        self.noun = _Noun()
        if noun == _Noun() and self.last == "kind" and self.words[self.at - 1].meaning.value == kind:
            return
        follows, pending = self._next() == "after", self.anchored
        mention = Mention(len(self.mentions), kind, noun, word.meaning.plural, follows or pending is not None)
        self.mentions.append(mention)
        if follows:
            self.pending = _PendingPosition(anchor=mention)
        elif pending is not None:
            self.anchored = None
            self._anchor(pending, mention)
        else:
            self._tell(mention)
        self.opened, self.copula, self.owned = "", False, False

    def _tell(self, mention: Mention) -> None:
        self.current = mention
        pending, self.pending = self.pending, None
        if pending is None:
            return
        if pending.place is not None:
            self._put(pending.place, mention)
        elif pending.relation is not None and pending.anchor is not None:
            self._relate(mention, pending.relation, pending.anchor)

    # Places and relations

    def _place(self, word: Token) -> None:
        place, leads = str(word.meaning.value), self._leads()
        if self.owned:
            leads = leads or (self.opened == "comma" and self._next() == "comma")  # "a cat, and to its right, a dog"
            self._beside(place, self._referent(None if leads else self.current), leads)
        elif self.last == "kind" and self._next() == "there" and not self.there and not word.text.isascii():
            self._beside(place, self.current, True)
        elif leads:
            self.pending = _PendingPosition(place=place)
        else:
            self._put(place, self.current)
        self.noun, self.anchored, self.opened, self.owned = _Noun(), None, "", False

    def _beside(self, place: str, anchor: Mention | None, leads: bool) -> None:
        """Reads a place beside a thing, "on its left", as a relation."""
        if anchor is not None and leads:
            self.pending = _PendingPosition(relation=_RELATION_OF_PLACE[place], anchor=anchor)
        elif anchor is not None and self.current is not None:
            self._relate(self.current, _RELATION_OF_PLACE[place], anchor)

    def _relation(self, word: Token) -> None:
        subject = None if self.opened else self.current
        relation = str(word.meaning.value)
        self.anchored = _PendingPosition(relation=relation, subject=subject, predicate=self.copula)
        self.noun, self.opened, self.copula = _Noun(), "", False

    def _after(self, word: Token) -> None:
        name = str(word.meaning.value)
        leads = self._next() in {"there", "be"} | _OPENERS
        anchor = self.pending.anchor if self.pending and self.last == "kind" else None
        if self.last == "pronoun":
            anchor = self._referent(None if leads else self.current)
        self.pending = None
        if self.last not in ("kind", "pronoun"):
            self._put(_PLACE_OF_RELATION[name], None if self._leads() else self.current)
        elif leads:
            self.pending = _PendingPosition(relation=name, anchor=anchor)
        elif anchor is not None and self.current is not None:
            self._relate(self.current, name, anchor)

    def _anchor(self, pending: _PendingPosition, anchor: Mention | None) -> None:
        name, subject = str(pending.relation), pending.subject
        if subject is None:
            self.pending = _PendingPosition(relation=name, anchor=anchor)
        elif anchor is not None:
            self._relate(subject, name, anchor, pending.predicate)

    def _leads(self) -> bool:
        """Returns whether a place belongs to the next thing."""
        following = self._next()
        if following == "there" or self.opened == "break" or self.current is None:
            return True
        if following == "be":
            return self._next(2) in _OPENERS - {"size", "colour"}
        if self.opened == "comma":
            return following in _OPENERS
        return bool(self.current.claims) and following in _OPENERS

    def _next(self, ahead: int = 1) -> str:
        """Returns what the next word is (or the one after), stop words left out; at most eight words ahead."""
        following = [word.meaning.what for word in self.words[self.at + 1 : self.at + _AHEAD]]
        following = [what for what in following if what not in _SKIPPED]
        return following[ahead - 1] if len(following) >= ahead else ""

    def _put(self, place: str, mention: Mention | None) -> None:
        """Places a thing; None is the thing that comes next."""
        if mention is None:
            self.pending = _PendingPosition(place=place)
        else:
            mention.claims.append(PositionClaim(self.rank, place, predicate=self.copula))
            self.rank += 1

    def _relate(self, subject: Mention, name: str, anchor: Mention, predicate: bool = False) -> None:
        if subject is not anchor:
            subject.claims.append(PositionClaim(self.rank, None, name, anchor, predicate))
            self.rank += 1
