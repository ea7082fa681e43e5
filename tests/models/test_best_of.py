"""The best of several: which one is taken, and what happens when some of them fail."""

import numpy as np
from PIL import Image

from telephone.core.errors import ModelError
from telephone.models.base import Embedder
from telephone.models.best_of import best_of, candidate_seeds


class Brightness(Embedder):
    """Puts texts and pictures on a quarter circle: a number of 0 to 255, and the grey of the first pixel."""

    def embed_texts(self, texts):
        return self._rows([float(text) for text in texts])

    def embed_images(self, images):
        return self._rows([image.getpixel((0, 0))[0] for image in images])

    def _rows(self, values):
        angles = np.array(values) / 255 * np.pi / 2
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def grey_of_seed(texts, seeds):
    return [Image.new("RGB", (2, 2), (seed % 256,) * 3) for seed in seeds]


def test_candidates_start_with_the_seed_itself_and_differ():
    seeds = candidate_seeds(7, 5)
    assert seeds[0] == 7
    assert len(set(seeds)) == 5
    assert seeds[:3] == candidate_seeds(7, 3)


def test_the_nearest_is_kept_for_each_text():
    texts, seeds = ["0", "255"], [100, 200]
    chosen = best_of(grey_of_seed, texts, seeds, 6, Brightness())
    for text, seed, picture in zip(texts, seeds, chosen, strict=True):
        greys = [each % 256 for each in candidate_seeds(seed, 6)]
        assert picture.getpixel((0, 0))[0] == min(greys, key=lambda grey: abs(grey - float(text)))


def test_failures_are_passed_over_and_told_if_nothing_is_left():
    def every_second(texts, seeds):
        made = grey_of_seed(texts, seeds)
        return [ModelError("no") if i % 2 == 0 else made[i] for i in range(len(made))]

    (picture,) = best_of(every_second, ["0"], [1], 4, Brightness())
    assert isinstance(picture, Image.Image)
    (failure,) = best_of(lambda texts, seeds: [ModelError("no")] * len(texts), ["0"], [1], 2, Brightness())
    assert isinstance(failure, ModelError)
