"""How well a describer tells held-out scenes: the facts counted, and the page of samples that a recipe writes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from telephone import world
from telephone.core.records import Level
from telephone.train.common import data
from telephone.train.common.recipe import Recipe
from telephone.world.render import render_array
from telephone.world.scene import Scene

LEVELS: tuple[Level, ...] = ("easy", "medium", "hard")
"""The levels at which describers are examined on the way."""


class Marks(NamedTuple):
    """Facts of several scenes and of what was said of them."""

    kept: int
    """Told right."""
    said: int
    """Told at all."""
    facts: int
    """There are."""

    def __str__(self) -> str:
        """Returns the counts in words."""
        return f"{self.kept} of {self.facts} facts are told, among {self.said} that are said"


def mark(scenes: Sequence[Scene], told: Sequence[str]) -> Marks:
    """Returns how many facts of the scenes are told, and among how many that are said."""
    found = [world.compare(scene, world.parse(text)) for scene, text in zip(scenes, told, strict=True)]
    kept = sum(len(one.kept) for one in found)
    said = sum(len(one.kept) + len(one.wrong) + len(one.invented) for one in found)
    return Marks(kept, said, sum(len(world.atoms(scene)) for scene in scenes))


def held_out(recipe: Recipe, level: Level, count: int) -> tuple[list[Scene], Tensor]:
    """Returns the same held-out scenes of a level at every call, and their pictures [count, 3, 64, 64] in [-1, 1]."""
    scenes = [world.sample(level, i, split="test") for i in range(count)]
    x = torch.from_numpy(data.to_unit(render_array(scenes, list(range(count)))))
    return scenes, x.to(recipe.device)


def beside_truth(scenes: Sequence[Scene], told: Sequence[str], wording: str = "plain", most: int = 6) -> list[str]:
    """Returns the first few texts, each below the true telling of its scene."""
    true = [world.caption(data.telling(scene), "en", wording) for scene in scenes[:most]]
    return [f"{truth}\n  -> {text}" for truth, text in zip(true, told[:most], strict=True)]


def write_samples(recipe: Recipe, name: str, lines: Sequence[str]) -> None:
    """Writes a page into the folder `samples` of a recipe."""
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")
