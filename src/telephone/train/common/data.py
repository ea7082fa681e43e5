"""Training data from the world, made on the fly: scenes, pictures, sentences and the exact facts of each cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telephone import world
from telephone.core.seeds import derive
from telephone.nets.tokenizer import WordTokenizer
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets, scene_targets, telling
from telephone.world.render import render_array
from telephone.world.scene import Scene

__all__ = [
    "CELL_FACTS",
    "SCENE_FACTS",
    "STILL",
    "PictureBatch",
    "any_caption",
    "cell_targets",
    "learn_words",
    "paint",
    "scene_targets",
    "sheet",
    "telling",
    "to_unit",
    "train_scene",
]


def train_scene(*key: object) -> Scene:
    """Returns a scene for training: never with a held-out pair of kind and colour."""
    return world.sample_any(derive("train", *key), split="train")


def any_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Returns the scene in one of the English wordings; one time in three as `telling` would have it."""
    wordings = world.WORDINGS["en"]
    if rng.random() < 1 / 3:
        scene = telling(scene)
    return world.caption(scene, "en", wordings[rng.integers(len(wordings))])


def learn_words(scenes: int = 6000) -> WordTokenizer:
    """Returns a tokenizer of every word that the English grammar uses."""
    rng = np.random.default_rng(0)
    return WordTokenizer.learn(any_caption(train_scene("words", i), rng) for i in range(scenes))


@dataclass
class PictureBatch:
    """Scenes rendered ahead into memory."""

    scenes: list[Scene]
    pixels: NDArray[np.uint8]
    """[n, 64, 64, 3]"""
    things: NDArray[np.float32]
    """[n, 16, 16]: how much of each 4 x 4 square is covered by a thing, in [0, 1]."""


STILL = 4016093
"""A seed of the renderer under which the first five things are neither moved nor mirrored."""


def paint(key: str, count: int, masks: bool = False, still: bool = False) -> PictureBatch:
    """Renders `count` training scenes, each with its own seed or all of them still.

    Args:
        key: names the set; the same key gives the same pictures.
        count: number of pictures.
        masks: also find where the things are, by drawing the scenes without them.
        still: draw all with the seed `STILL`.
    """
    scenes = [train_scene(key, i) for i in range(count)]
    seeds = [STILL if still else derive("picture", key, i) for i in range(count)]
    pixels = render_array(scenes, seeds)
    things = np.zeros((count, 16, 16), dtype=np.float32)
    if masks:
        for start in range(0, count, 1000):
            part = slice(start, start + 1000)
            bare = [Scene(s.setting, s.time, s.weather, s.style) for s in scenes[part]]
            things[part] = _difference(pixels[part], render_array(bare, seeds[part]))
    return PictureBatch(scenes, pixels, things)


def _difference(pixels: NDArray[np.uint8], bare: NDArray[np.uint8]) -> NDArray[np.float32]:
    apart = np.abs(pixels.astype(np.int16) - bare.astype(np.int16)).max(axis=3) > 20
    return apart.reshape(-1, 16, 4, 16, 4).mean(axis=(2, 4), dtype=np.float32)


def to_unit(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns pictures [n, h, w, 3] in 0..255 as float32 [n, 3, h, w] in [-1, 1]."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(127.5) - np.float32(1)


def sheet(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Returns a picture of rows of pictures, each row float32 [n, 3, h, w] in [-1, 1], enlarged three times."""
    lines = [np.concatenate(list(row), axis=2) for row in rows]
    pixels = np.concatenate(lines, axis=1).clip(-1, 1).transpose(1, 2, 0)
    return ((pixels + 1) * 127.5).astype(np.uint8).repeat(3, axis=0).repeat(3, axis=1)
