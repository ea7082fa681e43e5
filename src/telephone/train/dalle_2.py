"""Recipe of `pocket/dalle-2`, in four stages that may be run in any order and side by side.

It starts from what other recipes made: CLIP, which is never changed, and latent diffusion. The decoder is latent
diffusion's U-Net on pixels, so it begins with the trunk and the text encoder that `pocket/stable-diffusion` has
learned, and only its first and last layer and what concerns the image embedding are new (`start_from`). This stands in
for the large GPU runs behind the paper's decoder; without it the stage would have to be several times as long.

- The upsampler learns to enlarge true pictures that were made small and slightly spoiled (Ramesh et al. 2022,
  section 2.2). Errors count absolutely, and so do those of edges: a mean of what might be would be blurred.
- The decoder learns to draw 32 x 32 pixels from the CLIP embedding of the true picture and from its sentence
  (section 2.1), the one dropped in 10 %, the other in 50 % of the samples.

- The priors learn which embedding the picture of a sentence has (`dalle_2_prior.py`).

    telephone learn dalle-2 --minutes 80
"""

from pathlib import Path

import numpy as np
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
from telephone.train.common.recipe import Recipe, Stage
from telephone.train.dalle_2_data import (
    CLIP,
    Drawings,
    Material,
    borrow,
    build,
    held_out,
    save_sheet,
    texts_of,
    tokenized,
)
from telephone.train.dalle_2_prior import learn_ar_prior, learn_prior
from telephone.world.render import render_array

MINUTES = 80.0
SHARES = {"upsampler": 0.1, "decoder": 0.75}
SECOND_FILE = "dalle-2-prior.safetensors"


def main(recipe: Recipe) -> Path:
    """Runs all stages, each from where it was stopped, and writes the two weight files.

    The decoder is in the file of the recipe's name, everything else in `dalle-2-prior.safetensors` beside it, so that
    neither is larger than 16 MiB. Both tell the sha256 of the CLIP file that they belong to.
    """
    recipe.start()
    net, material = build(recipe), Material(recipe)
    learn_to_enlarge(recipe, net.upsampler)
    learn_to_draw(recipe, net, material)
    learn_prior(recipe, net, material)
    learn_ar_prior(recipe, net, material)
    show_all(recipe, net.eval(), material.clip, "last")
    about = {"player": "pocket/dalle-2", "seed": recipe.seed, "minutes": recipe.minutes}
    about["clip"] = content_hash(borrow(recipe, CLIP).read_bytes())
    save_weights(recipe.weights, net, net.config, about, ("decoder.",))
    rest = ("space.", "text_encoder.", "upsampler.", "prior.", "ar_prior.")
    save_weights(recipe.weights.with_name(SECOND_FILE), net, net.config, about, rest)
    return recipe.weights


# --- enlarge --------------------------------------------------------------------------------------------------------


