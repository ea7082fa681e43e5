"""Single edits of scenes: one fact is changed, everything else stays, and both scenes have a sentence."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from telephone.core.errors import WorldError
from telephone.core.seeds import derive
from telephone.world import Scene, atoms, compare, held_out
from telephone.world.scene import COLOURS, KINDS, SETTINGS, SIZES, STYLES, TIMES, WEATHERS

ATTRIBUTES = ("colour", "kind", "setting", "time", "weather", "style", "size")
"""What an edit changes, in turn."""
_SCENE_VALUES: dict[str, tuple[str, ...]] = {
    "setting": SETTINGS, "time": TIMES, "weather": WEATHERS, "style": STYLES,
}  # fmt: skip


@dataclass(frozen=True)
class SceneEdit:
    """A scene, and the same scene with one fact changed."""

    before: Scene
    after: Scene
    attribute: str
    """What was changed, one of `ATTRIBUTES`."""
    thing: int | None
    """Index of the thing that was changed, None for the whole scene."""


@dataclass(frozen=True)
class EditOutcome:
    """What an edit did to the facts of a picture."""

    reached: bool
    """Whether the reader sees the new fact."""
    rest: float
    """Share of the other facts that are kept, 0 to 1; 1 if there are none."""
    invented: int
    """Facts that neither scene has."""

    @property
    def clean(self) -> bool:
        """Whether the new fact is there, every other one is kept, and nothing was invented."""
        return self.reached and self.rest == 1 and not self.invented


def single_edits(scenes: list[Scene], seed: int = 0) -> list[SceneEdit]:
    """Returns one edit a scene; the attributes take turns, and one that a scene does not have is skipped.

    Args:
        scenes: each with at least one thing.
        seed: chooses thing and new value.
    """
    found = []
    for number, scene in enumerate(scenes):
        random = np.random.default_rng(derive("scene edit", seed, number))
        turns = [ATTRIBUTES[(number + step) % len(ATTRIBUTES)] for step in range(len(ATTRIBUTES))]
        edits = (edit for attribute in turns for edit in _edits(scene, attribute, random))
        edit = next(edits, None)
        if edit is not None:
            found.append(edit)
    return found


def _edits(scene: Scene, attribute: str, random: np.random.Generator) -> Iterator[SceneEdit]:
    """Yields valid edits of an attribute in random order."""
    if attribute in _SCENE_VALUES:
        if getattr(scene, attribute) is None:
            return
        for value in random.permutation(_SCENE_VALUES[attribute]):
            yield from _checked(scene, attribute, None, {attribute: str(value)})
        return
    values = {"colour": COLOURS, "kind": KINDS, "size": SIZES}[attribute]
    for index in random.permutation(len(scene.things)):
        thing = scene.things[int(index)]
        if attribute == "colour" and thing.colour is None:
            continue
        for value in random.permutation(values):
            change: dict[str, Any] = {attribute: str(value)}
            made = replace(thing, **change)
            if not held_out(made.kind, made.colour):
                things = (*scene.things[: int(index)], made, *scene.things[int(index) + 1 :])
                yield from _checked(scene, attribute, int(index), {"things": things})


def _checked(scene: Scene, attribute: str, thing: int | None, changes: dict[str, Any]) -> Iterator[SceneEdit]:
    """Yields the edit, if the scene after it is valid and states no fact less."""
    try:
        after = replace(scene, **changes)
    except WorldError:
        return
    if after != scene and len(atoms(after)) >= len(atoms(scene)):
        yield SceneEdit(scene, after, attribute, thing)


def outcome(edit: SceneEdit, seen: Scene) -> EditOutcome:
    """Returns what the reader's scene says of an edit."""
    compared = compare(edit.after, seen)
    changed = [atom for atom in atoms(edit.after) if atom.attribute == edit.attribute and atom.thing == edit.thing]
    kept = set(compared.kept)
    others = [atom for atom in atoms(edit.after) if atom not in changed]
    share = sum(atom in kept for atom in others) / len(others) if others else 1.0
    return EditOutcome(bool(changed) and all(atom in kept for atom in changed), share, len(compared.invented))
