"""Training data from the world, made on the fly: scenes, rendered images and captions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telephone import world
from telephone.core.seeds import derive
from telephone.nets.tokenizer import WordTokenizer
from telephone.world.facts import described_scene as visible
from telephone.world.renderer import render_array
from telephone.world.scene import Scene

__all__ = [
    "STILL",
    "ImageBatch",
    "any_caption",
    "contact_sheet",
    "learn_words",
    "paint",
    "to_unit",
    "train_scene",
    "visible",
]

STILL = 4016093
"""A seed of the renderer under which the first five things are neither moved nor mirrored."""


def train_scene(*key: object) -> Scene:
    """Returns the training scene of a key: never with a held-out pair of kind and colour."""
    return world.sample_any(derive("train", *key), split="train")


def any_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Returns a caption in one of the English wordings; one in three describes only what is visible in an image."""
    wordings = world.WORDINGS["en"]
    if rng.random() < 1 / 3:
        scene = visible(scene)
    return world.caption(scene, "en", wordings[rng.integers(len(wordings))])


def learn_words(scenes: int = 6000) -> WordTokenizer:
    """Returns a tokenizer of every word that the English grammar uses."""
    rng = np.random.default_rng(0)
    return WordTokenizer.learn(any_caption(train_scene("words", i), rng) for i in range(scenes))


@dataclass
class ImageBatch:
    """Scenes that are rendered ahead into memory."""

    scenes: list[Scene]
    pixels: NDArray[np.uint8]
    """[n, 64, 64, 3]"""
    things: NDArray[np.float32]
    """[n, 16, 16]: share of each 4 x 4 square that is covered by a thing, in [0, 1]; 0 unless masks were requested."""


def paint(key: str, count: int, masks: bool = False, still: bool = False) -> ImageBatch:
    """Renders `count` training scenes, each with its own seed or all of them with `STILL`.

    Args:
        key: names the set; the same key gives the same images.
        count: number of images.
        masks: also find where the things are, by rendering the scenes without them.
        still: render all with the seed `STILL`.
    """
    scenes = [train_scene(key, i) for i in range(count)]
    seeds = [STILL if still else derive("picture", key, i) for i in range(count)]
    pixels = render_array(scenes, seeds)
    things = np.zeros((count, 16, 16), dtype=np.float32)
    if masks:
        for start in range(0, count, 1000):
            part = slice(start, start + 1000)
            empty = [Scene(s.setting, s.time, s.weather, s.style) for s in scenes[part]]
            things[part] = _coverage(pixels[part], render_array(empty, seeds[part]))
    return ImageBatch(scenes, pixels, things)


def _coverage(pixels: NDArray[np.uint8], empty: NDArray[np.uint8]) -> NDArray[np.float32]:
    different = np.abs(pixels.astype(np.int16) - empty.astype(np.int16)).max(axis=3) > 20
    return different.reshape(-1, 16, 4, 16, 4).mean(axis=(2, 4), dtype=np.float32)


def to_unit(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns images [n, h, w, 3] in 0..255 as float32 [n, 3, h, w] in [-1, 1]."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(127.5) - np.float32(1)


def contact_sheet(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Returns one image of rows of images, each row float32 [n, 3, h, w] in [-1, 1], enlarged three times."""
    lines = [np.concatenate(list(row), axis=2) for row in rows]
    pixels = np.concatenate(lines, axis=1).clip(-1, 1).transpose(1, 2, 0)
    return ((pixels + 1) * 127.5).astype(np.uint8).repeat(3, axis=0).repeat(3, axis=1)