def learn_to_enlarge(recipe: Recipe, net: Upsampler | None = None) -> Upsampler:
    """Trains the upsampler, from 32 x 32 to 64 x 64 pixels; needs no other stage."""
    device = recipe.start()
    net = channels_last(net or Upsampler(UpsamplerConfig())).to(device)
    stage = Stage(recipe, "upsampler", SHARES["upsampler"] * recipe.minutes, net, rate=2e-3)
    count = max(64, recipe.pictures // 4)
    pictures = data.paint(f"enlarge {recipe.seed}", count, masks=True) if stage.used < stage.seconds else None
    rng = np.random.default_rng(recipe.seed + stage.step)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step in stage:
        assert pictures is not None
        rows = rng.integers(len(pictures.pixels), size=24)
        x = torch.from_numpy(data.to_unit(pictures.pixels[rows])).to(device, memory_format=torch.channels_last)
        weight = F.interpolate(1 + 3 * torch.from_numpy(pictures.things[rows])[:, None], scale_factor=4.0)
        stage.update(enlarge_loss(net, x, weight.to(device), generator))
        if step % 500 == 0:
            show_enlarged(recipe, net, f"upsampler-{step}")
    stage.finish()
    if pictures is not None:
        show_enlarged(recipe, net, "upsampler-last")
    return net


def enlarge_loss(net: Upsampler, x: Tensor, weight: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the absolute error of the clean picture and of its edges (differences of neighbours)."""
    small = corrupt(shrink(x), generator)
    # Mostly late times: the few steps of sampling start there, and near the end little is left to guess.
    t = (torch.rand(len(x), generator=generator) ** 0.5).to(x.device)
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    error = net(diffusion.add_noise(x, noise, t), t, small) - x
    edges = sum((error.diff(dim=axis).abs() * weight.narrow(axis, 1, x.shape[axis] - 1)).mean() for axis in (2, 3))
    return (weight * error.abs()).mean() + edges


@torch.no_grad()
def show_enlarged(recipe: Recipe, net: Upsampler, name: str) -> None:
    """Writes a sheet of held-out scenes: true pictures, smoothly enlarged ones, those of the net."""
    x = torch.from_numpy(data.to_unit(render_array(*held_out())))
    small, seeds = shrink(x).to(recipe.device), list(range(len(x)))
    drawn = [x, net.enlarge(small, seeds, steps=0).cpu(), net.enlarge(small, seeds).cpu()]
    save_sheet(recipe, name, [part[i : i + 8].numpy() for i in range(0, len(x), 8) for part in drawn])


# --- draw -----------------------------------------------------------------------------------------------------------


def learn_to_draw(recipe: Recipe, net: UnClip | None = None, material: Material | None = None) -> UnClip:
    """Trains the decoder on embeddings of true pictures; needs CLIP and latent diffusion, but no other stage."""
    recipe.start()
    net, material = net or build(recipe), material or Material(recipe)
    net.text_encoder.requires_grad_(requires_grad=False)
    stage = Stage(recipe, "decoder", SHARES["decoder"] * recipe.minutes, net.decoder, rate=5e-4)
    material.scale(net)
    tokens = tokenized(material.drawings, net.config.text) if stage.used < stage.seconds else None
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step in stage:
        assert tokens is not None
        stage.update(draw_loss(net, material.drawings, tokens, generator))
        if step % 600 == 0:
            show_drawn(recipe, net, material.clip, f"decoder-{step}")
    stage.finish()
    if tokens is not None:
        show_drawn(recipe, net, material.clip, "decoder-last")
    return net


def draw_loss(net: UnClip, drawings: Drawings, tokens: Tensor, generator: torch.Generator, batch: int = 24) -> Tensor:
    """Returns the mean square error of x0, weighted by min(1 / sigma^2, 4) and by where the things are."""
    rows = torch.randint(len(drawings.pixels), (batch,), generator=generator)
    wording = torch.randint(2, (batch,), generator=generator)
    device = net.decoder.null_image.device
    x = _unit(drawings.pixels[rows]).to(device, memory_format=torch.channels_last)
    words = tokens[wording, rows]
    words = words[:, : int((words != 0).sum(1).max())].to(device)
    with torch.no_grad():
        text = net.text_encoder(words)
    drop_image, drop_text = (torch.rand(batch, generator=generator).to(device) < share for share in (0.1, 0.5))
    image = net.decoder.drop_image(net.space.enter(drawings.embeddings[rows].to(device)), drop_image)
    text = net.decoder.drop_context(text, drop_text)
    # One stratum a sample makes the loss less noisy; the power prefers late times, where the conditions decide.
    t = ((torch.randperm(batch, generator=generator) + torch.rand(batch, generator=generator)) / batch) ** 0.25
    t, noise = t.to(device), torch.randn(x.shape, generator=generator).to(device)
    x0 = net.decoder.draw(diffusion.add_noise(x, noise, t), t, image, text)
    weight = (1 / diffusion.alpha_sigma(t)[1] ** 2).clamp(max=4)[:, None, None, None]
    return (weight * drawings.weight[rows].to(device) * (x0 - x) ** 2).mean()


def _unit(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def show_drawn(recipe: Recipe, net: UnClip, clip: Clip, name: str) -> None:
    """Writes a sheet of held-out scenes: true pictures, drawn from their embeddings, and from these without text."""
    scenes, seeds = held_out()
    x = torch.from_numpy(data.to_unit(render_array(scenes, seeds)))
    tokens = WordTokenizer(net.config.text.words).batch(texts_of(scenes), net.config.text.max_tokens).to(recipe.device)
    was = net.decoder.training
    net.decoder.eval()
    with torch.no_grad():
        image = net.space.enter(clip.encode_image(x.to(recipe.device)))
        each = list(range(len(scenes)))
        drawn = [net.decode(image, words, each).cpu() for words in (tokens, None)]
    net.decoder.train(was)
    large = [x, *(F.interpolate(small, scale_factor=2.0) for small in drawn)]
    save_sheet(recipe, name, [part[i : i + 8].numpy() for i in range(0, len(x), 8) for part in large])


def show_all(recipe: Recipe, net: UnClip, clip: Clip, name: str) -> None:
    """Writes a sheet of held-out scenes: true, drawn from the true embedding, from the priors' embeddings."""
    scenes, seeds = held_out()
    x = torch.from_numpy(data.to_unit(render_array(scenes, seeds)))
    tokens, clip_tokens = (
        WordTokenizer(text.words).batch(texts_of(scenes), text.max_tokens).to(recipe.device)
        for text in (net.config.text, clip.config.text)
    )
    each = list(range(len(scenes)))
    with torch.no_grad():
        image = net.space.enter(clip.encode_image(x.to(recipe.device)))
        first = net.upsampler.enlarge(net.decode(image, tokens, each), each)
        ways = (UnclipSampling(prior=prior) for prior in ("diffusion", "autoregressive"))
        rest = [net.generate(clip, tokens, clip_tokens, each, how) for how in ways]
    drawn = [x, first.cpu(), *(part.cpu() for part in rest)]
    save_sheet(recipe, name, [part[i : i + 8].numpy() for i in range(0, len(x), 8) for part in drawn])
