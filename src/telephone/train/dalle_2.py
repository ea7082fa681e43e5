"""Recipe of `pocket/dalle-2` (unCLIP, Ramesh et al. 2022, arXiv 2204.06125), in four stages that may run side by side.

It starts from nets of other recipes: CLIP, which is frozen, and latent diffusion. The decoder is latent diffusion's
U-Net on pixels; it starts from the trunk and the text encoder of `pocket/stable-diffusion`, and only its first and last
layers and its conditioning on the image embedding are new (`start_from`). This stands in for the large GPU runs behind
the paper's decoder.

- `upsampler`: learns to enlarge true images that were made small and slightly corrupted (section 2.1, last paragraph).
  Its loss is absolute, on pixels and edges, because squared errors favour blurred means.
- `decoder`: learns to generate 32 x 32 pixels from the CLIP embedding of the true image and from its caption
  (section 2.1); the first is dropped in 10 %, the second in 50 % of the samples.
- `prior` and `ar-prior`: learn which image embedding belongs to a caption (`dalle_2_prior.py`).

    telephone learn dalle-2
"""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from telephone.core.images import content_hash
from telephone.nets import diffusion
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip
from telephone.nets.dalle_2 import UnClip, UnclipSampling
from telephone.nets.dalle_2_upsampler import Upsampler, UpsamplerConfig, corrupt, shrink
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.evaluation import evaluating, sheet_images, sheet_scenes, write_sheet
from telephone.train.common.losses import clean_loss, edge_loss, stratified_times
from telephone.train.common.recipe import Recipe
from telephone.train.common.stage import Stage
from telephone.train.dalle_2_data import CLIP, STAGES, TrainingImages, TrainingSet, borrow, build, tokenized
from telephone.train.dalle_2_prior import train_ar_prior, train_prior
from telephone.train.stable_diffusion import weighted_images

__all__ = ["STAGES", "main"]

SECOND_FILE = "dalle-2-prior.safetensors"
BATCH = 24
"""Images a step."""


def main(recipe: Recipe) -> Path:
    """Runs all stages, each from where it was stopped, and writes the two weight files.

    The decoder is in the file of the recipe's name, everything else in `dalle-2-prior.safetensors` beside it, so that
    neither is larger than 16 MiB. Both state the sha256 of the CLIP file that they belong to.
    """
    recipe.start()
    net, training = build(recipe), TrainingSet(recipe)
    train_upsampler(recipe, net.upsampler)
    train_decoder(recipe, net, training)
    train_prior(recipe, net, training)
    train_ar_prior(recipe, net, training)
    show_all(recipe, net.eval(), training.clip, "last")
    about = recipe.about("pocket/dalle-2") | {"clip": content_hash(borrow(recipe, CLIP).read_bytes())}
    save_weights(recipe.weights, net, net.config, about, ("decoder.",))
    rest = ("space.", "text_encoder.", "upsampler.", "prior.", "ar_prior.")
    save_weights(recipe.weights.with_name(SECOND_FILE), net, net.config, about, rest)
    return recipe.weights


# --- upsampler ------------------------------------------------------------------------------------------------------


