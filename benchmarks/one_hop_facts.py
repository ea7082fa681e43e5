"""Shares of facts that single models keep of single prompts: one side of a turn, the other side being exact.

A text-to-image model draws the prompt and `oracle/reader` reads the image; an image-to-text model describes an image of
the renderer and the world's parser reads the description. Readings are cached as sentences, so a change of the
comparison needs no model.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone import world
from telephone.core.seeds import derive, digest
from telephone.models import image2text, text2image
from telephone.world.facts import described_scene

DRAWERS = ("pocket/stable-diffusion", "pocket/dalle-2", "pocket/vqgan-clip")
DESCRIBERS = ("pocket/mplug-owl", "pocket/minigpt-4", "pocket/blip", "pocket/clip-prefix")
RENDERER = "oracle/renderer"
"""Its images are read by the same reader: what is lost there is lost by the reader."""
SAVE_EVERY = 256

Floats = NDArray[np.float64]


@dataclass
class Readings:
    """The sentence that each model's image or description was read as, kept in a folder."""

    folder: Path
    _kept: dict[str, dict[str, str]] = field(default_factory=dict)

    def facts_kept(self, refs: Sequence[str], texts: Sequence[str], noises: Sequence[str]) -> Floats:
        """Returns the share of facts that each model keeps, float64 [texts, models, noises] in [0, 1].

        Args:
            refs: Models of either side.
            texts: Prompts of the pocket world.
            noises: Labels; each one gives every prompt another seed.
        """
        shares = np.empty((len(texts), len(refs), len(noises)))
        for column, ref in enumerate(refs):
            for last, noise in enumerate(noises):
                sentences = self._sentences(ref, texts, noise)
                shares[:, column, last] = [recall(*pair) for pair in zip(texts, sentences, strict=True)]
        return shares

    def _sentences(self, ref: str, texts: Sequence[str], noise: str) -> list[str]:
        kept = self._load(ref)
        missing = [text for text in dict.fromkeys(texts) if f"{noise}|{text}" not in kept]
        for start in range(0, len(missing), SAVE_EVERY):
            part = missing[start : start + SAVE_EVERY]
            for text, sentence in zip(part, one_hop(ref, part, noise), strict=True):
                kept[f"{noise}|{text}"] = sentence
            self._path(ref).write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        return [kept[f"{noise}|{text}"] for text in texts]

    def _path(self, ref: str) -> Path:
        return self.folder / f"{digest('readings', ref)[:12]}.json"

    def _load(self, ref: str) -> dict[str, str]:
        if ref not in self._kept:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self._path(ref)
            self._kept[ref] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return self._kept[ref]


def recall(text: str, sentence: str) -> float:
    """Returns the share of the facts of a prompt that a sentence states."""
    share = world.compare(world.parse(text), world.parse(sentence)).recall
    assert share is not None, f"the prompt states no fact: {text}"
    return share


def one_hop(ref: str, texts: Sequence[str], noise: str) -> list[str]:
    """Returns what is left of each prompt after one call of a model, as a sentence."""
    seeds = [derive("one hop", noise, text) for text in texts]
    if ref in DESCRIBERS:
        return describe(ref, render(texts, seeds), seeds)
    return read(render(texts, seeds) if ref == RENDERER else draw(ref, texts, seeds))


def read(images: Sequence[Image.Image]) -> list[str]:
    """Returns what `oracle/reader` finds in each image, as a sentence."""
    scenes = _batches(image2text("oracle/reader").read, 64, images)
    return [world.caption(described_scene(scene), wording="detailed") for scene in scenes]


def render(texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
    """Returns the exact image of each prompt."""
    return [world.render(world.parse(text), seed=seed) for text, seed in zip(texts, seeds, strict=True)]


def draw(ref: str, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
    """Returns one image a prompt."""
    model = text2image(ref)
    return _batches(model.generate_images, model.traits().batch_size, texts, seeds)


def describe(ref: str, images: Sequence[Image.Image], seeds: Sequence[int]) -> list[str]:
    """Returns one description an image."""
    model = image2text(ref)
    return _batches(model.generate_texts, model.traits().batch_size, images, seeds)


def _batches(call: Callable, size: int, *columns: Sequence) -> list:  # type: ignore[type-arg]
    made = []
    for start in range(0, len(columns[0]), size):
        made += call(*(column[start : start + size] for column in columns))
    return made
