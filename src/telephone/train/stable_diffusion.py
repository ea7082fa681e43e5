"""Recipe of `pocket/stable-diffusion` (Rombach et al. 2022, arXiv 2112.10752), in three stages.

1. `text-encoder`: the text encoder is pre-trained to predict, from its seven vectors, what stands in each of the six
   cells of the image and what the whole scene is like, with linear heads that are not shipped. This stands in for the
   large corpus that the text encoder of Stable Diffusion is trained on.
2. `autoencoder`: the first stage of the paper (section 3.1) learns to reconstruct images.
3. `unet`: the U-Net learns to denoise latents given the text (eq. 3), with the other parts frozen and one text in ten
   dropped for classifier-free guidance. A thing covers few pixels and the background thousands, so positions of things
   weigh more. Images are rendered without random shifts and mirroring, so a text determines its image almost entirely.

    telephone learn stable-diffusion
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.checkpoint import save_weights
from telephone.nets.layers import channels_last
from telephone.nets.stable_diffusion import (
    Autoencoder,
    CaptionEncoder,
    DiffusionSampling,
    LatentDiffusion,
    LatentDiffusionConfig,
    TextEncoderConfig,
)
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.evaluation import evaluating, sheet_images, sheet_scenes, write_sheet
from telephone.train.common.heads import EncoderWithHeads, fact_targets
from telephone.train.common.losses import clean_loss, edge_loss, facts_loss, stratified_times
from telephone.train.common.recipe import Recipe, StagePlan, keep
from telephone.train.common.stage import Stage, length_sorted
from telephone.world.scene import Scene

STAGES = {
    "text-encoder": StagePlan(2_650, 12),
    "autoencoder": StagePlan(1_500, 19),
    "unet": StagePlan(17_300, 324),
}
FIRST_STAGE = "autoencoder"
BATCH = 24
"""Latents a step of the U-Net."""
CAPTIONS = 40
"""Captions a step of the text encoder."""
IMAGES = 32
"""Images a step of the autoencoder."""
SCALED = 512
"""Images from which the standard deviation of latents is measured."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight files."""
    device = recipe.start()
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", lambda: data.learn_words().words[4:]))
    config = LatentDiffusionConfig(text=TextEncoderConfig(words=tokenizer.words[4:]))
    net = channels_last(LatentDiffusion(config)).to(device)
    pretrain_text(recipe, net.text_encoder, tokenizer)
    train_autoencoder(recipe, net.autoencoder)
    train_unet(recipe, net, tokenizer)
    about = recipe.about("pocket/stable-diffusion")
    # The autoencoder is a file of its own, because other models can use it.
    save_weights(recipe.weights.with_name(f"{FIRST_STAGE}.safetensors"), net, config, about, ("autoencoder.",))
    save_weights(recipe.weights, net, config, about, ("text_encoder.", "unet."))
    return recipe.weights


# --- 1. text encoder ------------------------------------------------------------------------------------------------


def pretrain_text(recipe: Recipe, encoder: CaptionEncoder, tokenizer: WordTokenizer) -> None:
    """Trains the text encoder to predict the facts that a caption states."""
    net = EncoderWithHeads(encoder, encoder.config.width).to(recipe.device)
    stage = Stage(recipe, STAGES, "text-encoder", net, rate=1e-3)
    for _, batch in zip(stage, caption_batches(stage, tokenizer, encoder.config.max_tokens), strict=False):
        tokens, cells, whole = (part.to(recipe.device) for part in batch)
        loss, right = facts_loss(net(tokens), cells, whole)
        stage.update(loss, right=right)
    stage.finish()


