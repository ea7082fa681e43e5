"""Evaluation on held-out scenes while a recipe runs: facts kept by captions, sheets of images, pages of samples."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from telephone import world
from telephone.core.records import Level
from telephone.train.common import data
from telephone.train.common.recipe import Recipe
from telephone.world.renderer import render_array
from telephone.world.scene import Scene

LEVELS: tuple[Level, ...] = ("easy", "medium", "hard")
"""Levels of the scenes that are evaluated."""
CAPTIONED = 48
"""Held-out scenes a level that are captioned."""
SHEET_ROW = 8
"""Images in a row of a sheet, one row a level."""


class FactCounts(NamedTuple):
    """Facts of several scenes, and what texts state about them."""

    kept: int
    """Stated correctly."""
    stated: int
    """Stated at all."""
    facts: int
    """In the scenes."""

    def __str__(self) -> str:
        """Returns the counts in words."""
        recall, precision = 100 * self.kept / max(1, self.facts), 100 * self.kept / max(1, self.stated)
        return (
            f"{self.kept} of {self.facts} facts are kept ({recall:.0f} %), "
            f"{precision:.0f} % of {self.stated} stated facts are correct"
        )


def count_facts(scenes: Sequence[Scene], texts: Sequence[str]) -> FactCounts:
    """Returns how many facts of the scenes the texts keep, one text a scene."""
    found = [world.compare(scene, world.parse(text)) for scene, text in zip(scenes, texts, strict=True)]
    kept = sum(len(one.kept) for one in found)
    stated = sum(len(one.kept) + len(one.wrong) + len(one.invented) for one in found)
    return FactCounts(kept, stated, sum(len(world.atoms(scene)) for scene in scenes))


@contextlib.contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Puts a net into evaluation mode without gradients, and back into its former mode at the end."""
    training = net.training
    net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        net.train(training)


def held_out_images(recipe: Recipe, level: Level, count: int) -> tuple[list[Scene], Tensor]:
    """Returns held-out scenes of a level, always the same, and their images [count, 3, 64, 64] in [-1, 1]."""
    scenes, pixels = _rendered(level, count)
    x = torch.from_numpy(data.to_unit(pixels))
    return list(scenes), x.contiguous(memory_format=torch.channels_last).to(recipe.device)


@functools.cache
def _rendered(level: Level, count: int) -> tuple[tuple[Scene, ...], NDArray[np.uint8]]:
    """Returns held-out scenes and their pixels, rendered once a process: a recipe evaluates many times."""
    scenes = tuple(world.sample(level, i, split="test") for i in range(count))
    return scenes, render_array(scenes, list(range(count)))


def evaluate_captions(
    recipe: Recipe, name: str, caption: Callable[[Tensor], list[str]], wording: str = "plain"
) -> None:
    """Prints how many facts captions of held-out images keep, and writes a page of captions beside true ones.

    Args:
        recipe: says where to write.
        name: of the page in the folder `samples`.
        caption: images [n, 3, 64, 64] in [-1, 1] to n texts; called without gradients.
        wording: of the true captions on the page.
    """
    lines: list[str] = []
    for level in LEVELS:
        scenes, x = held_out_images(recipe, level, CAPTIONED)
        with torch.no_grad():
            texts = caption(x)
        lines.append(f"# {level}: {count_facts(scenes, texts)}")
        print(f"{name} {lines[-1]}", flush=True)
        lines += beside_truth(scenes, texts, wording)
    write_samples(recipe, name, lines)


def beside_truth(scenes: Sequence[Scene], texts: Sequence[str], wording: str = "plain", most: int = 6) -> list[str]:
    """Returns the first few texts, each below the true caption of its scene."""
    true = [world.caption(data.visible(scene), "en", wording) for scene in scenes[:most]]
    return [f"{truth}\n  -> {text}" for truth, text in zip(true, texts[:most], strict=True)]


def write_samples(recipe: Recipe, name: str, lines: Sequence[str]) -> None:
    """Writes a page into the folder `samples` of a recipe."""
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")


def sheet_scenes() -> tuple[list[Scene], list[str]]:
    """Returns the held-out scenes of a sheet, `SHEET_ROW` a level, with their plain English captions."""
    scenes = [world.sample(level, i, split="test") for level in LEVELS for i in range(SHEET_ROW)]
    return scenes, [world.caption(scene, "en", "plain") for scene in scenes]


def sheet_images(still: bool = False) -> Tensor:
    """Returns the true images [n, 3, 64, 64] in [-1, 1] of the scenes of a sheet.

    Args:
        still: all with the renderer's seed `data.STILL`, as text-to-image models are trained; else each with its own.
    """
    scenes, _ = sheet_scenes()
    seeds = [data.STILL] * len(scenes) if still else list(range(len(scenes)))
    return torch.from_numpy(data.to_unit(render_array(scenes, seeds)))


def write_sheet(recipe: Recipe, name: str, *columns: Tensor | np.ndarray) -> None:
    """Writes `samples/<name>.png`: for each row of images in the first set, the same row of every other set below it.

    Args:
        recipe: says where to write.
        name: of the file.
        columns: sets of images [n, 3, h, w] in [-1, 1], all of one shape.
    """
    sets = [np.asarray(part.cpu() if isinstance(part, Tensor) else part) for part in columns]
    rows = [part[i : i + SHEET_ROW] for i in range(0, len(sets[0]), SHEET_ROW) for part in sets]
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    Image.fromarray(data.contact_sheet(rows)).save(folder / f"{name}.png")
