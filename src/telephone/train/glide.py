"""Recipe of `pocket/glide` (Nichol et al. 2021, arXiv 2112.10741), in three stages.

It starts from the nets of `pocket/dalle-2`: from its text encoder, which stays frozen, its upsampler, and the trunk of
its decoder, whose cross-attention becomes text in self-attention.

1. `base`: the base model learns to draw 32 x 32 pixels given the text, of which one in five is empty (section 2.3).
2. `inpaint`: the same with a part of the pixels known (section 2.5). Part of the images stays wholly masked, so that
   the net goes on drawing whole images; texts are empty as often.
3. `upsampler`: the upsampler learns to use the text and known pixels.

Whole images are rendered without random shifts and mirroring, so a text determines its image almost entirely; images
with known pixels are rendered with them. The vectors of all captions are computed once and kept on the disk.

    telephone learn glide
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.checkpoint import read_metadata, read_tensors, save_weights
from telephone.nets.dalle_2 import UnClipConfig
from telephone.nets.dalle_2_upsampler import corrupt, shrink
from telephone.nets.glide import Glide, GlideConfig, KnownPixels, all_masked
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.evaluation import evaluating, sheet_images, sheet_scenes, write_sheet
from telephone.train.common.losses import clean_loss, edge_loss, stratified_times
from telephone.train.common.precision import mixed_precision
from telephone.train.common.recipe import Recipe, StagePlan, keep_array
from telephone.train.common.stage import Stage
from telephone.train.dalle_2_data import borrow, small_pixels
from telephone.train.dalle_mini import encode_by_length
from telephone.train.stable_diffusion import position_weights

STAGES = {
    "base": StagePlan(5_000, 45),
    "inpaint": StagePlan(1_500, 14),
    "upsampler": StagePlan(700, 5),
}
BATCH = 32
"""Images a step."""
EMPTY = 0.2
"""Share of empty texts (section 2.3)."""
WHOLE = 0.4
"""Share of wholly masked images while inpainting is learned."""
UNIFORM = 0.15
"""Share of uniform times; the others favour high noise, where the text decides."""
DECODER, OTHERS = "dalle-2", "dalle-2-prior"
"""The weight files that the recipe starts from."""
SIDE = 64


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    recipe.start()
    net = build(recipe)
    train_base(recipe, net)
    train_inpainting(recipe, net)
    train_upsampler(recipe, net)
    show(recipe, net, "last")
    # The text encoder is part of the file, so that glide does not change when another recipe is run again.
    save_weights(recipe.weights, net, net.config, recipe.about("pocket/glide"), bits=8)
    return recipe.weights


# --- where it starts ------------------------------------------------------------------------------------------------


def build(recipe: Recipe) -> Glide:
    """Returns the net before its own training: fresh weights, except for those that `start_from` copies."""
    paths = [borrow(recipe, name) for name in (DECODER, OTHERS)]
    config = UnClipConfig.from_dict(read_metadata(paths[0])[0])
    net = Glide(GlideConfig(config.text, config.unet, config.upsampler))
    start_from(net, {name: value for path in paths for name, value in read_tensors(path).items()})
    net.text_encoder.requires_grad_(requires_grad=False)
    return channels_last(net).to(recipe.device)


def start_from(net: Glide, learned: dict[str, Tensor]) -> None:
    """Copies unCLIP's text encoder and upsampler, and the trunk of its decoder; inputs that it lacks stay at zero.

    The keys and values of its cross-attention become those of the text in self-attention.
    """
    own = net.state_dict()
    for name, value in learned.items():
        new = name.replace("decoder.", "unet.", 1) if name.startswith("decoder.") else name
        new = new.replace(".self_attention.", ".attention.") if new.startswith("unet.") else new
        new = new.replace(".cross_attention.key_value.", ".text_key_value.") if new.startswith("unet.") else new
        if new not in own:
            continue
        target = own[new]
        if target.shape == value.shape:
            target.copy_(value)
        elif new in ("unet.conv_in.1.weight", "upsampler.conv_in.weight"):
            target[:, : value.shape[1]] = value
    net.load_state_dict(own)


# --- training set ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextImages:
    """Training images with the vectors of their captions."""

    pixels: Tensor
    """uint8 [n, 3, h, w]"""
    weight: Tensor
    """[n, 1, 16, 16]: of squares of the image."""
    context: NDArray[np.float16]
    """[n, 2, queries, width]: the vectors of two captions an image."""

    def batch(self, net: Glide, generator: torch.Generator, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Returns images [count, 3, h, w] in [-1, 1], weights of their pixels, and vectors, of which some are empty."""
        device = net.unet.null_context.device
        rows = torch.randint(len(self.pixels), (count,), generator=generator)
        wording = torch.randint(2, (count,), generator=generator).numpy()
        x = (self.pixels[rows].float() / 127.5 - 1).to(device, memory_format=torch.channels_last)
        text = torch.from_numpy(self.context[rows.numpy(), wording].astype(np.float32)).to(device)
        text = net.unet.drop_context(text, (torch.rand(count, generator=generator) < EMPTY).to(device))
        return x, F.interpolate(self.weight[rows], x.shape[-1]).to(device), text


