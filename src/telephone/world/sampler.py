"""Samples scenes of a given difficulty, seeded, with some pairs of kind and colour held out from training."""

import random
from dataclasses import dataclass
from typing import Literal

from telephone.core.errors import WorldError
from telephone.core.records import LEVELS, Level
from telephone.core.seeds import derive
from telephone.world.layout import holds
from telephone.world.scene import (
    COLOURS,
    KINDS,
    MAX_THINGS,
    PLACES,
    RELATIONS,
    SETTINGS,
    SIZES,
    SKY_KINDS,
    STYLES,
    TIMES,
    WEATHERS,
    Relation,
    Scene,
    Thing,
    held_out,
)

Split = Literal["train", "test"]

ATOMS: dict[Level, tuple[int, ...]] = {
    "easy": (3, 4, 5),
    "medium": (6, 7, 8, 9),
    "hard": tuple(range(10, 17)),
    "impossible": (20, 20, 20, 21, 21, 22, 22, 23, 24, 25, 26, 27, 28),
}
"""The numbers of atoms of each level; a number that is listed twice is twice as likely."""
LEVEL_WEIGHTS: dict[Level, float] = {"easy": 0.35, "medium": 0.35, "hard": 0.22, "impossible": 0.08}
"""Weights of the levels in `sample_any`."""

_RELATED = 0.28
_UNPAINTED = 0.04
_PER_THING = 5
_HELD_OUT = {kind: next(colour for colour in COLOURS if held_out(kind, colour)) for kind in KINDS}
_TRAINED = {kind: tuple(colour for colour in COLOURS if not held_out(kind, colour)) for kind in KINDS}
_SKY_ROW, _GROUND_ROW = PLACES[3:], PLACES[:3]


def sample(level: Level, seed: int, split: Split | None = None) -> Scene:
    """Returns a scene of a level.

    Args:
        level: easy (3-5 atoms), medium (6-9), hard (10-16) or impossible (20-28).
        seed: Any whole number; the same one gives the same scene.
        split: "train" scenes have no thing that is `held_out`, "test" scenes have at least one; None is either.

    Raises:
        WorldError: There is no such level or split.
    """
    _check(level in ATOMS, f"there is no level {level!r}, take one of {', '.join(LEVELS)}")
    _check_split(split)
    draw = random.Random(derive("sample", level, seed, split))
    return _Sampler(draw, split, MAX_THINGS).scene(draw.choice(ATOMS[level]))


def sample_any(seed: int, split: Split | None = None, max_things: int = MAX_THINGS) -> Scene:
    """Returns a scene of any level, weighted by `LEVEL_WEIGHTS`; few allowed things lower the highest levels.

    Args:
        seed: Any whole number; the same one gives the same scene.
        split: As in `sample`.
        max_things: The most groups of things, 1 to 6.

    Raises:
        WorldError: There is no such split, or no room for so many things.
    """
    _check_split(split)
    _check(1 <= max_things <= MAX_THINGS, f"max_things is {max_things}, take 1 to {MAX_THINGS}")
    draw = random.Random(derive("sample any", seed, split, max_things))
    (level,) = draw.choices(LEVELS, [LEVEL_WEIGHTS[level] for level in LEVELS])
    most = _PER_THING * max_things + 2
    return _Sampler(draw, split, max_things).scene(min(draw.choice(ATOMS[level]), most))


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WorldError(f"The scene cannot be sampled: {otherwise}.")


def _check_split(split: str | None) -> None:
    _check(split in (None, "train", "test"), f"there is no split {split!r}, take train, test or None")


