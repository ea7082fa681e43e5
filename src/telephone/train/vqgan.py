"""Recipe of the VQGAN that `pocket/vqgan-clip` draws with, in two stages: keep what is seen, and make it crisp.

1. Encoder, codebook and decoder learn to keep pictures (Esser et al. 2021, eq. 4), with a perceptual loss whose
   features come from our own CLIP. So the recipe of CLIP comes first: `telephone learn clip` with the same `--out`, or
   the shipped weights. Codes that are hardly used are moved now and then, in the first half only.
2. The discriminator joins in (eq. 6 and 7): it starts late, when there is something worth its while.

A sample costs 113 million multiply-accumulates in the net, 23 in CLIP's features and, in stage 2, about 40 in the
discriminator. A core to itself sees about 55 samples a second in stage 1.

    telephone learn vqgan --minutes 37
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from telephone import world
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig
from telephone.nets.layers import channels_last
from telephone.nets.vqgan import (
    PatchDiscriminator,
    Vqgan,
    VqganConfig,
    adaptive_weight,
    discriminator_loss,
    generator_loss,
    perceptual_loss,
    perplexity,
)
from telephone.train.common import data
from telephone.train.common.recipe import Recipe, Stage, frozen
from telephone.world.render import render_array

MINUTES = 37.0
SHARES = {"vqgan": 0.74, "vqgan-gan": 0.26}
BATCH = 24
SEEN = 8
"""Of a batch, so many pictures are compared by CLIP's features, which cost more than the decoder."""
PERCEPTUAL = 0.5
ADVERSARIAL = 0.3
"""Part of the adaptive weight that the discriminator gets; with all of it, its whims count as much as the picture."""
LATE = 300
"""Steps of stage 2 after which the discriminator counts in full."""


def main(recipe: Recipe) -> Path:
    """Runs both stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    clip: Clip = frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
    net = channels_last(Vqgan(VqganConfig())).to(device)
    rivals = nn.ModuleDict({"net": net, "discriminator": channels_last(PatchDiscriminator()).to(device)})
    pictures = data.paint(f"vqgan {recipe.seed}", max(64, recipe.pictures // 4), masks=True)
    learn_to_keep(recipe, net, clip, pictures)
    learn_to_be_crisp(recipe, rivals, clip, pictures)
    about = {"player": "pocket/vqgan", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, net, net.config, about)
    return recipe.weights


# --- 1. keep --------------------------------------------------------------------------------------------------------


def learn_to_keep(recipe: Recipe, net: Vqgan, clip: Clip, pictures: data.PictureBatch) -> None:
    """Trains encoder, codebook and decoder on reconstruction alone."""
    stage = Stage(recipe, "vqgan", SHARES["vqgan"] * recipe.minutes, net, rate=2e-3)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step, (x, weight) in zip(stage, batches(recipe, pictures, recipe.seed + stage.step), strict=False):
        if step % 50 == 0 and (step == 0 or stage.used < stage.seconds / 2):
            with torch.no_grad():
                net.revive(net.vectors(x), generator)
        z, codes, commitment = net.encode(x)
        net.count(codes)
        y = net.decode(z)
        keep, alike = reconstruction(x, y, weight), perceived(clip, x, y)
        stage.update(
            keep + PERCEPTUAL * alike + commitment,
            keep=keep.item(), alike=alike.item(), commitment=commitment.item(), codes=perplexity(net.usage),
        )  # fmt: skip
        if step % 400 == 0:
            show(recipe, net, f"vqgan-{step}")
    stage.finish()


def batches(recipe: Recipe, pictures: data.PictureBatch, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields pictures and weights [batch, 1, 64, 64]: 1 on the backdrop, up to 4 on things."""
    rng = np.random.default_rng(seed)
    while True:
        rows = rng.integers(len(pictures.pixels), size=BATCH)
        x = torch.from_numpy(data.to_unit(pictures.pixels[rows])).to(recipe.device, memory_format=torch.channels_last)
        weight = 1 + 3 * torch.from_numpy(pictures.things[rows])[:, None]
        yield x, F.interpolate(weight, scale_factor=4.0).to(recipe.device)


def reconstruction(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Returns absolute and squared error, and the absolute error of edges, so that thin lines count."""
    error = x - y
    edges = sum((error.diff(dim=axis).abs() * weight.narrow(axis, 1, x.shape[axis] - 1)).mean() for axis in (2, 3))
    return (weight * (error.abs() + error**2)).mean() + edges


def perceived(clip: Clip, x: Tensor, y: Tensor) -> Tensor:
    """Returns the perceptual loss of the first pictures of a batch, which are random ones."""
    with torch.no_grad():
        true = clip.image_features(x[:SEEN])
    return perceptual_loss(clip.image_features(y[:SEEN]), true)


# --- 2. be crisp ----------------------------------------------------------------------------------------------------


def learn_to_be_crisp(recipe: Recipe, rivals: nn.ModuleDict, clip: Clip, pictures: data.PictureBatch) -> None:
    """Trains on, against a discriminator that learns at the same time."""
    net, judge = rivals["net"].train(), rivals["discriminator"]
    assert isinstance(net, Vqgan)
    stage = Stage(recipe, "vqgan-gan", SHARES["vqgan-gan"] * recipe.minutes, rivals, rate=5e-4)
    for step, (x, weight) in zip(stage, batches(recipe, pictures, recipe.seed + 1 + stage.step), strict=False):
        z, codes, commitment = net.encode(x)
        net.count(codes)
        y = net.decode(z)
        keep, alike = reconstruction(x, y, weight), perceived(clip, x, y)
        wanted = keep + PERCEPTUAL * alike
        pleasing, telling = contest(judge, x, y)
        trust = ADVERSARIAL * min(1.0, step / LATE) * adaptive_weight(wanted, pleasing, net.last_layer)
        stage.update(
            wanted + commitment + trust * pleasing + telling,
            keep=keep.item(), alike=alike.item(), commitment=commitment.item(), codes=perplexity(net.usage),
            telling=telling.item(), trust=float(trust),
        )  # fmt: skip
        if step % 400 == 0:
            show(recipe, net, f"vqgan-gan-{step}")
    stage.finish()
    show(recipe, net, "vqgan-last")


def contest(judge: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the loss of the generator, which leaves the discriminator alone, and that of the discriminator.

    The second leaves the generator alone. So both can be parts of one loss, and one optimizer takes both steps.
    """
    fixed: dict[str, Any] = {name: value.detach() for name, value in judge.named_parameters()}
    pleasing = generator_loss(functional_call(judge, fixed, (y,)))
    return pleasing, discriminator_loss(judge(x), judge(y.detach()))


@torch.no_grad()
def show(recipe: Recipe, net: Any, name: str) -> None:
    """Writes a sheet of held-out scenes, true pictures above what is left of them, and prints the absolute error."""
    scenes = [world.sample(level, i, split="test") for level in ("easy", "medium", "hard") for i in range(8)]
    x = torch.from_numpy(data.to_unit(render_array(scenes, list(range(len(scenes))))))
    codes = net.encode(x.to(recipe.device))[1]
    y = net.decode_codes(codes).cpu()
    error, used = float((x - y).abs().mean()), len(codes.unique())
    print(f"{name}: mean absolute error {error:.4f} on held-out pictures, {used} codes in them", flush=True)
    rows = [half[i : i + 8].numpy() for i in range(0, len(scenes), 8) for half in (x, y)]
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    Image.fromarray(data.sheet(rows)).save(folder / f"{name}.png")
