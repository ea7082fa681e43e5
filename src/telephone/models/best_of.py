"""Best-of-n sampling: several images of each text, of which an embedder picks the one nearest to the text."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.seeds import derive
from telephone.models.base import Embedder

Generate = Callable[[Sequence[str], Sequence[int]], Sequence[Image.Image | ModelError]]


def candidate_seeds(seed: int, count: int) -> list[int]:
    """Returns the seeds of a text's candidates; the first is `seed` itself, so a larger count never ranks lower."""
    return [seed, *(derive("candidate", seed, index) for index in range(1, count))]


def best_of(
    generate: Generate, texts: Sequence[str], seeds: Sequence[int], count: int, embedder: Embedder
) -> list[Image.Image | ModelError]:
    """Returns for each text the image, of `count`, whose embedding is nearest to the text's (DALL-E, section 2.6).

    Args:
        generate: returns one image a text, or the error in its place.
        texts: the prompts.
        seeds: one a text.
        count: how many images of each text are generated.
        embedder: embeds texts and images, such as `pocket/clip`.
    """
    requests = [(text, each) for text, seed in zip(texts, seeds, strict=True) for each in candidate_seeds(seed, count)]
    candidates = list(generate([text for text, _ in requests], [seed for _, seed in requests]))
    targets = embedder.embed_texts(list(texts))
    return [_nearest(candidates[i * count : (i + 1) * count], targets[i], embedder) for i in range(len(texts))]


def _nearest(
    candidates: Sequence[Image.Image | ModelError],
    target: np.ndarray[tuple[int], np.dtype[np.float32]],
    embedder: Embedder,
) -> Image.Image | ModelError:
    images = [one for one in candidates if not isinstance(one, ModelError)]
    if not images:
        return candidates[0]
    return images[int(np.argmax(embedder.embed_images(images) @ target))]
