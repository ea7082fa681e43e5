"""Which words of a text are stated: the words in the scope of a negation are removed, in English and Chinese.

The scope of a negation is found by the rules of the clause, not by the meaning of its words:

- *no*, *none*, *nothing*: the noun phrase and what follows it, to the end of the clause. A setting with a definite
  article ("no boat on the beach") is presupposed, and stays.
- *not*, *never*, *neither*, *nor*: what follows, to the end of the clause; "not visible" denies the subject.
- *without*, *instead of*, *except*: noun phrases; a phrase of time or place after them belongs to the clause again.
- A clause ends at a mark, at *but*, and at *and* before a noun phrase with an article or a number; *or* continues it.
  After a comma a list goes on only if *or* closes it.
- Chinese: a place before "没有" is denied with it; "没有猫的房子" denies the cat and states the house.
"""

from collections.abc import Iterator, Sequence

from telephone.world.lexicon import Meaning
from telephone.world.tokens import Token

_NEGATIONS = frozenset({"no", "nothing", "not", "without", "non"})
_SCENE = frozenset({"setting", "time", "weather", "style"})
_CONTENT = _SCENE | {"kind", "place", "relation", "after", "picture", "unknown"}
_NEW_CLAUSE = frozenset({"there", "pronoun", "be", "article", "count"})
_PREPOSITIONS = frozenset({"on", "in", "at", "by", "under"})
_EXCEPTIONS = frozenset({"except", "except for", "other than", "apart from", "excluding", "without"})
_READ_AS = {"but": "stop", "present": "silent", "absent": "silent", "or": "stop"}
"""Words that matter for scopes alone, and what the parser takes them for."""


def stated(words: Sequence[Token]) -> list[Token]:
    """Returns the words outside the scope of any negation.

    Unknown words inside one are returned as `unread`: they are reported, but describe nothing.
    """
    return [token for sentence in _sentences(words) for token in _stated(sentence)]


def _sentences(words: Sequence[Token]) -> Iterator[list[Token]]:
    sentence: list[Token] = []
    for word in words:
        sentence.append(word)
        if word.meaning.what == "break":
            yield sentence
            sentence = []
    yield sentence


def _stated(sentence: list[Token]) -> Iterator[Token]:
    denied = _denied(sentence)
    for at, token in enumerate(sentence):
        what = token.meaning.what
        if at in denied:
            if what == "unknown":
                yield Token(token.text, Meaning("unread"))
        elif what in _READ_AS:
            yield Token(token.text, Meaning("be" if token.text.endswith("是") else _READ_AS[what]))
        else:
            yield token


def _denied(sentence: list[Token]) -> set[int]:
    """Returns the indices of the words of a sentence that a negation covers, the negation included."""
    denied: set[int] = set()
    at = 0
    while at < len(sentence):
        what = sentence[at].meaning.what
        if what == "absent" and _what(sentence, at - 1) == "be":
            denied.update(range(_clause_start(sentence, at), at + 1))
        elif what in _NEGATIONS or what == "absent":
            scope = _Scope(sentence, at)
            denied.update(scope.covered())
            at = max(at, scope.end - 1)
            if scope.mode == "no" and scope.end < len(sentence) and sentence[scope.end].text in _EXCEPTIONS:
                at = scope.end  # "no boat except a red one": what is excepted from a denial is stated
                denied.add(at)
        at += 1
    return denied


def _what(sentence: list[Token], at: int) -> str:
    return sentence[at].meaning.what if 0 <= at < len(sentence) else ""


def _clause_start(sentence: list[Token], at: int) -> int:
    while at > 0 and _what(sentence, at - 1) not in ("comma", "but", "and", "break"):
        at -= 1
    return at


