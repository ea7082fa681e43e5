"""What the stages of `pocket/dalle-2` start from: weights of other recipes, training pictures and their embeddings."""

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.core.images import content_hash
from telephone.models.pocket import weights
from telephone.nets.checkpoint import read_metadata, read_tensors, read_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig
from telephone.nets.dalle_2 import UnClip, UnClipConfig
from telephone.nets.dalle_2_prior import PriorConfig
from telephone.nets.layers import channels_last
from telephone.nets.stable_diffusion import LatentDiffusionConfig, TextEncoderConfig
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.recipe import Recipe, keep
from telephone.train.stable_diffusion import picture_weights

CLIP, DRAWER = "clip", "stable-diffusion"
"""The weight files that the recipe starts from."""
SIDE = 32
"""Sides of the decoder's pictures, in pixels."""
NEW = ("conv_in.", "out.2.", "image_time.", "image_tokens.", "null_image")
"""Beginnings of the decoder's weights that latent diffusion does not have, or has for latents."""


def borrow(recipe: Recipe, name: str) -> Path:
    """Returns a copy of another recipe's weight file in the recipe's folder, made at the first call and then kept.

    A file beside the one that is to be written comes first, then those that the players use. All stages, and those that
    are resumed, so start from the same weights, whatever is learned meanwhile.
    """
    path = recipe.folder / f"{name}.start"
    if not path.exists():
        beside = recipe.weights.with_name(f"{name}.safetensors")
        part = path.with_suffix(f".{os.getpid()}")  # stages that run side by side may both come here
        part.write_bytes((beside if beside.exists() else weights.find(name)[0]).read_bytes())
        part.replace(path)
    return path


def load_clip(recipe: Recipe) -> Clip:
    """Returns the frozen CLIP that the recipe started from."""
    path = borrow(recipe, CLIP)
    clip = Clip(ClipConfig.from_dict(read_metadata(path)[0]))
    read_weights([path], clip)
    return channels_last(clip).to(recipe.device).eval().requires_grad_(requires_grad=False)