def prepare(recipe: Recipe, net: Glide, key: str, count: int, small: bool = True, still: bool = False) -> TextImages:
    """Renders a training set; the vectors of its captions are computed on the first call.

    Args:
        recipe: options.
        net: its text encoder gives the vectors.
        key: names the set.
        count: images.
        small: whether the images have 32 x 32 pixels, else 64 x 64.
        still: whether they are rendered without random shifts and mirroring.
    """
    pictures = data.paint(f"{key} {recipe.seed}", count, masks=True, still=still)
    text = net.config.text
    context = keep_array(
        recipe.folder / f"{key}-{count}.npy",
        (count, 2, text.queries, text.width),
        partial(encode_captions, recipe, net, pictures),
    )
    pixels = small_pixels(pictures.pixels) if small else pictures.pixels
    shown = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
    return TextImages(shown, position_weights(pictures), context)


@torch.no_grad()
def encode_captions(recipe: Recipe, net: Glide, pictures: data.ImageBatch) -> Iterator[NDArray[np.float32]]:
    """Yields the vectors [part, 2, queries, width] of two captions of each image."""
    rng, tokenizer = np.random.default_rng(recipe.seed), WordTokenizer(net.config.text.words)
    for start in range(0, len(pictures.scenes), 500):
        scenes = pictures.scenes[start : start + 500]
        texts = [data.any_caption(scene, rng) for scene in scenes for _ in range(2)]
        yield encode_by_length(net.text_encoder, tokenizer, texts).unflatten(0, (len(scenes), 2)).numpy()


