"""What the stages of `pocket/dalle-2` start from: weights of other recipes, training images and their embeddings."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from telephone.nets.checkpoint import read_metadata, read_tensors, read_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig
from telephone.nets.dalle_2 import UnClip, UnClipConfig
from telephone.nets.dalle_2_prior import PriorConfig
from telephone.nets.layers import channels_last
from telephone.nets.stable_diffusion import LatentDiffusionConfig, TextEncoderConfig
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.recipe import Recipe, StagePlan, keep, keep_array, replace_file, shipped_or_learned
from telephone.train.stable_diffusion import position_weights

STAGES = {
    "upsampler": StagePlan(2_500, 14),
    "decoder": StagePlan(5_400, 93),
    "prior": StagePlan(1_600, 8),
    "ar-prior": StagePlan(500, 4),
}
CLIP, LATENT_DIFFUSION = "clip", "stable-diffusion"
"""The weight files that the recipe starts from."""
SIDE = 32
"""Height and width of the decoder's images, in pixels."""
NEW = ("conv_in.", "out.2.", "image_time.", "image_tokens.", "null_image")
"""Beginnings of the decoder's weights that latent diffusion does not have, or has for latents."""


def borrow(recipe: Recipe, name: str) -> Path:
    """Returns a copy of another recipe's weight file in the recipe's folder, made on the first call.

    All stages, also resumed ones, so start from the same weights, even if the other recipe is run again meanwhile.
    """
    path = recipe.folder / f"{name}.start"
    if not path.exists():
        replace_file(path, shipped_or_learned(recipe, name).read_bytes())
    return path


def load_clip(recipe: Recipe) -> Clip:
    """Returns the frozen CLIP that the recipe started from."""
    path = borrow(recipe, CLIP)
    clip = Clip(ClipConfig.from_dict(read_metadata(path)[0]))
    read_weights([path], clip)
    return channels_last(clip).to(recipe.device).eval().requires_grad_(requires_grad=False)


def build(recipe: Recipe) -> UnClip:
    """Returns the net before its own training: fresh weights, except for those that `start_from` copies."""
    clip = ClipConfig.from_dict(read_metadata(borrow(recipe, CLIP))[0])
    path = borrow(recipe, LATENT_DIFFUSION)
    latent = LatentDiffusionConfig.from_dict(read_metadata(path)[0])
    patches = latent.unet.latent_size // latent.unet.patch  # pixels are cut into as many patches as latents are
    unet = replace(latent.unet, latent_channels=3, latent_size=SIDE, patch=SIDE // patches)
    priors = [
        PriorConfig(clip.text.width, clip.embedding, clip.text.max_tokens, width, layers, shortcut=shortcut)
        for width, layers, shortcut in ((160, 4, True), (128, 3, False))
    ]
    net = UnClip(UnClipConfig(clip.embedding, latent.text, unet, prior=priors[0], ar_prior=priors[1]))
    start_from(net, path)
    return channels_last(net).to(recipe.device)


def start_from(net: UnClip, path: Path) -> None:
    """Copies latent diffusion's text encoder and the trunk of its U-Net into unCLIP's decoder.

    Raises:
        RuntimeError: the shapes of the trunks differ.
    """
    learned = read_tensors(path)
    words = {name: value for name, value in learned.items() if name.startswith("text_encoder.")}
    net.text_encoder.load_state_dict({name.removeprefix("text_encoder."): value for name, value in words.items()})
    trunk = {name.removeprefix("unet."): value for name, value in learned.items() if name.startswith("unet.")}
    fresh = {name: value for name, value in net.decoder.state_dict().items() if name.startswith(NEW)}
    net.decoder.load_state_dict(trunk | fresh)


@dataclass
class TrainingImages:
    """The training images, with what prior and decoder need."""

    pixels: Tensor
    """uint8 [n, 3, 32, 32]"""
    weight: Tensor
    """[n, 1, 32, 32]: 1 on the background, more on things."""
    texts: list[list[str]]
    """Two captions an image: [2][n]."""
    embeddings: Tensor
    """[n, embedding]: CLIP's, of unit length."""


class TrainingSet:
    """CLIP and the training images, made when a stage first needs them and shared by all stages."""

    def __init__(self, recipe: Recipe) -> None:
        """Makes nothing yet."""
        self.recipe = recipe

    @cached_property
    def clip(self) -> Clip:
        """The frozen CLIP that the recipe started from."""
        return load_clip(self.recipe)

    @cached_property
    def images(self) -> TrainingImages:
        """The training images."""
        return prepare(self.recipe, self.clip)

    def set_scale(self, net: UnClip) -> None:
        """Sets mean and standard deviation of the embeddings; measured by the first stage, the same for all."""
        space = net.space

        def measure() -> list[list[float]]:
            space.measure(self.images.embeddings.to(space.mean.device))
            return [space.mean.tolist(), space.std.tolist()]

        mean, std = keep(self.recipe.folder / "space.json", measure)
        space.mean.copy_(torch.tensor(mean))
        space.std.copy_(torch.tensor(std))


def prepare(recipe: Recipe, clip: Clip) -> TrainingImages:
    """Renders the training images (still, as for latent diffusion) and embeds them; embeddings are kept in a file."""
    pictures = data.paint(f"draw {recipe.seed}", recipe.pictures, masks=True, still=True)
    rng = np.random.default_rng(recipe.seed)
    texts = [[data.any_caption(scene, rng) for scene in pictures.scenes] for _ in range(2)]
    embeddings = embed(recipe, clip, pictures.pixels)
    small = small_pixels(pictures.pixels)
    weight = F.interpolate(position_weights(pictures), scale_factor=2.0)
    return TrainingImages(torch.from_numpy(small.transpose(0, 3, 1, 2).copy()), weight, texts, embeddings)


def small_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns images [n, 64, 64, 3] at half the height and width: each pixel is the rounded mean of four."""
    four = pixels.reshape(-1, SIDE, 2, SIDE, 2, 3).sum(axis=(2, 4), dtype=np.uint16)
    return ((four + 2) // 4).astype(np.uint8)


@torch.no_grad()
def embed(recipe: Recipe, clip: Clip, pixels: np.ndarray) -> Tensor:
    """Returns CLIP's embeddings of the training images [n, embedding], computed once for all stages."""
    starts = range(0, len(pixels), 250)
    batches = (torch.from_numpy(data.to_unit(pixels[i : i + 250])).to(recipe.device) for i in starts)
    path = recipe.folder / f"embeddings-{recipe.seed}-{len(pixels)}.npy"
    shape = (len(pixels), clip.config.embedding)
    kept = keep_array(path, shape, lambda: (F.normalize(clip.encode_image(x), dim=-1).cpu().numpy() for x in batches))
    return torch.from_numpy(np.asarray(kept).astype(np.float32))


def tokenized(images: TrainingImages, config: TextEncoderConfig | ClipTextConfig) -> Tensor:
    """Returns the captions as tokens of a text encoder, int64 [2, n, its longest input]."""
    tokenizer, limit = WordTokenizer(config.words), config.max_tokens
    return torch.stack([tokenizer.batch(texts, limit, pad_to=limit) for texts in images.texts])
