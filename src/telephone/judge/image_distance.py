"""Distances between two images of a game without an embedder: of their pixels, and of the objects that they show.

An embedder of images has a training set and a scale of its own. Two distances need neither: the root mean square
difference of pixels, and the share of facts in which the scenes of the two images differ (objects, colours, counts,
places, setting ...), as a reader of the pocket world sees them. Both are 0 for equal images and at most 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from telephone.core.images import decode
from telephone.core.seeds import digest
from telephone.judge.image_facts import NetReader, SceneReader
from telephone.judge.scorer import Count, Scored, Scorer, ignore, run_scorer
from telephone.judge.text_facts import FACTS_VERSION
from telephone.judge.vectors import IMAGE_CHUNK
from telephone.store import Run, Score, ScorerKind, ScorerRow
from telephone.world.comparison import compare
from telephone.world.parser import ParseResult

if TYPE_CHECKING:
    import pandas as pd

PIXELS, OBJECTS = "pixel_distance", "object_distance"
"""Kinds of score."""
SIDE = 64
"""Images are scaled to this number of pixels a side before they are compared."""
NO_OBJECTS = "The reader sees no fact in either image."


@dataclass(frozen=True)
class ImagePair:
    """An image of a game, and an earlier one."""

    subject: str
    """Content hash of the later image."""
    reference: str
    """Content hash of the earlier one."""

    @property
    def key(self) -> tuple[str, str]:
        """Subject and reference."""
        return self.subject, self.reference


@dataclass
class ImageDistanceScorer(Scorer[ImagePair]):
    """Compares the pixels and the objects of pairs of images; the objects are as reliable as the reader."""

    run: Run
    reader: SceneReader = field(default_factory=NetReader)

    def __post_init__(self) -> None:
        """Keeps the readings of images, because one image is in many pairs."""
        self.chunk = IMAGE_CHUNK
        self._readings: dict[str, ParseResult] = {}

    @property
    def row(self) -> ScorerRow:
        """The fingerprint is that of the reader, of the comparison of scenes, and of the size of the images."""
        fingerprint = digest("image distance", self.reader.fingerprint, FACTS_VERSION, SIDE)
        return ScorerRow(ScorerKind.IMAGE_DISTANCE, "distances of images by pixels and objects", fingerprint)

    def score(self, cases: Sequence[ImagePair]) -> list[Score]:
        """Returns two scores a pair: the distance of the pixels and that of the objects.

        Raises:
            WeightsError: the weights of the reader are missing, or not the shipped ones.
            StoreDamaged: an image is missing.
        """
        shas = dict.fromkeys(sha for case in cases for sha in case.key)
        images = {sha: decode(self.run.artefact(sha).data) for sha in shas}
        self._read({sha: image for sha, image in images.items() if sha not in self._readings})
        return [score for case in cases for score in self._scores(case, images)]

    def _read(self, images: dict[str, Image.Image]) -> None:
        self._readings.update(zip(images, self.reader.read(list(images.values())), strict=True))

    def _scores(self, case: ImagePair, images: dict[str, Image.Image]) -> list[Score]:
        later, earlier = case.key
        pixels = pixel_distance(images[later], images[earlier])
        f1 = compare(self._readings[earlier].scene, self._readings[later].scene).f1
        objects = None if f1 is None else 1.0 - f1
        return [
            Score(later, earlier, PIXELS, pixels),
            Score(later, earlier, OBJECTS, objects, "" if objects is not None else NO_OBJECTS),
        ]


def pixel_distance(one: Image.Image, other: Image.Image) -> float:
    """Returns the root mean square difference of two images at 64 x 64 pixels, in sRGB values from 0 to 1.

    Args:
        one: of any size and mode.
        other: the same.
    """
    left, right = (_pixels(image) for image in (one, other))
    return float(np.sqrt(((left - right) ** 2).mean()))


def measure_image_distances(run: Run, report: Count = ignore) -> Scored:
    """Measures the distance of every image of the battle from the first and from the previous image of its game.

    Args:
        run: a run; pairs that are measured already are left out.
        report: receives how many pairs are done, and of how many.

    Raises:
        WeightsError: the weights of the reader are missing, or not the shipped ones.
        StoreError: the scores cannot be written.
    """
    return run_scorer(run, ImageDistanceScorer(run), image_pairs(run.turns()), lambda _, done, all_: report(done, all_))


def image_pairs(turns: "pd.DataFrame") -> list[ImagePair]:
    """Returns the distinct pairs of an image with the first and with the previous image of its game.

    Args:
        turns: One row a turn, as `Run.turns()` returns it; controls are left out.
    """
    pairs: dict[ImagePair, None] = {}
    rows = turns[(turns["control"] == "") & turns["image_sha256"].notna()]
    for _, game in rows.groupby("game", sort=False):
        ordered = game.sort_values("step_number")
        begin = [str(ordered["prompt_sha256"].iloc[0])] if ordered["first"].iloc[0] == "image" else []
        shas = [*begin, *(str(sha) for sha in ordered["image_sha256"])]
        for at in range(1, len(shas)):
            pairs |= dict.fromkeys((ImagePair(shas[at], shas[0]), ImagePair(shas[at], shas[at - 1])))
    return list(pairs)


def _pixels(image: Image.Image) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    scaled = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(scaled, dtype=np.float64) / 255.0