def caption_batches(
    stage: Stage, tokenizer: WordTokenizer, limit: int, size: int = CAPTIONS
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yields tokens [size, n] with the facts of the cells [size, 6, 4] and of the scenes [size, 4], for each step."""

    def draw(rng: np.random.Generator, count: int) -> list[tuple[str, Scene]]:
        key = int(rng.integers(2**32))
        scenes = [data.train_scene("read", key, i) for i in range(count)]
        return [(data.any_caption(scene, rng), scene) for scene in scenes]

    for batch in length_sorted(stage, draw, lambda one: len(one[0]), size):
        yield tokenizer.batch([text for text, _ in batch], limit), *fact_targets([scene for _, scene in batch])


# --- 2. autoencoder -------------------------------------------------------------------------------------------------


def train_autoencoder(recipe: Recipe, net: Autoencoder) -> None:
    """Trains the autoencoder on images; L1, L2, edges, and a slight KL penalty."""
    stage = Stage(recipe, STAGES, "autoencoder", net, rate=2e-3)
    pictures = None if stage.done else data.paint(f"see {recipe.seed}", recipe.pictures // 4, masks=True)
    for step in stage:
        assert pictures is not None
        x, weight = weighted_images(recipe, pictures, stage.rng.integers(len(pictures.pixels), size=IMAGES))
        stage.update(autoencoder_loss(net, x, weight))
        if step % 500 == 0:
            with torch.no_grad():
                write_sheet(recipe, f"autoencoder-{step}", x[:8], net.decode(net.encode(x[:8])))
    stage.finish()
    net.config.scale = keep(recipe.folder / "scale.json", lambda: latent_scale(recipe, net))


def weighted_images(recipe: Recipe, pictures: data.ImageBatch, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Returns images [batch, 3, 64, 64] in [-1, 1] and weights [batch, 1, 64, 64]: 1 on the background, 4 on things."""
    x = torch.from_numpy(data.to_unit(pictures.pixels[rows])).to(recipe.device, memory_format=torch.channels_last)
    weight = 1 + 3 * torch.from_numpy(pictures.things[rows])[:, None]
    return x, F.interpolate(weight, scale_factor=4.0).to(recipe.device)


@torch.no_grad()
def latent_scale(recipe: Recipe, net: Autoencoder) -> float:
    """Returns the factor that gives latents a standard deviation of 1."""
    pictures = data.paint(f"scale {recipe.seed}", SCALED)
    return float(1 / net.encode(torch.from_numpy(data.to_unit(pictures.pixels)).to(recipe.device)).std())


def autoencoder_loss(net: Autoencoder, x: Tensor, weight: Tensor) -> Tensor:
    """Returns the reconstruction loss plus 1e-4 times the KL divergence of the latents from a standard normal.

    Args:
        net: the autoencoder.
        x: images [batch, 3, 64, 64] in [-1, 1]
        weight: of the pixels, [batch, 1, 64, 64]
    """
    mean, logvar = net.moments(x)
    z = mean + torch.randn_like(mean) * (logvar / 2).exp()
    y = net.decoder(z)
    error = (weight * ((x - y).abs() + (x - y) ** 2)).mean()
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
    return error + edge_loss(x, y, weight) + 1e-4 * kl


# --- 3. U-Net -------------------------------------------------------------------------------------------------------


@dataclass
class Latents:
    """The training images as latents, with tokens of their captions."""

    z: Tensor
    """[n, c, 16, 16]"""
    weight: Tensor
    """[n, 1, 16, 16]: 1 on the background, more on things."""
    tokens: Tensor
    """int64 [2, n, length]: two captions an image."""


@torch.no_grad()
def prepare(recipe: Recipe, net: LatentDiffusion, tokenizer: WordTokenizer) -> Latents:
    """Renders, encodes and tokenizes the training set."""
    pictures = data.paint(f"draw {recipe.seed}", recipe.pictures, masks=True, still=True)
    rng = np.random.default_rng(recipe.seed)
    limit = net.config.text.max_tokens
    texts = [[data.any_caption(scene, rng) for scene in pictures.scenes] for _ in range(2)]
    starts = range(0, len(pictures.pixels), 500)
    pixels = (torch.from_numpy(data.to_unit(pictures.pixels[i : i + 500])) for i in starts)
    parts = [net.autoencoder.encode(x.to(recipe.device)).cpu() for x in pixels]
    tokens = torch.stack([tokenizer.batch(t, limit, pad_to=limit) for t in texts])
    return Latents(torch.cat(parts), position_weights(pictures), tokens)


def position_weights(pictures: data.ImageBatch) -> Tensor:
    """Returns the weight of each square [n, 1, 16, 16]: 1 on the background, 5 on an average thing, more on small ones.

    What is recognised or missed is a thing, not a pixel: a thing of a third of the usual size weighs three times as
    much a square.
    """
    things = torch.from_numpy(pictures.things)[:, None]
    groups = torch.tensor([max(1, len(scene.things)) for scene in pictures.scenes])
    size = (things.flatten(1).sum(1) / groups).clamp(min=0.5)
    return 1 + 4 * things * (size.median() / size).clamp(0.6, 3.0)[:, None, None, None]


def train_unet(recipe: Recipe, net: LatentDiffusion, tokenizer: WordTokenizer) -> None:
    """Trains the U-Net with mostly late times; one caption in ten is dropped."""
    net.autoencoder.requires_grad_(requires_grad=False)
    net.text_encoder.requires_grad_(requires_grad=False)
    stage = Stage(recipe, STAGES, "unet", net.unet, rate=7e-4)
    latents = None if stage.done else prepare(recipe, net, tokenizer)
    for step in stage:
        assert latents is not None
        stage.update(denoising_loss(net, latents, stage.generator, BATCH))
        if step % 600 == 0:
            show(recipe, net, tokenizer, f"unet-{step}")
    stage.finish()
    show(recipe, net, tokenizer, "unet-last")


def denoising_loss(net: LatentDiffusion, latents: Latents, generator: torch.Generator, batch: int = BATCH) -> Tensor:
    """Returns the weighted mean squared error of the predicted clean latents (eq. 3)."""
    rows = torch.randint(len(latents.z), (batch,), generator=generator)
    wording = torch.randint(2, (batch,), generator=generator)
    device = net.unet.null_context.device
    z = latents.z[rows].to(device, memory_format=torch.channels_last)
    tokens = latents.tokens[wording, rows]
    tokens = tokens[:, : int((tokens != 0).sum(1).max())].to(device)
    with torch.no_grad():
        context = net.text_encoder(tokens)
    context = net.unet.drop_context(context, (torch.rand(batch, generator=generator) < 0.1).to(device))
    t = stratified_times(batch, 0.25, generator).to(device)
    noise = torch.randn(z.shape, generator=generator).to(device)
    predicted = net.unet(diffusion.add_noise(z, noise, t), t, context)
    return clean_loss(predicted, z, t, latents.weight[rows].to(device))


def show(recipe: Recipe, net: LatentDiffusion, tokenizer: WordTokenizer, name: str) -> None:
    """Writes a sheet of held-out scenes: true images, and generated ones below them."""
    _, texts = sheet_scenes()
    tokens = tokenizer.batch(texts, net.config.text.max_tokens).to(recipe.device)
    with evaluating(net.unet):
        drawn = net.generate(tokens, list(range(len(texts))), DiffusionSampling())
    write_sheet(recipe, name, sheet_images(), drawn)
