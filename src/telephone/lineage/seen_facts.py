"""What the reader sees in a picture as short phrases, each fact marked as kept, changed, missing or added."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from telephone import world
from telephone.lineage.result import Cell, Strip
from telephone.world import Scene
from telephone.world.scene import Atom, atoms

FactState = Literal["kept", "wrong", "missing", "added"]
_ORDER = ("count", "size", "colour", "kind", "place", "relation")
_AROUND = ("setting", "time", "weather", "style")


@dataclass(frozen=True)
class SeenFact:
    """One fact in words."""

    text: str
    """What is seen; of a missing fact, what should be."""
    state: FactState
    expected: str = ""
    """What should be there in place of a wrong fact."""


def seen_phrases(truth: Scene, seen: Scene) -> list[tuple[SeenFact, ...]]:
    """Returns one phrase for each thing of the truth, one for each fact around it, and one for each added thing.

    Args:
        truth: what the picture should show.
        seen: what the reader sees in it.
    """
    found = world.compare(truth, seen)
    wrong = {_key(own): other for own, other in found.wrong}
    missing = {_key(each) for each in found.missing}
    phrases: list[tuple[SeenFact, ...]] = []
    for index in range(len(truth.things)):
        own = [atom for atom in atoms(truth) if atom.thing == index]
        phrases.append(tuple(_fact(truth, seen, atom, wrong, missing) for atom in _sorted(own)))
    around = {atom.attribute: atom for atom in atoms(truth) if atom.thing is None}
    phrases += [(_fact(truth, seen, around[name], wrong, missing),) for name in _AROUND if name in around]
    phrases += list(_added(seen, found.invented))
    return phrases


def seen_of(strip: Strip, cell: Cell) -> list[tuple[SeenFact, ...]]:
    """Returns what is seen in a picture against the truth of its strip, or against its first picture that was read."""
    if cell.scene is None:
        return []
    first = next(each.scene for each in strip.cells if each.scene is not None)
    return seen_phrases(strip.truth if strip.truth is not None else first, cell.scene)


def _added(seen: Scene, invented: tuple[Atom, ...]) -> Iterator[tuple[SeenFact, ...]]:
    """Yields what the picture has beside the truth; where an added thing stands is no news."""
    shown = [atom for atom in invented if atom.attribute not in ("place", "relation")]
    for index in dict.fromkeys(atom.thing for atom in shown):
        own = _sorted([atom for atom in shown if atom.thing == index])
        if index is not None and not any(atom.attribute == "kind" for atom in own):
            own.append(Atom(index, "kind", seen.things[index].kind))
        if index is None:
            yield from ((SeenFact(_words(seen, atom), "added"),) for atom in own)
        else:
            yield tuple(SeenFact(_words(seen, atom), "added") for atom in own)


def _fact(
    truth: Scene, seen: Scene, atom: Atom, wrong: Mapping[tuple[object, ...], Atom], missing: set[tuple[object, ...]]
) -> SeenFact:
    words = _words(truth, atom)
    if _key(atom) in wrong:
        return SeenFact(_words(seen, wrong[_key(atom)]), "wrong", words)
    return SeenFact(words, "missing" if _key(atom) in missing else "kept")


def _key(atom: Atom) -> tuple[object, ...]:
    return (atom.thing, atom.attribute)


def _sorted(found: list[Atom]) -> list[Atom]:
    return sorted(found, key=lambda atom: _ORDER.index(atom.attribute) if atom.attribute in _ORDER else 0)


def _words(scene: Scene, atom: Atom) -> str:
    if atom.attribute == "count":
        return f"{atom.value} \u00d7" if isinstance(atom.value, int) else str(atom.value)
    if atom.attribute == "relation":
        anchor = next(each.anchor for each in scene.relations if each.subject == atom.thing)
        return f"{atom.value} {scene.things[anchor].kind}"
    return str(atom.value)
