"""The best of several: a drawer draws a text more than once, and an embedder that knows both kinds chooses."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.seeds import derive
from telephone.models.base import Embedder

Draw = Callable[[Sequence[str], Sequence[int]], Sequence[Image.Image | ModelError]]


def candidate_seeds(seed: int, count: int) -> list[int]:
    """Returns the seeds of a text's candidates; the first is the seed itself, so that more can only be better."""
    return [seed, *(derive("candidate", seed, index) for index in range(1, count))]


def best_of(
    draw: Draw, texts: Sequence[str], seeds: Sequence[int], count: int, judge: Embedder
) -> list[Image.Image | ModelError]:
    """Returns for each text the picture, of `count`, whose embedding is nearest to the text's (DALL-E, section 2.6).

    Args:
        draw: gives one picture a text, or the reason why there is none.
        texts: what to draw.
        seeds: one a text.
        count: how many pictures of each text are drawn.
        judge: an embedder of texts and images, such as `pocket/clip`.
    """
    asked = [(text, each) for text, seed in zip(texts, seeds, strict=True) for each in candidate_seeds(seed, count)]
    made = list(draw([text for text, _ in asked], [seed for _, seed in asked]))
    wanted = judge.embed_texts(list(texts))
    return [_nearest(made[i * count : (i + 1) * count], wanted[i], judge) for i in range(len(texts))]


def _nearest(
    made: Sequence[Image.Image | ModelError], wanted: np.ndarray[tuple[int], np.dtype[np.float32]], judge: Embedder
) -> Image.Image | ModelError:
    pictures = [one for one in made if not isinstance(one, ModelError)]
    if not pictures:
        return made[0]
    return pictures[int(np.argmax(judge.embed_images(pictures) @ wanted))]
