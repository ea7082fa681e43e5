"""Compares two scenes fact by fact: facts kept, wrong, missing and invented."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from telephone.world.layout import holds, layout
from telephone.world.scene import Atom, Scene, atoms

_WHERE = "where"
_SAME_KIND = 1000
"""Larger than the sum of all other agreements of six things, so equal kinds are matched first."""


@dataclass(frozen=True)
class SceneComparison:
    """Every fact of the truth is kept, wrong or missing; other facts of the second scene are invented."""

    kept: tuple[Atom, ...]
    """Facts of the truth."""
    wrong: tuple[tuple[Atom, Atom], ...]
    """A fact of the truth, and the fact that the other scene states instead."""
    missing: tuple[Atom, ...]
    """Facts of the truth that the other scene does not state."""
    invented: tuple[Atom, ...]
    """Facts of the other scene only; a place that holds in the truth without being stated there does not count."""

    @property
    def recall(self) -> float | None:
        """Share of the truth's facts that are kept, 0 to 1; None if the truth states nothing."""
        return _share(len(self.kept), len(self.kept) + len(self.wrong) + len(self.missing))

    @property
    def precision(self) -> float | None:
        """Share of kept facts among those that the other scene states, 0 to 1; None if it states nothing."""
        return _share(len(self.kept), len(self.kept) + len(self.wrong) + len(self.invented))

    @property
    def f1(self) -> float | None:
        """Harmonic mean of recall and precision, 0 to 1; None if neither scene states anything."""
        errors = 2 * len(self.wrong) + len(self.missing) + len(self.invented)
        return _share(2 * len(self.kept), 2 * len(self.kept) + errors)


def compare(truth: Scene, other: Scene) -> SceneComparison:
    """Compares two scenes fact by fact.

    Things are matched for the largest agreement: equal kinds first; the rest is matched if colour or stated place are
    equal, and then the kind is wrong. A place or relation of the truth is kept if it holds for the positions of the
    other scene's things, stated or not.
    """
    judge = _Judge(truth, other, match(truth, other))
    kept, wrong, missing = [], [], []
    for atom in atoms(truth):
        answer = judge.answer(atom)
        if judge.keeps(atom):
            kept.append(atom)
        elif answer is not None:
            wrong.append((atom, answer))
        else:
            missing.append(atom)
    return SceneComparison(tuple(kept), tuple(wrong), tuple(missing), tuple(judge.invented()))


def match(truth: Scene, other: Scene) -> dict[int, int]:
    """Returns for each thing of the truth the match in the other scene: the assignment of largest agreement."""
    scores = _scores(truth, other)

    @cache
    def best(index: int, free: frozenset[int]) -> tuple[int, tuple[tuple[int, int], ...]]:
        if index == len(scores):
            return 0, ()
        found = best(index + 1, free)
        for candidate in sorted(free):
            if scores[index][candidate]:
                score, pairs = best(index + 1, free - {candidate})
                if score + scores[index][candidate] > found[0]:
                    found = score + scores[index][candidate], ((index, candidate), *pairs)
        return found

    return dict(best(0, frozenset(range(len(other.things))))[1])


def _scores(truth: Scene, other: Scene) -> list[list[int]]:
    ours, theirs = layout(truth), layout(other)
    return [
        [_score(truth, other, (i, j), ours[i] == theirs[j]) for j in range(len(other.things))]
        for i in range(len(truth.things))
    ]


def _score(truth: Scene, other: Scene, pair: tuple[int, int], same_cell: bool) -> int:
    """Returns the agreement of two things; 0 means no match."""
    one, two = truth.things[pair[0]], other.things[pair[1]]
    same_colour = one.colour == two.colour
    alike = (same_colour and one.colour is not None) or (one.place is not None and one.place == two.place)
    if one.kind != two.kind and not alike:
        return 0
    agreement = 30 * same_colour + 10 * same_cell + 4 * (one.count == two.count) + 4 * (one.size == two.size)
    return 1 + agreement + _SAME_KIND * (one.kind == two.kind)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _slot(atom: Atom) -> str:
    return _WHERE if atom.attribute in ("place", "relation") else atom.attribute


class _Judge:
    """Compares the facts of two scenes whose things are matched."""

    def __init__(self, truth: Scene, other: Scene, matched: dict[int, int]) -> None:
        self.truth, self.other = truth, other
        self.matched: dict[int | None, int | None] = {None: None}
        self.matched.update(matched.items())
        self.back = {theirs: ours for ours, theirs in matched.items()}
        self.said = {(atom.thing, _slot(atom)): atom for atom in atoms(other)}
        self.stated = {(atom.thing, _slot(atom)): atom for atom in atoms(truth)}

    def keeps(self, atom: Atom) -> bool:
        """Returns whether a fact of the truth is a fact of the other scene."""
        if atom.thing not in self.matched:
            return False
        thing = self.matched[atom.thing]
        said = self.said.get((thing, _slot(atom)))
        if _slot(atom) != _WHERE:
            return said is not None and said.value == atom.value
        if atom.attribute == "place":
            return thing is not None and layout(self.other)[thing] == atom.value
        return self._keeps_relation(atom, said)

    def _keeps_relation(self, atom: Atom, said: Atom | None) -> bool:
        anchor = _anchor(self.truth, atom)
        if anchor not in self.matched:
            return False
        subject, theirs = self.matched[atom.thing], self.matched[anchor]
        assert subject is not None and theirs is not None
        if said is not None and said.value == atom.value and _anchor(self.other, said) == theirs:
            return True  # stated in both, even if the layout has no room for it
        places = layout(self.other)
        return holds(str(atom.value), places[subject], places[theirs])

    def answer(self, atom: Atom) -> Atom | None:
        """Returns the fact that the other scene states instead of one that it does not keep; None if it states none."""
        if atom.thing not in self.matched:
            return None
        said = self.said.get((self.matched[atom.thing], _slot(atom)))
        return None if said is None or (_slot(atom) == _WHERE and self._true(said)) else said

    def invented(self) -> Iterator[Atom]:
        """Yields the facts of the other scene that correspond to no fact of the truth and do not hold in it."""
        matched = {theirs: ours for ours, theirs in self.matched.items()}
        for atom in self.said.values():
            if atom.thing in matched and (matched[atom.thing], _slot(atom)) in self.stated:
                continue
            if _slot(atom) != _WHERE or not self._true(atom):
                yield atom

    def _true(self, said: Atom) -> bool:
        """Returns whether a place or relation of the other scene holds in the truth."""
        thing, places = self.back.get(said.thing or 0), layout(self.truth)
        if thing is None:
            return False
        if said.attribute == "place":
            return places[thing] == said.value
        anchor = self.back.get(_anchor(self.other, said))
        return anchor is not None and holds(str(said.value), places[thing], places[anchor])


def _anchor(scene: Scene, atom: Atom) -> int:
    """Returns the anchor of a relation; -1 if the atom is a place."""
    return next((relation.anchor for relation in scene.relations if relation.subject == atom.thing), -1)
