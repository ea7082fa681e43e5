"""Small libraries of plainly coloured pictures, and encoders that see their colours."""

import re
from pathlib import Path

import numpy as np
from PIL import Image

from telephone.models.base import Embedder, Traits
from telephone.search.indexing import IndexOptions, index_folder
from telephone.search.library import Library, create_library

PAINTS = {
    "red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220), "yellow": (230, 220, 20),
    "purple": (130, 20, 160), "grey": (128, 128, 128),
}  # fmt: skip


class ColourSight(Embedder):
    """Embeds the mean colour of a picture, and words for colours; reads no other words."""

    def __init__(self, fingerprint: str = "colour sight 1") -> None:
        self.name, self.ref, self.fingerprint = "colour-sight", "own/colour-sight", fingerprint

    def embed_images(self, images):
        means = np.array([np.asarray(each.convert("RGB"), dtype=np.float32).mean(axis=(0, 1)) for each in images])
        return _unit(means + 1)

    def embed_texts(self, texts):
        known = [[PAINTS[word] for word in self.pieces(text) if word in PAINTS] or [(1, 1, 1)] for text in texts]
        return _unit(np.array([np.mean(each, axis=0) for each in known], dtype=np.float32))

    def pieces(self, text):
        return tuple(word if word in PAINTS else None for word in re.findall(r"\w+", text.lower()))

    def traits(self):
        return Traits(self.fingerprint)


class BrightnessSight(Embedder):
    """Embeds how bright the left and the right half of a picture are; reads no words."""

    def __init__(self) -> None:
        self.name, self.ref = "brightness-sight", "own/brightness-sight"

    def embed_images(self, images):
        grey = [np.asarray(each.convert("L").resize((2, 1), Image.Resampling.BOX)).reshape(2) for each in images]
        return _unit(np.array(grey, dtype=np.float32) + 1)

    def traits(self):
        return Traits("brightness sight 1")


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def load(ref: str) -> Embedder:
    """Returns the encoder at an address."""
    return {"own/colour-sight": ColourSight, "own/brightness-sight": BrightnessSight}[ref]()


def paint(folder: Path, each: int = 6) -> Path:
    """Writes `each` pictures of every paint, of different sizes and slightly different colours."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, colour) in enumerate(PAINTS.items()):
        for copy in range(each):
            noise = np.random.default_rng(100 * number + copy).integers(-18, 19, (8, 12, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            size = (60 + 20 * copy, 40) if copy % 2 else (40, 60 + 20 * copy)
            Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).save(folder / f"{name}-{copy}.png")
    return folder


def coloured_library(folder: Path, pictures: Path, encoders: tuple[Embedder, ...] = (), **options: object) -> Library:
    """Returns an open library of painted pictures."""
    library = create_library(folder)
    index_folder(library, pictures, encoders or (ColourSight(),), IndexOptions(workers=1, batch=16, **options))
    return library