def build(recipe: Recipe) -> UnClip:
    """Returns the net as it is before its own training: everything new but what `start_from` takes over."""
    clip = ClipConfig.from_dict(read_metadata(borrow(recipe, CLIP))[0])
    path = borrow(recipe, DRAWER)
    drawer = LatentDiffusionConfig.from_dict(read_metadata(path)[0])
    squares = drawer.unet.latent_size // drawer.unet.patch  # pixels are cut into as many squares as latents are
    unet = replace(drawer.unet, latent_channels=3, latent_size=SIDE, patch=SIDE // squares)
    priors = [
        PriorConfig(clip.text.width, clip.embedding, clip.text.max_tokens, width, layers, shortcut=shortcut)
        for width, layers, shortcut in ((160, 4, True), (128, 3, False))
    ]
    net = UnClip(UnClipConfig(clip.embedding, drawer.text, unet, prior=priors[0], ar_prior=priors[1]))
    start_from(net, path)
    return channels_last(net).to(recipe.device)


def start_from(net: UnClip, path: Path) -> None:
    """Puts latent diffusion's text encoder and the trunk of its U-Net into unCLIP's decoder.

    Raises:
        RuntimeError: the trunks are not of one shape.
    """
    learned = read_tensors(path)
    words = {name: value for name, value in learned.items() if name.startswith("text_encoder.")}
    net.text_encoder.load_state_dict({name.removeprefix("text_encoder."): value for name, value in words.items()})
    trunk = {name.removeprefix("unet."): value for name, value in learned.items() if name.startswith("unet.")}
    fresh = {name: value for name, value in net.decoder.state_dict().items() if name.startswith(NEW)}
    net.decoder.load_state_dict(trunk | fresh)


@dataclass
class Drawings:
    """The training pictures, with what prior and decoder need to know of them."""

    pixels: Tensor
    """uint8 [n, 3, 32, 32]"""
    weight: Tensor
    """[n, 1, 32, 32]: 1 on the backdrop, more on things."""
    texts: list[list[str]]
    """Two sentences a picture: [2][n]."""
    embeddings: Tensor
    """[n, embedding]: CLIP's, of unit length."""


class Material:
    """CLIP and the training set, made when a stage first asks for them and shared by those that follow."""

    def __init__(self, recipe: Recipe) -> None:
        """Makes nothing yet."""
        self.recipe = recipe

    @cached_property
    def clip(self) -> Clip:
        """The frozen CLIP that the recipe started from."""
        return load_clip(self.recipe)

    @cached_property
    def drawings(self) -> Drawings:
        """The training set."""
        return prepare(self.recipe, self.clip)

    def scale(self, net: UnClip) -> None:
        """Sets the scale of the embeddings: measured by the stage that comes first, and the same for all."""
        space = net.space

        def measure() -> list[list[float]]:
            space.measure(self.drawings.embeddings.to(space.mean.device))
            return [space.mean.tolist(), space.std.tolist()]

        mean, std = keep(self.recipe.folder / "space.json", measure)
        space.mean.copy_(torch.tensor(mean))
        space.std.copy_(torch.tensor(std))


def prepare(recipe: Recipe, clip: Clip) -> Drawings:
    """Renders the training set (still, as for latent diffusion) and embeds it; the embeddings are kept in a file."""
    pictures = data.paint(f"draw {recipe.seed}", recipe.pictures, masks=True, still=True)
    rng = np.random.default_rng(recipe.seed)
    texts = [[data.any_caption(scene, rng) for scene in pictures.scenes] for _ in range(2)]
    embeddings = embed(recipe, clip, pictures.pixels)
    four = pictures.pixels.reshape(-1, 32, 2, 32, 2, 3).sum(axis=(2, 4), dtype=np.uint16)
    small = ((four + 2) // 4).astype(np.uint8)
    weight = F.interpolate(picture_weights(pictures), scale_factor=2.0)
    return Drawings(torch.from_numpy(small.transpose(0, 3, 1, 2).copy()), weight, texts, embeddings)


@torch.no_grad()
def embed(recipe: Recipe, clip: Clip, pixels: np.ndarray) -> Tensor:
    """Returns CLIP's embeddings of the training pictures [n, embedding], computed once for all stages."""
    print_ = content_hash(borrow(recipe, CLIP).read_bytes())[:8]
    path = recipe.folder / f"embeddings-{print_}-{recipe.seed}-{len(pixels)}.safetensors"
    if not path.exists():
        starts = range(0, len(pixels), 250)
        batches = (torch.from_numpy(data.to_unit(pixels[i : i + 250])).to(recipe.device) for i in starts)
        parts = [F.normalize(clip.encode_image(x), dim=-1).cpu().half() for x in batches]
        part = path.with_suffix(f".{os.getpid()}")  # stages that run side by side may both come here
        save_file({"embeddings": torch.cat(parts)}, part)
        part.replace(path)
    return load_file(path)["embeddings"].float()


def tokenized(drawings: Drawings, config: TextEncoderConfig | ClipTextConfig) -> Tensor:
    """Returns the sentences as tokens of a text encoder [2, n, its longest input]."""
    tokenizer, limit = WordTokenizer(config.words), config.max_tokens
    return torch.stack([tokenizer.batch(texts, limit, pad_to=limit) for texts in drawings.texts])


def held_out() -> tuple[list[world.Scene], list[int]]:
    """Returns 24 scenes of three levels with held-out pairs, and the seeds of their pictures."""
    scenes = [world.sample(level, i, split="test") for level in ("easy", "medium", "hard") for i in range(8)]
    return scenes, [data.STILL] * len(scenes)


def texts_of(scenes: list[world.Scene]) -> list[str]:
    """Returns the plain English sentence of each scene."""
    return [world.caption(scene, "en", "plain") for scene in scenes]


def save_sheet(recipe: Recipe, name: str, rows: list[np.ndarray]) -> None:
    """Writes rows of pictures [n, 3, h, w] in [-1, 1] as `samples/<name>.png`."""
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    Image.fromarray(data.sheet(rows)).save(folder / f"{name}.png")
