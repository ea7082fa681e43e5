"""`oracle/reader`: the scene that an image of the pocket world shows, by a net that shares no weights with others."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.seeds import digest
from telephone.models.base import Image2Text, Traits
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.runtime import image_batch, limited_threads

if TYPE_CHECKING:
    from telephone.world import Scene

SIZE = 64
"""Side of the images that the net reads, in pixels."""
BATCH = 50
"""The most images of one forward pass."""


class SceneReaderModel(Image2Text):
    """Describes the facts of an image of the pocket world (`nets/reader.py`) in one of the world's wordings."""

    def __init__(self, wording: str = "plain") -> None:
        self.wording = wording

    def traits(self) -> Traits:
        """Returns the properties; reads the weight file once, for its hash."""
        fingerprint = digest("oracle/reader", 2, *self._files.values(), self.wording)
        return Traits(fingerprint, batch_size=64, seeds=True, deterministic=True, price=0.0)

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if the weights are in place."""
        return NET.lacks()

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns a caption of the facts of each image, with every place, from left to right; seeds have no effect.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone import world
        from telephone.world.facts import described_scene

        scenes = [described_scene(scene, every_place=True) for scene in self.read(images)]
        return [world.caption(scene, "en", self.wording) for scene in scenes]

    def read(self, images: Sequence[Image.Image]) -> "list[Scene]":
        """Returns the scene of each image, of any size and mode; every thing has its place.

        No sampled scene has two groups of one kind and colour: of two, the one with the higher probability is kept.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone.world.facts import scene_of

        cells, scene, probability = self._predict(images)
        return [scene_of(_unique(*row), around) for *row, around in zip(cells, probability, scene, strict=True)]

    def facts(self, images: Sequence[Image.Image]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the most probable class of each fact, numbered as in `world.facts`.

        Returns:
            Facts of the cells int64 [n, 6, 4] (-1 for facts of an empty cell other than its kind), facts of the
            scene int64 [n, 4].

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        cells, scene, _ = self._predict(images)
        return cells, scene

    def _predict(
        self, images: Sequence[Image.Image]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Returns the facts of cells and scene, and the probability of each cell's kind and colour [n, 6]."""
        parts: list[tuple[NDArray[Any], ...]] = [self._predict_batch(())]
        parts += [self._predict_batch(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
        cells, scene, probability = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cells, scene, probability

    def _predict_batch(self, images: Sequence[Image.Image]) -> tuple[NDArray[Any], ...]:
        from telephone.world.facts import CELL_FACTS, SCENE_FACTS

        if not images:
            return np.empty((0, 6, 4), np.int64), np.empty((0, 4), np.int64), np.empty((0, 6), np.float32)
        with limited_threads():
            cell_logits, scene_logits = self._net(image_batch(images, SIZE))
        parts = [part.softmax(-1).max(-1) for part in cell_logits.split(list(CELL_FACTS.values()), dim=-1)]
        cells = np.stack([part.indices.numpy() for part in parts], axis=-1)
        cells[..., 1:][cells[..., 0] == 0] = -1
        scene = [part.argmax(-1).numpy() for part in scene_logits.split(list(SCENE_FACTS.values()), dim=-1)]
        return cells, np.stack(scene, axis=-1), (parts[0].values * parts[1].values).numpy()

    @cached_property
    def _files(self) -> dict[Path, str]:
        return NET.locate()

    @cached_property
    def _net(self) -> Any:
        return NET.load()


def _unique(cells: NDArray[np.int64], probability: NDArray[np.float32]) -> NDArray[np.int64]:
    """Returns the cells of one image, [6, 4], without the less probable of two groups of one kind and colour."""
    cells = cells.copy()
    found: set[tuple[int, int]] = set()
    for index in np.argsort(-probability, kind="stable"):
        kind, colour = cells[index, :2].tolist()
        if kind and (kind, colour) in found:
            cells[index] = (0, -1, -1, -1)
        found.add((kind, colour))
    return cells


def wording(text: str) -> str:
    """Parses the option `wording`.

    Raises:
        ValueError: there is no such wording.
    """
    from telephone import world

    if text not in world.WORDINGS["en"]:
        raise ValueError(f"the wordings are {', '.join(world.WORDINGS['en'])}")
    return text


NET = PocketNet(
    name="reader",
    summary="the scene reader of oracle/reader",
    net="telephone.nets.reader:SceneReaderNet",
    config="telephone.nets.reader:ReaderConfig",
    recipe="telephone.train.reader",
    files=("reader",),
)
