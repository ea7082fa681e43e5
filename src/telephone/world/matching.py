"""Pairs the things of two scenes so that most facts of the first one are kept in the second one.

An assignment problem, solved exactly: pairs are scored one by one with dynamic programming over the free things, and
relations, which couple two pairs, by branch and bound with that optimum as the bound. Things are taken in an order of
their content, so that neither scene's own order decides between assignments that keep equally many facts.
"""

from functools import cache

from telephone.world.entailment import implied
from telephone.world.scene import COLOURS, KINDS, PLACES, SEVERAL, SIZES, Relation, Scene, Thing

_KEPT = 10_000
"""Weight of one kept fact; larger than all agreements of six pairs."""
_AGREEMENTS = {"kind": 300, "colour": 100, "place": 30, "count": 10, "size": 10}
"""Weights of what decides among assignments that keep equally many facts; values that nothing states agree as well."""


def match(truth: Scene, other: Scene) -> dict[int, int]:
    """Returns for each thing of the truth the one it is paired with in the other scene, by their indices.

    Two things can be a pair if their kind, their stated colour or their stated place is equal: a size or a number alone
    does not identify a thing. Among all assignments of such pairs, the one that keeps most facts is chosen, then the
    one with most equal kinds, colours, places, numbers and sizes.
    """
    return _Assignment(truth, other).best()


class _Assignment:
    def __init__(self, truth: Scene, other: Scene) -> None:
        self.other = other
        self.ours, self.theirs = _order(truth), _order(other)
        positions = implied(other)
        self.scores = [
            [_score(truth.things[i], other.things[j], positions.place(j)) for j in self.theirs] for i in self.ours
        ]
        rank = {index: at for at, index in enumerate(self.ours)}
        self.relations = [Relation(rank[subject], name, rank[anchor]) for subject, name, anchor in truth.relations]
        self.undecided = [
            sum(max(relation.subject, relation.anchor) >= at for relation in self.relations)
            for at in range(len(self.ours) + 1)
        ]
        self.bound = cache(self._bound)
        self.most = -1
        self.found: tuple[int | None, ...] = ()

    def best(self) -> dict[int, int]:
        """Returns the best assignment, in indices of the scenes."""
        self._search((), (1 << len(self.theirs)) - 1, 0)
        return {self.ours[at]: self.theirs[j] for at, j in enumerate(self.found) if j is not None}

    def _bound(self, at: int, free: int) -> int:
        """Returns the best total of the pairs from the thing `at` on, relations left out; `free` is a bit set."""
        if at == len(self.scores):
            return 0
        row = self.scores[at]
        paired = [row[j] + self.bound(at + 1, free & ~(1 << j)) for j in range(len(row)) if row[j] and free >> j & 1]
        return max([self.bound(at + 1, free), *paired])

    def _search(self, pairs: tuple[int | None, ...], free: int, total: int) -> None:
        at = len(pairs)
        if total + self.bound(at, free) + _KEPT * self.undecided[at] <= self.most:
            return
        if at == len(self.scores):
            self.most, self.found = total, pairs
            return
        row = self.scores[at]
        candidates = [j for j in range(len(row)) if row[j] and free >> j & 1]
        for j in sorted(candidates, key=lambda j: -row[j]):
            extended = (*pairs, j)
            self._search(extended, free & ~(1 << j), total + row[j] + _KEPT * self._kept_relations(extended))
        self._search((*pairs, None), free, total)

    def _kept_relations(self, pairs: tuple[int | None, ...]) -> int:
        """Returns how many relations the last pair decides and keeps."""
        last, kept = len(pairs) - 1, 0
        for subject, name, anchor in self.relations:
            if max(subject, anchor) == last:
                ours, theirs = pairs[subject], pairs[anchor]
                kept += (
                    ours is not None
                    and theirs is not None
                    and self._holds(name, self.theirs[ours], self.theirs[theirs])
                )
        return kept

    def _holds(self, name: str, subject: int, anchor: int) -> bool:
        return Relation(subject, name, anchor) in self.other.relations or implied(self.other).holds(
            name, subject, anchor
        )


def _order(scene: Scene) -> list[int]:
    """Returns the indices of the things, ordered by their content."""
    beside = {subject: (name, *_name(scene.things[anchor])) for subject, name, anchor in scene.relations}
    return sorted(
        range(len(scene.things)), key=lambda index: (_content(scene.things[index]), beside.get(index, ("", 0, 0)))
    )


def _name(thing: Thing) -> tuple[int, int]:
    return KINDS.index(thing.kind), -1 if thing.colour is None else COLOURS.index(thing.colour)


def _content(thing: Thing) -> tuple[int, ...]:
    place = -1 if thing.place is None else PLACES.index(thing.place)
    return (*_name(thing), place, thing.count, SIZES.index(thing.size), thing.several)


def _score(one: Thing, two: Thing, place: str | None) -> int:
    """Returns the worth of a pair; 0 if it is none. `place` is where the second thing is known to stand."""
    same = {
        "kind": one.kind == two.kind,
        "colour": one.colour == two.colour,
        "place": one.place == place,
        "count": _number(one) == _number(two) or (one.several and two.count > 1),
        "size": one.size == two.size,
    }
    stated = {
        "kind": True,
        "colour": one.colour is not None,
        "place": one.place is not None,
        "count": one.count > 1,
        "size": one.size != SIZES[0],
    }
    if not any(same[what] and stated[what] for what in ("kind", "colour", "place")):
        return 0
    kept = sum(same[what] and stated[what] for what in same)
    return _KEPT * kept + sum(weight for what, weight in _AGREEMENTS.items() if same[what])


def _number(thing: Thing) -> int | str:
    return SEVERAL if thing.several else thing.count
