"""Features of frozen encoders for many training images, computed once and kept on disk for all recipes."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from telephone.nets.blip import Blip, BlipConfig, BlipImageEncoder
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import ChatTokenizer
from telephone.train.common import data
from telephone.train.common.augmentation import augmented
from telephone.train.common.recipe import Recipe, frozen, keep_array
from telephone.world.scene import Scene

CHUNK = 128
"""Images that are encoded at once."""


@dataclass
class ImageFeatures:
    """Scenes and an encoder's features of their images."""

    scenes: list[Scene]
    features: NDArray[np.float16]
    """[n, patches, width], read from disk as it is needed."""

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the features of some images, float32 [batch, patches, width]."""
        return torch.from_numpy(self.features[np.asarray(rows)].astype(np.float32))


def blip_encoder(recipe: Recipe) -> BlipImageEncoder:
    """Returns the frozen image encoder that the recipe `blip` has trained.

    Raises:
        WeightsError: there are no weights of BLIP.
    """
    encoder: BlipImageEncoder = frozen(recipe, "blip", lambda config: Blip(BlipConfig.from_dict(config))).image_encoder
    return encoder


def language_model(recipe: Recipe) -> tuple[LanguageModel, ChatTokenizer]:
    """Returns the frozen language model that the recipe `language-model` has trained, and its tokenizer.

    Raises:
        WeightsError: there are no weights of the language model.
    """
    model: LanguageModel = frozen(
        recipe, "language-model", lambda config: LanguageModel(LanguageModelConfig.from_dict(config))
    )
    return model, ChatTokenizer(model.config.words)


def image_set(recipe: Recipe) -> str:
    """Returns the key of the training images that all recipes on BLIP's or CLIP's features share."""
    return f"sight {recipe.seed}"  # the key decides which scenes are drawn, so its text stays


def blip_features(recipe: Recipe, encoder: BlipImageEncoder, key: str, count: int) -> ImageFeatures:
    """Returns BLIP's features of `count` training images, half of each chunk augmented.

    The file is kept beside the recipe's weights (20 KiB an image at width 160); another key, count or encoder makes
    another one.

    Args:
        recipe: says where to keep it, and on which device to compute.
        encoder: frozen, in evaluation mode.
        key: names the set of images; the same key gives the same images.
        count: number of images.
    """
    shape = (count, len(encoder.position), encoder.config.width)
    features = cached_features(recipe, "blip-features", encoder, encoder, (key, shape))
    return ImageFeatures([data.train_scene(key, i) for i in range(count)], features)


def cached_features(
    recipe: Recipe,
    name: str,
    net: nn.Module,
    encode: Callable[[Tensor], Tensor],
    of: tuple[str, tuple[int, ...]],
    augment: bool = True,
) -> NDArray[Any]:
    """Returns features of training images from a file beside the weights, computed on the first call.

    Args:
        recipe: says where to keep the file, and on which device to compute.
        name: beginning of the file's name.
        net: whose weights the features depend on.
        encode: images [batch, 3, 64, 64] in [-1, 1] to features; called without gradients.
        of: key of the images, and shape of all features; its first number counts the images.
        augment: whether half of each chunk is augmented.
    """
    key, shape = of
    rng = np.random.default_rng(recipe.seed)

    def parts() -> Iterator[NDArray[np.float16]]:
        pixels = data.paint(key, shape[0]).pixels
        for start in range(0, shape[0], CHUNK):
            chunk = pixels[start : start + CHUNK]
            x = augmented(chunk, rng) if augment else torch.from_numpy(data.to_unit(chunk))
            with torch.no_grad():
                yield encode(x.contiguous(memory_format=torch.channels_last).to(recipe.device)).cpu().half().numpy()

    path = recipe.weights.parent / f"{name}-{_fingerprint(net, key, shape)}.npy"
    return keep_array(path, shape, parts)


def _fingerprint(net: nn.Module, key: str, shape: tuple[int, ...]) -> str:
    hasher = hashlib.sha256(f"{key} {shape}".encode())
    for name, value in sorted(net.state_dict().items()):
        hasher.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return hasher.hexdigest()[:12]
