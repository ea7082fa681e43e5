"""Recipe of `pocket/dalle-2`, in four stages that may be run in any order and side by side.

- The upsampler learns to enlarge true pictures that were made small and slightly spoiled (Ramesh et al. 2022,
  section 2.2). Errors count absolutely, and so do those of edges: a mean of what might be would be blurred.

    telephone learn dalle-2 --minutes 80
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.nets import diffusion
from telephone.nets.layers import channels_last
from telephone.nets.unclip import Upsampler, UpsamplerConfig, corrupt, shrink
from telephone.train import data
from telephone.train.common import Recipe, Stage
from telephone.world.render import render_array

MINUTES = 80.0
SHARES = {"upsampler": 0.1, "decoder": 0.75, "prior": 0.1, "ar-prior": 0.05}


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
    x = torch.from_numpy(data.to_unit(render_array(*_held_out())))
    small, seeds = shrink(x).to(recipe.device), list(range(len(x)))
    drawn = [x, net.enlarge(small, seeds, steps=0).cpu(), net.enlarge(small, seeds).cpu()]
    _save(recipe, name, [part[i : i + 8].numpy() for i in range(0, len(x), 8) for part in drawn])


# --- sheets ---------------------------------------------------------------------------------------------------------


def _held_out() -> tuple[list[world.Scene], list[int]]:
    """Returns 24 scenes of three levels with held-out pairs, and the seeds of their pictures."""
    scenes = [world.sample(level, i, split="test") for level in ("easy", "medium", "hard") for i in range(8)]
    return scenes, [data.STILL] * len(scenes)


def _save(recipe: Recipe, name: str, rows: list[np.ndarray]) -> None:
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    Image.fromarray(data.sheet(rows)).save(folder / f"{name}.png")
