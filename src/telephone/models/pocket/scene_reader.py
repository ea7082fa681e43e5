"""The reader that measures: pictures become scenes, as exactly as a net of its own can see them."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.seeds import digest
from telephone.models.base import Image2Text, Traits
from telephone.models.pocket import weights
from telephone.models.runtime import image_batch, limited_threads, load_net

if TYPE_CHECKING:
    from telephone.world import Scene

SIZE = 64
"""Side of the pictures that the net sees, in pixels."""
BATCH = 50
"""The most pictures that go through the net at one time."""


class SceneReaderModel(Image2Text):
    """Tells the facts of a picture of the pocket world (`nets/reader.py`) in one of the world's wordings."""

    def __init__(self, wording: str = "plain") -> None:
        self.wording = wording

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight file once, for its hash."""
        return Traits(digest("oracle/reader", 1, self._file[1], self.wording), batch_size=64, seeds=True, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns a caption of what is seen in each picture, things from left to right; seeds change nothing.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone import world
        from telephone.world.facts import telling

        return [world.caption(telling(scene), "en", self.wording) for scene in self.read(images)]

    def read(self, images: Sequence[Image.Image]) -> "list[Scene]":
        """Returns the scene of each picture, of any size and mode; every thing has its place.

        A scene cannot hold two groups of one kind and colour: where two are seen, the one that is seen more surely
        is told.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone.world.facts import scene_of

        cells, whole, sure = self._look(images)
        return [scene_of(_once(*row), around) for *row, around in zip(cells, sure, whole, strict=True)]

    def facts(self, images: Sequence[Image.Image]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the likeliest answers about each picture, numbered as in `world.facts`.

        Returns:
            About the cells int64 [n, 6, 4] (-1 in what is asked of an empty cell besides its kind), about the
            whole int64 [n, 4].

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        cells, whole, _ = self._look(images)
        return cells, whole

    def _look(self, images: Sequence[Image.Image]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Returns answers about cells and whole, and the chance of each cell's kind and colour [n, 6]."""
        seen: list[tuple[NDArray[Any], ...]] = [self._see(())]
        seen += [self._see(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
        cells, whole, sure = (np.concatenate(part) for part in zip(*seen, strict=True))
        return cells, whole, sure

    def _see(self, images: Sequence[Image.Image]) -> tuple[NDArray[Any], ...]:
        from telephone.world.facts import CELL_FACTS, SCENE_FACTS

        if not images:
            return np.empty((0, 6, 4), np.int64), np.empty((0, 4), np.int64), np.empty((0, 6), np.float32)
        with limited_threads():
            about_cells, about_whole = self._net(image_batch(images, SIZE))
        parts = [part.softmax(-1).max(-1) for part in about_cells.split(list(CELL_FACTS.values()), dim=-1)]
        cells = np.stack([part.indices.numpy() for part in parts], axis=-1)
        cells[..., 1:][cells[..., 0] == 0] = -1
        whole = [part.argmax(-1).numpy() for part in about_whole.split(list(SCENE_FACTS.values()), dim=-1)]
        return cells, np.stack(whole, axis=-1), (parts[0].values * parts[1].values).numpy()

    @cached_property
    def _file(self) -> tuple[Path, str]:
        return weights.find("reader")

    @cached_property
    def _net(self) -> Any:
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.reader import ReaderConfig
        from telephone.nets.reader import SceneReaderNet as Net

        return load_net([self._file[0]], Net(ReaderConfig.from_dict(read_metadata(self._file[0])[0])))


def _once(cells: NDArray[np.int64], sure: NDArray[np.float32]) -> NDArray[np.int64]:
    """Returns the cells of one picture, [6, 4], with less sure groups of a kind and colour seen twice taken out."""
    cells = cells.copy()
    told: set[tuple[int, int]] = set()
    for index in np.argsort(-sure, kind="stable"):
        kind, colour = cells[index, :2].tolist()
        if kind and (kind, colour) in told:
            cells[index] = (0, -1, -1, -1)
        told.add((kind, colour))
    return cells


def wording(text: str) -> str:
    """Reads the option of the same name."""
    from telephone import world

    if text not in world.WORDINGS["en"]:
        raise ValueError(f"the wordings are {', '.join(world.WORDINGS['en'])}")
    return text
