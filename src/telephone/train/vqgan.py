"""Recipe of the VQGAN of `pocket/vqgan-clip` (Esser et al. 2021, arXiv 2012.09841), in two stages. Needs `clip`.

1. `vqgan`: encoder, codebook and decoder learn to reconstruct images (eq. 4), with a perceptual loss on features of our
   own CLIP. Codes that are hardly used are re-initialised now and then, in the first half only.
2. `vqgan-gan`: the discriminator joins in (eq. 6 and 7), late, when reconstructions are good.

A sample costs 113 million multiply-accumulates in the net, 23 in CLIP's features and, in stage 2, about 40 in the
discriminator. One core processes about 55 samples a second in stage 1.

    telephone learn vqgan
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

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
from telephone.train.common.evaluation import sheet_images, write_sheet
from telephone.train.common.losses import edge_loss
from telephone.train.common.recipe import Recipe, StagePlan, frozen
from telephone.train.common.stage import Stage
from telephone.train.stable_diffusion import weighted_images

STAGES = {"vqgan": StagePlan(3_300, 27), "vqgan-gan": StagePlan(830, 10)}
BATCH = 24
"""Images a step."""
COMPARED = 8
"""Images of a batch in the perceptual loss, whose features cost more than the decoder."""
PERCEPTUAL = 0.5
"""Weight of the perceptual loss."""
ADVERSARIAL = 0.3
"""Factor on the adaptive weight (eq. 7) of the adversarial loss."""
RAMP = 300
"""Steps of stage 2 after which the adversarial loss counts in full."""


def main(recipe: Recipe) -> Path:
    """Runs both stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    clip: Clip = frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
    net = channels_last(Vqgan(VqganConfig())).to(device)
    both = nn.ModuleDict({"net": net, "discriminator": channels_last(PatchDiscriminator()).to(device)})
    pictures = data.paint(f"vqgan {recipe.seed}", max(64, recipe.pictures // 4), masks=True)
    train_reconstruction(recipe, net, clip, pictures)
    train_adversarial(recipe, both, clip, pictures)
    save_weights(recipe.weights, net, net.config, recipe.about("pocket/vqgan", "clip"))
    return recipe.weights


# --- 1. reconstruction ----------------------------------------------------------------------------------------------


def train_reconstruction(recipe: Recipe, net: Vqgan, clip: Clip, pictures: data.ImageBatch) -> None:
    """Trains encoder, codebook and decoder without a discriminator."""
    stage = Stage(recipe, STAGES, "vqgan", net, rate=2e-3)
    for step in stage:
        x, weight = weighted_images(recipe, pictures, stage.rng.integers(len(pictures.pixels), size=BATCH))
        if step % 50 == 0 and (step == 0 or step < stage.steps / 2):
            with torch.no_grad():
                net.reinitialise_unused(net.unquantised(x), stage.generator)
        z, codes, commitment = net.encode(x)
        net.count(codes)
        y = net.decode(z)
        error, perceptual = reconstruction_loss(x, y, weight), clip_perceptual_loss(clip, x, y)
        parts = {"error": error.item(), "perceptual": perceptual.item(), "commitment": commitment.item()}
        stage.update(error + PERCEPTUAL * perceptual + commitment, codes=perplexity(net.usage), **parts)
        if step % 400 == 0:
            show(recipe, net, f"vqgan-{step}")
    stage.finish()


def reconstruction_loss(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Returns weighted absolute and squared error, and the absolute error of edges.

    Args:
        x: images [batch, 3, h, w] in [-1, 1]
        y: their reconstructions.
        weight: of the pixels, [batch, 1, h, w]
    """
    error = x - y
    return (weight * (error.abs() + error**2)).mean() + edge_loss(x, y, weight)


def clip_perceptual_loss(clip: Clip, x: Tensor, y: Tensor) -> Tensor:
    """Returns the perceptual loss of the first `COMPARED` images of a batch, whose order is random."""
    with torch.no_grad():
        true = clip.image_features(x[:COMPARED])
    return perceptual_loss(clip.image_features(y[:COMPARED]), true)


# --- 2. with the discriminator --------------------------------------------------------------------------------------


def train_adversarial(recipe: Recipe, both: nn.ModuleDict, clip: Clip, pictures: data.ImageBatch) -> None:
    """Trains net and discriminator at the same time."""
    net, discriminator = both["net"].train(), both["discriminator"]
    assert isinstance(net, Vqgan)
    stage = Stage(recipe, STAGES, "vqgan-gan", both, rate=5e-4)
    for step in stage:
        x, weight = weighted_images(recipe, pictures, stage.rng.integers(len(pictures.pixels), size=BATCH))
        z, codes, commitment = net.encode(x)
        net.count(codes)
        y = net.decode(z)
        error, perceptual = reconstruction_loss(x, y, weight), clip_perceptual_loss(clip, x, y)
        wanted = error + PERCEPTUAL * perceptual
        generator, critic = adversarial_losses(discriminator, x, y)
        factor = ADVERSARIAL * min(1.0, step / RAMP) * adaptive_weight(wanted, generator, net.last_layer)
        parts = {"error": error.item(), "perceptual": perceptual.item(), "commitment": commitment.item()}
        parts |= {"discriminator": critic.item(), "adaptive_weight": float(factor)}
        stage.update(wanted + commitment + factor * generator + critic, codes=perplexity(net.usage), **parts)
        if step % 400 == 0:
            show(recipe, net, f"vqgan-gan-{step}")
    stage.finish()
    show(recipe, net, "vqgan-last")


def adversarial_losses(discriminator: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the loss of the generator, without gradients for the discriminator, and the reverse.

    So both can be parts of one loss, and one optimiser takes both steps.

    Args:
        discriminator: the patch discriminator.
        x: images [batch, 3, h, w] in [-1, 1]
        y: their reconstructions.
    """
    fixed: dict[str, Any] = {name: value.detach() for name, value in discriminator.named_parameters()}
    generator = generator_loss(functional_call(discriminator, fixed, (y,)))
    return generator, discriminator_loss(discriminator(x), discriminator(y.detach()))


@torch.no_grad()
def show(recipe: Recipe, net: Any, name: str) -> None:
    """Writes a sheet of held-out scenes, true images above their reconstructions, and prints the absolute error."""
    x = sheet_images()
    codes = net.encode(x.to(recipe.device))[1]
    y = net.decode_codes(codes).cpu()
    error, used = float((x - y).abs().mean()), len(codes.unique())
    print(f"{name}: mean absolute error {error:.4f} on held-out images, which use {used} codes", flush=True)
    write_sheet(recipe, name, x, y)