def draw_masks(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Returns masks [count, 1, size, size], 1 where an image is to be drawn.

    Half of them are near one of the six cells of an image, where a thing may stand; the others are rectangles of any
    size and place, of which a third is turned inside out.
    """
    masks = torch.zeros(count, 1, size, size)
    cells = torch.randint(6, (count,), generator=generator)
    kind, chance = torch.rand(count, generator=generator), torch.rand(count, 4, generator=generator)
    for mask, cell, which, (a, b, c, d) in zip(masks, cells.tolist(), kind.tolist(), chance.tolist(), strict=True):
        if which < 0.5:
            row, column = divmod(cell, 3)
            left, right = (column - 0.3 * a) / 3, (column + 1 + 0.3 * b) / 3
            top, bottom = (row - 0.3 * c) / 2, (row + 1 + 0.3 * d) / 2
        else:
            (left, right), (top, bottom) = sorted((a, b)), sorted((c, d))
        where = [max(0, min(size, round(size * each))) for each in (top, bottom, left, right)]
        mask[:, where[0] : max(where[1], where[0] + 1), where[2] : max(where[3], where[2] + 1)] = 1
        if which > 5 / 6:
            mask.neg_().add_(1)
    return masks


# --- base model -----------------------------------------------------------------------------------------------------


def train_base(recipe: Recipe, net: Glide) -> None:
    """Trains the base model on whole images."""
    stage = Stage(recipe, STAGES, "base", net.unet, rate=5e-4)
    images = None if stage.done else prepare(recipe, net, "draw", recipe.pictures, still=True)
    for step in stage:
        assert images is not None
        stage.update(base_loss(net, images, stage.generator))
        if step % 1000 == 0:
            show(recipe, net, f"base-{step}")
    stage.finish()


def base_loss(net: Glide, images: TextImages, generator: torch.Generator, batch: int = BATCH) -> Tensor:
    """Returns the weighted mean squared error of the predicted clean images, of which nothing is known."""
    x, weight, text = images.batch(net, generator, batch)
    return _denoising_loss(net, x, weight, text, all_masked(len(x), x.shape[-1], x), generator)


def _denoising_loss(
    net: Glide, x: Tensor, weight: Tensor, text: Tensor, known: KnownPixels, generator: torch.Generator
) -> Tensor:
    t = mixed_times(len(x), generator).to(x.device)
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    with mixed_precision(x.device):
        predicted = net.unet.draw(diffusion.add_noise(x, noise, t), t, text, known)
    return clean_loss(predicted.float(), x, t, weight * known.mask)


def mixed_times(count: int, generator: torch.Generator) -> Tensor:
    """Returns diffusion times [count]: a share of uniform ones, the others mostly late."""
    uniform = round(count * UNIFORM)
    return torch.cat([stratified_times(uniform, 1.0, generator), stratified_times(count - uniform, 0.25, generator)])


# --- inpainting -----------------------------------------------------------------------------------------------------


def train_inpainting(recipe: Recipe, net: Glide) -> None:
    """Trains the base model on with a part of the pixels known."""
    stage = Stage(recipe, STAGES, "inpaint", net.unet, rate=3e-4)
    if not stage.done:
        whole = prepare(recipe, net, "draw", recipe.pictures, still=True)
        parts = prepare(recipe, net, "inpaint", max(64, recipe.pictures // 2))
    for step in stage:
        stage.update(inpainting_loss(net, whole, parts, stage.generator))
        if step % 500 == 0:
            show(recipe, net, f"inpaint-{step}")
    stage.finish()


def inpainting_loss(
    net: Glide, whole: TextImages, parts: TextImages, generator: torch.Generator, batch: int = BATCH
) -> Tensor:
    """Returns the loss of a batch of which a part is wholly masked; only pixels inside the masks count."""
    drawn = round(batch * WHOLE)
    one, other = whole.batch(net, generator, drawn), parts.batch(net, generator, batch - drawn)
    x, weight, text = (torch.cat(pair) for pair in zip(one, other, strict=True))
    masks = torch.cat([torch.ones(drawn, 1, *x.shape[2:]), draw_masks(batch - drawn, x.shape[-1], generator)])
    return _denoising_loss(net, x, weight, text, KnownPixels(x, masks.to(x.device)), generator)


# --- upsampler ------------------------------------------------------------------------------------------------------


def train_upsampler(recipe: Recipe, net: Glide) -> None:
    """Trains the upsampler with texts, and with known pixels in half of the images."""
    stage = Stage(recipe, STAGES, "upsampler", net.upsampler, rate=1e-3)
    images = None if stage.done else prepare(recipe, net, "enlarge", max(64, recipe.pictures // 4), small=False)
    for _ in stage:
        assert images is not None
        stage.update(upsampling_loss(net, images, stage.generator))
    stage.finish()


def upsampling_loss(net: Glide, images: TextImages, generator: torch.Generator, batch: int = BATCH) -> Tensor:
    """Returns the absolute error of the predicted clean images and of their edges."""
    x, weight, text = images.batch(net, generator, batch)
    masks = draw_masks(batch, SIDE, generator).to(x.device)
    masks[: batch // 2] = 1
    known = KnownPixels(x, masks)
    small = corrupt(shrink(x), generator)
    t = (torch.rand(len(x), generator=generator) ** 0.5).to(x.device)
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    with mixed_precision(x.device):
        predicted = net.upsampler.draw(diffusion.add_noise(x, noise, t), t, small, text, known)
    predicted = predicted.float()
    return (weight * (predicted - x).abs()).mean() + edge_loss(predicted, x, weight)


# --- samples --------------------------------------------------------------------------------------------------------


@torch.no_grad()
def show(recipe: Recipe, net: Glide, name: str) -> None:
    """Writes a sheet of held-out scenes: true images, drawn ones, and the right halves drawn again."""
    _, texts = sheet_scenes()
    x = sheet_images(still=True).to(recipe.device)
    tokens = WordTokenizer(net.config.text.words).batch(texts, net.config.text.max_tokens).to(recipe.device)
    mask = torch.zeros_like(x[:, :1])
    mask[..., SIDE // 2 :] = 1
    with evaluating(net):
        made = [net.generate(tokens, list(range(len(texts))), known=known) for known in (None, KnownPixels(x, mask))]
    write_sheet(recipe, name, x, *made)
