"""Compares two scenes fact by fact: facts kept, wrong, missing and invented."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telephone.world.entailment import implied, possible
from telephone.world.matching import match
from telephone.world.scene import SEVERAL, Atom, Scene, atoms

__all__ = ["SceneComparison", "compare", "compare_matched", "match"]

_WHERE = "where"


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
    """Facts of the other scene only; a place or relation that the truth leaves open does not count."""

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
    """Compares two scenes fact by fact; the order of the things has no influence.

    Things are paired so that most facts are kept (`matching.match`). A place or relation of the truth is kept if the
    other scene states it or if it follows from what that scene states (`entailment.implied`); where its things stand by
    default counts for nothing. It is wrong if the other scene states a position that is impossible in the truth. A
    position that the truth leaves open is no invention, because every picture puts every thing somewhere. "Several"
    states that there are more than one: beside an exact number of the truth it is missing, not wrong, and every number
    above one keeps it.
    """
    return compare_matched(truth, other, match(truth, other))


def compare_matched(truth: Scene, other: Scene, matched: Mapping[int, int]) -> SceneComparison:
    """Compares two scenes whose things are paired: index in the truth, index in the other scene."""
    judge = _Judge(truth, other, matched)
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


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _slot(atom: Atom) -> str:
    return _WHERE if atom.attribute in ("place", "relation") else atom.attribute


class _Judge:
    """Compares the facts of two scenes whose things are matched."""

    def __init__(self, truth: Scene, other: Scene, matched: Mapping[int, int]) -> None:
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
        if atom.attribute == "place":
            return thing is not None and implied(self.other).place(thing) == atom.value
        if atom.attribute == "relation":
            return self._keeps_relation(atom, said)
        return said is not None and (said.value == atom.value or atom.value == SEVERAL)

    def _keeps_relation(self, atom: Atom, said: Atom | None) -> bool:
        anchor = _anchor(self.truth, atom)
        if anchor not in self.matched:
            return False
        subject, theirs = self.matched[atom.thing], self.matched[anchor]
        assert subject is not None and theirs is not None
        if said is not None and said.value == atom.value and _anchor(self.other, said) == theirs:
            return True  # stated in both, even if the other statements contradict it
        return implied(self.other).holds(str(atom.value), subject, theirs)

    def answer(self, atom: Atom) -> Atom | None:
        """Returns the fact that the other scene states instead of one that it does not keep; None if it states none."""
        if atom.thing not in self.matched:
            return None
        said = self.said.get((self.matched[atom.thing], _slot(atom)))
        if said is None or said.value == SEVERAL or (_slot(atom) == _WHERE and self._open(said)):
            return None
        return said

    def invented(self) -> Iterator[Atom]:
        """Yields the facts of the other scene that match no fact of the truth and that it does not leave open."""
        matched = {theirs: ours for ours, theirs in self.matched.items()}
        for atom in self.said.values():
            if atom.thing in matched and (matched[atom.thing], _slot(atom)) in self.stated:
                continue
            if _slot(atom) != _WHERE or not self._open(atom):
                yield atom

    def _open(self, said: Atom) -> bool:
        """Returns whether the truth allows a place or relation of the other scene."""
        thing = self.back.get(said.thing or 0)
        if thing is None:
            return False
        if said.attribute == "relation":
            anchor = self.back.get(_anchor(self.other, said))
            return anchor is not None and possible(self.truth).may_hold(str(said.value), thing, anchor)
        taken = any(other.place == said.value for index, other in enumerate(self.truth.things) if index != thing)
        return not taken and possible(self.truth).may_be(thing, str(said.value))


def _anchor(scene: Scene, atom: Atom) -> int:
    """Returns the anchor of a relation; -1 if the atom is a place."""
    return next((relation.anchor for relation in scene.relations if relation.subject == atom.thing), -1)