def train_upsampler(recipe: Recipe, net: Upsampler | None = None) -> Upsampler:
    """Trains the upsampler, from 32 x 32 to 64 x 64 pixels; needs no other stage."""
    device = recipe.start()
    net = channels_last(net or Upsampler(UpsamplerConfig())).to(device)
    stage = Stage(recipe, STAGES, "upsampler", net, rate=2e-3)
    resumed_at_end = stage.done
    pictures = None if stage.done else data.paint(f"enlarge {recipe.seed}", max(64, recipe.pictures // 4), masks=True)
    for step in stage:
        assert pictures is not None
        x, weight = weighted_images(recipe, pictures, stage.rng.integers(len(pictures.pixels), size=BATCH))
        stage.update(upsampling_loss(net, x, weight, stage.generator))
        if step % 500 == 0:
            show_upsampled(recipe, net, f"upsampler-{step}")
    stage.finish()
    if not resumed_at_end:
        show_upsampled(recipe, net, "upsampler-last")
    return net


def upsampling_loss(net: Upsampler, x: Tensor, weight: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the absolute error of the predicted clean image and of its edges.

    Args:
        net: the upsampler.
        x: images [batch, 3, 64, 64] in [-1, 1]
        weight: of the pixels, [batch, 1, 64, 64]
        generator: draws corruption, times and noise.
    """
    small = corrupt(shrink(x), generator)
    # Mostly late times: the few steps of sampling start there, and near the end little is left to predict.
    t = (torch.rand(len(x), generator=generator) ** 0.5).to(x.device)
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    predicted = net(diffusion.add_noise(x, noise, t), t, small)
    return (weight * (predicted - x).abs()).mean() + edge_loss(predicted, x, weight)


@torch.no_grad()
def show_upsampled(recipe: Recipe, net: Upsampler, name: str) -> None:
    """Writes a sheet of held-out scenes: true images, interpolated ones, those of the net."""
    x = sheet_images(still=True)
    small, seeds = shrink(x).to(recipe.device), list(range(len(x)))
    write_sheet(recipe, name, x, net.enlarge(small, seeds, steps=0), net.enlarge(small, seeds))


# --- decoder --------------------------------------------------------------------------------------------------------


def train_decoder(recipe: Recipe, net: UnClip | None = None, training: TrainingSet | None = None) -> UnClip:
    """Trains the decoder on embeddings of true images; needs CLIP and latent diffusion, but no other stage."""
    recipe.start()
    net, training = net or build(recipe), training or TrainingSet(recipe)
    net.text_encoder.requires_grad_(requires_grad=False)
    stage = Stage(recipe, STAGES, "decoder", net.decoder, rate=5e-4)
    resumed_at_end = stage.done
    training.set_scale(net)
    tokens = None if stage.done else tokenized(training.images, net.config.text)
    for step in stage:
        assert tokens is not None
        stage.update(decoder_loss(net, training.images, tokens, stage.generator))
        if step % 600 == 0:
            show_decoded(recipe, net, training.clip, f"decoder-{step}")
    stage.finish()
    if not resumed_at_end:
        show_decoded(recipe, net, training.clip, "decoder-last")
    return net


def decoder_loss(
    net: UnClip, images: TrainingImages, tokens: Tensor, generator: torch.Generator, batch: int = BATCH
) -> Tensor:
    """Returns the weighted mean squared error of the predicted clean images.

    Args:
        net: unCLIP.
        images: the training set.
        tokens: captions, int64 [2, n, length].
        generator: draws rows, dropped conditions, times and noise.
        batch: images.
    """
    rows = torch.randint(len(images.pixels), (batch,), generator=generator)
    wording = torch.randint(2, (batch,), generator=generator)
    device = net.decoder.null_image.device
    x = (images.pixels[rows].float() / 127.5 - 1).to(device, memory_format=torch.channels_last)
    words = tokens[wording, rows]
    words = words[:, : int((words != 0).sum(1).max())].to(device)
    with torch.no_grad():
        text = net.text_encoder(words)
    drop_image, drop_text = (torch.rand(batch, generator=generator).to(device) < share for share in (0.1, 0.5))
    image = net.decoder.drop_image(net.space.normalise(images.embeddings[rows].to(device)), drop_image)
    text = net.decoder.drop_context(text, drop_text)
    t = stratified_times(batch, 0.25, generator).to(device)
    noise = torch.randn(x.shape, generator=generator).to(device)
    predicted = net.decoder.draw(diffusion.add_noise(x, noise, t), t, image, text)
    return clean_loss(predicted, x, t, images.weight[rows].to(device))


def show_decoded(recipe: Recipe, net: UnClip, clip: Clip, name: str) -> None:
    """Writes a sheet of held-out scenes: true images, those of their embeddings, and the same without captions."""
    _, texts = sheet_scenes()
    x, seeds = sheet_images(still=True), list(range(len(texts)))
    tokens = WordTokenizer(net.config.text.words).batch(texts, net.config.text.max_tokens).to(recipe.device)
    with evaluating(net.decoder):
        image = net.space.normalise(clip.encode_image(x.to(recipe.device)))
        small = [net.decode(image, words, seeds) for words in (tokens, None)]
    write_sheet(recipe, name, x, *(F.interpolate(part, scale_factor=2.0) for part in small))


@torch.no_grad()
def show_all(recipe: Recipe, net: UnClip, clip: Clip, name: str) -> None:
    """Writes a sheet of held-out scenes: true images, those of the true embeddings, those of the priors' embeddings."""
    _, texts = sheet_scenes()
    x, seeds = sheet_images(still=True), list(range(len(texts)))
    tokens, clip_tokens = (
        WordTokenizer(text.words).batch(texts, text.max_tokens).to(recipe.device)
        for text in (net.config.text, clip.config.text)
    )
    image = net.space.normalise(clip.encode_image(x.to(recipe.device)))
    first = net.upsampler.enlarge(net.decode(image, tokens, seeds), seeds)
    ways = (UnclipSampling(prior=prior) for prior in ("diffusion", "autoregressive"))
    write_sheet(recipe, name, x, first, *(net.generate(clip, tokens, clip_tokens, seeds, how) for how in ways))