@dataclass(frozen=True)
class _Sampler:
    draw: random.Random
    split: Split | None
    max_things: int

    def scene(self, atoms: int) -> Scene:
        """Returns a scene with exactly this number of atoms: names first, then details until the number is reached."""
        draw = self.draw
        setting = draw.choice(SETTINGS) if draw.random() < 0.85 else None
        around = ["style"] if setting == "space" else ["time", "weather", "style"]
        size = self._size(atoms - (setting is not None), len(around))
        names = self._names(size, _UNPAINTED if atoms < 4 * size else 0.0)
        missing = atoms - (setting is not None) - sum(1 + (colour is not None) for _, colour in names)
        related = draw.randrange(1, len(names)) if len(names) > 1 and draw.random() < _RELATED else None
        chosen = self._details(missing, len(names), around, related)
        things, relations = self._things(names, chosen, related)
        return Scene(
            setting,
            draw.choice(TIMES[1:]) if ("time", -1) in chosen else TIMES[0],
            draw.choice(WEATHERS[1:]) if ("weather", -1) in chosen else WEATHERS[0],
            draw.choice(STYLES[1:]) if ("style", -1) in chosen else STYLES[0],
            things,
            relations,
        )

    def _size(self, atoms: int, around: int) -> int:
        """Returns how many things can state so many atoms: two to five each, the rest about the scene."""
        fewest = max(1, -(-(atoms - around) // _PER_THING))
        most = max(fewest, min(atoms // 2, self.max_things))
        sizes = range(fewest, most + 1)
        return self.draw.choices(sizes, [1 / (1 + (size - atoms / 3) ** 2) for size in sizes])[0]

    def _names(self, size: int, unpainted: float) -> list[tuple[str, str | None]]:
        """Returns kinds and colours, no two alike; now and then two of one kind."""
        draw = self.draw
        kinds = draw.sample(KINDS, size)
        if size > 1 and draw.random() < 0.1:
            kinds[-1] = kinds[0]
        names: list[tuple[str, str | None]] = []
        for kind in kinds:
            colours = _TRAINED[kind] if self.split == "train" else COLOURS
            if kinds.count(kind) == 1 and draw.random() < unpainted:
                names.append((kind, None))
                continue
            names.append((kind, draw.choice([colour for colour in colours if (kind, colour) not in names])))
        if self.split == "test" and not any(held_out(*name) for name in names):
            index = draw.randrange(size)
            names[index] = (names[index][0], _HELD_OUT[names[index][0]])
        return names

    def _details(self, missing: int, things: int, around: list[str], related: int | None) -> set[tuple[str, int]]:
        """Returns the facts besides the names: pairs of attribute and thing (-1 is the scene)."""
        draw = self.draw
        slots = [(draw.random(), what, -1) for what in around]
        for index in range(things):
            where = 1.0 if index == related else draw.random() ** 0.5
            slots += [(where, "where", index), (draw.random(), "size", index), (draw.random(), "count", index)]
        return {slot[1:] for slot in sorted(slots, reverse=True)[:missing]}

    def _things(
        self, names: list[tuple[str, str | None]], chosen: set[tuple[str, int]], related: int | None
    ) -> tuple[tuple[Thing, ...], tuple[Relation, ...]]:
        """Returns the things; each is assigned a cell, so that all places and relations can hold."""
        draw = self.draw
        cells = self._cells([kind for kind, _ in names])
        relations, things = [], []
        for index, (kind, colour) in enumerate(names):
            size = draw.choice(SIZES[1:]) if ("size", index) in chosen else SIZES[0]
            count = draw.choices((2, 3, 4), (5, 3, 2))[0] if ("count", index) in chosen else 1
            stated = ("where", index) in chosen
            relative = stated and related is not None and (index == related or (index > 0 and draw.random() < 0.2))
            things.append(Thing(kind, colour, size, count, cells[index] if stated and not relative else None))
            if relative:
                anchor = draw.randrange(index)
                true = [name for name in RELATIONS if holds(name, cells[index], cells[anchor])]
                relations.append(Relation(index, draw.choice(true), anchor))
        return tuple(things), tuple(relations)

    def _cells(self, kinds: list[str]) -> list[str]:
        """Returns a free place for each thing, that of a sky kind mostly in the upper row."""
        free = self.draw.sample(PLACES, len(PLACES))
        cells = []
        for kind in kinds:
            row = _SKY_ROW if (kind in SKY_KINDS) == (self.draw.random() < 0.85) else _GROUND_ROW
            cells.append(next((place for place in free if place in row), free[0]))
            free.remove(cells[-1])
        return cells