class _Scope:
    """The words that one negation covers."""

    def __init__(self, sentence: list[Token], start: int) -> None:
        self.sentence, self.start = sentence, start
        self.chinese = not sentence[start].text.isascii()
        what = sentence[start].meaning.what
        self.mode = {"absent": "without", "nothing": "no"}.get(what, what)
        if self.mode == "no" and start and sentence[start - 1].text == "with":
            self.mode = "without"
        self.kept: set[int] = set()
        self.end = start + 2 if self.mode == "non" else self._find_end()

    def covered(self) -> set[int]:
        """Returns the indices of the negation and of what it denies, before it and after it."""
        following = set(range(self.start, self.end)) - self.kept
        return following | set(range(self._first(), self.start)) - self._scenery_before()

    def _first(self) -> int:
        """Returns where the denied words begin: before the negation where it denies its subject or its place."""
        opening = _clause_start(self.sentence, self.start)
        if self.mode == "not" and self._denies_presence():
            return opening
        if not self.chinese or self.mode != "no":
            return self.start
        if not self._content(range(self.start + 1, self.end)):
            return self.start if self._excludes() else opening
        before = self._content(range(opening, self.start))
        return opening if before and _what(self.sentence, before[-1]) in ("place", "after") else self.start

    def _denies_presence(self) -> bool:
        following = [_what(self.sentence, at) for at in range(self.start + 1, self.end)]
        following = [what for what in following if what not in ("stop", "silent")]
        return following[:1] == ["present"] or following[:2] == ["be", "present"]

    def _excludes(self) -> bool:
        return any(token.text == "除了" for token in self.sentence[: self.start])

    def _content(self, span: range) -> list[int]:
        return [at for at in span if _what(self.sentence, at) in _CONTENT | {"size", "colour"}]

    def _scenery_before(self) -> set[int]:
        return {at for at in range(self.start) if _what(self.sentence, at) in _SCENE} if self.chinese else set()

    def _find_end(self) -> int:
        named = _what(self.sentence, self.start) == "nothing"
        for at in range(self.start + 1, len(self.sentence)):
            what = _what(self.sentence, at)
            if at == self.start + 1 and self.mode == "not" and what == "without":
                return at + 1  # a double negation
            if what in ("but", "break") or what in _NEGATIONS or self._ends_at(at, named):
                return at
            if what in _SCENE and named and self.mode == "no" and self.sentence[at - 1].text == "the":
                self.kept.add(at)
            named = named or what in ("kind", "unknown", "picture")
        return len(self.sentence)

    def _ends_at(self, at: int, named: bool) -> bool:
        what = _what(self.sentence, at)
        if what == "comma":
            return self.sentence[at].text == "(" or not self._goes_on(at)
        if what == "and":
            return self._ends_before_and(at)
        if what == "there":
            return self.chinese or named
        if self.chinese:
            return what == "stop" and self.sentence[at].text == "的" and self._modifies_a_noun(at)
        return self.mode == "without" and named and self._phrase_of_the_clause(at)

    def _goes_on(self, comma: int) -> bool:
        """Returns whether the list goes on after a comma: what follows has no article, and *or* closes the list."""
        if self.chinese:
            return self.sentence[comma].text == "、"
        for at in range(comma + 1, len(self.sentence)):
            what = _what(self.sentence, at)
            if what == "or":
                return True
            if what in ("there", "pronoun", "be", "and", "but", "break") or what in _NEGATIONS:
                return False
            if what == "article" and self.mode == "no":
                return False
        return False

    def _ends_before_and(self, at: int) -> bool:
        following = _what(self.sentence, at + 1)
        if self.chinese:
            return following == "there"
        if self.mode == "without":
            return following in ("there", "be", "pronoun")
        return following in _NEW_CLAUSE or self._is_preposition(at + 1)

    def _is_preposition(self, at: int) -> bool:
        return at < len(self.sentence) and self.sentence[at].text in _PREPOSITIONS

    def _phrase_of_the_clause(self, at: int) -> bool:
        """Returns whether a phrase of the scene begins here, as in "a boat without a cat on a beach"."""
        if self.sentence[at].text == "with":
            return True
        if not self._is_preposition(at):
            return False
        following = [_what(self.sentence, ahead) for ahead in range(at + 1, min(at + 4, len(self.sentence)))]
        content = [what for what in following if what in _CONTENT]
        return bool(content) and content[0] in _SCENE

    def _modifies_a_noun(self, at: int) -> bool:
        """Returns whether a Chinese clause with a negation ends here and modifies the noun that follows."""
        following = [_what(self.sentence, ahead) for ahead in range(at + 1, min(at + 6, len(self.sentence)))]
        noun = next((what for what in following if what in ("kind", "setting", "comma", "break", "there")), "")
        before = _what(self.sentence, at - 1)
        if noun == "setting":
            return before in ("weather", "time")
        if noun != "kind":
            return False
        adjective = before in ("size", "colour") and self.sentence[self.start].text == "不"
        return adjective or before == "kind" or _what(self.sentence, self.start - 1) in ("article", "count")
