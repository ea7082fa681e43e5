"""Recipe of `oracle/reader`, the instrument that measures drawings: pictures and their facts, nothing else.

What is hard for it are kinds in colours that it never saw together, and drawings that are not as clean as renders. So

- half of the pictures are *recoloured*: their channels change places, and some are inverted. A kind must then be
  told by its shape. What a recoloured picture cannot tell truly (colours, setting, time, weather, style) is not asked;
- the others are *spoilt* now and then: shifted by a pixel or two, blurred, coarsened as by an autoencoder, brighter
  or darker, noisy.

    telephone learn reader --minutes 75 --pictures 80000
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.nets.checkpoint import save_weights
from telephone.nets.layers import channels_last
from telephone.nets.reader import ReaderConfig, SceneReaderNet
from telephone.train.common import data
from telephone.train.common.recipe import Recipe, Stage
from telephone.world.render import render_array

MINUTES = 75.0
BATCH = 32
CELL_WEIGHTS = {"kind": 2.0, "colour": 1.0, "size": 0.7, "count": 1.5}
SCENE_WEIGHT = 0.3
ORDERS = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
"""How the three channels may change places; the first way is no change."""
CHECKED = 200
"""Held-out pictures a level that are read now and then."""


def main(recipe: Recipe) -> Path:
    """Trains the reader from where it was stopped and writes the weight file."""
    device = recipe.start()
    answers = tuple(data.CELL_FACTS.values()), tuple(data.SCENE_FACTS.values())
    config = ReaderConfig(cell_answers=answers[0], scene_answers=answers[1])
    net = channels_last(SceneReaderNet(config)).to(device)
    learn(recipe, net, data.paint(f"reader {recipe.seed}", recipe.pictures))
    about = {"player": "oracle/reader", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, net, config, about)
    return recipe.weights


def learn(recipe: Recipe, net: SceneReaderNet, pictures: data.PictureBatch) -> None:
    """Trains the net on pictures and facts; reads held-out pictures on the way."""
    stage = Stage(recipe, "reader", recipe.minutes, net, rate=1.5e-3)
    cells = torch.from_numpy(np.stack([data.cell_targets(s) for s in pictures.scenes]))
    whole = torch.from_numpy(np.stack([data.scene_targets(s) for s in pictures.scenes]))
    rng = np.random.default_rng(recipe.seed + stage.step)
    spoilt = Spoilt(pictures.pixels, rng)
    for step in stage:
        rows = rng.integers(len(cells), size=BATCH)
        x = spoilt.batch(rows)
        half = len(rows) // 2
        facts, around = cells[rows], whole[rows]
        facts[:half, :, 1] = -1
        around[:half] = -1
        loss, parts = facts_loss(net(x.to(recipe.device)), facts.to(recipe.device), around.to(recipe.device))
        stage.update(loss, **parts)
        if step % 1000 == 999:
            check(recipe, net, f"step {step + 1}")
    stage.finish()
    check(recipe, net, "averaged")


def facts_loss(logits: tuple[Tensor, Tensor], facts: Tensor, around: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Returns the weighted cross-entropy over all questions, and each question's own.

    Args:
        logits: of the cells [batch, 6, answers] and of the whole [batch, answers].
        facts: right answers about the cells, [batch, 6, 4]; -1 is not asked.
        around: right answers about the whole, [batch, 4]; -1 is not asked.
    """
    total = logits[0].new_zeros(())
    parts = {}
    for index, (name, size) in enumerate(data.CELL_FACTS.items()):
        start = sum(list(data.CELL_FACTS.values())[:index])
        part = _entropy(logits[0][..., start : start + size].flatten(0, 1), facts[..., index].flatten())
        total, parts[name] = total + CELL_WEIGHTS[name] * part, float(part.detach())
    for index, (name, size) in enumerate(data.SCENE_FACTS.items()):
        start = sum(list(data.SCENE_FACTS.values())[:index])
        part = _entropy(logits[1][:, start : start + size], around[:, index])
        total, parts[name] = total + SCENE_WEIGHT * part, float(part.detach())
    return total, parts


def _entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Returns the mean over what is asked; 0 if nothing is."""
    asked = (target >= 0).sum().clamp(min=1)
    return F.cross_entropy(logits, target, ignore_index=-1, reduction="sum") / asked


# --- pictures -------------------------------------------------------------------------------------------------------


@dataclass
class Spoilt:
    """Pictures for training: half recoloured, some of all spoilt."""

    pixels: NDArray[np.uint8]
    """[n, 64, 64, 3]"""
    rng: np.random.Generator

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns pictures [batch, 3, 64, 64] in [-1, 1]; the first half of them is recoloured."""
        x = torch.from_numpy(data.to_unit(self.pixels[rows]))
        half = len(x) // 2
        x[:half] = recoloured(x[:half], self.rng)
        some = torch.from_numpy(self.rng.permutation(len(x))[: len(x) * 2 // 3])
        x[some] = self._spoil(x[some])
        return x.contiguous(memory_format=torch.channels_last)

    def _spoil(self, x: Tensor) -> Tensor:
        """Shifts all; makes a third soft, a third coarse; changes light and adds noise."""
        x = self._shift(x)
        third = len(x) // 3
        small = F.avg_pool2d(x[third : 2 * third], 2)
        coarse = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
        soft = _blurred(_blurred(x[:third]))
        x = torch.cat([self._mix(x[:third], soft), self._mix(x[third : 2 * third], coarse), x[2 * third :]])
        contrast = 1 + self._uniform(x, -0.12, 0.12)
        light = self._uniform(x, -0.08, 0.08, channels=3)
        return (x * contrast + light + self._noise(x)).clamp(-1, 1)

    def _noise(self, x: Tensor) -> Tensor:
        """Returns grains, blotches or a weave for each picture, as the nets that draw leave behind; many stay clean."""
        order = self.rng.permutation(len(x))
        grains, blotches, woven = (len(part) for part in np.array_split(order, 3))
        parts = [
            self._normal(grains, 64, 64) * 0.1,
            F.interpolate(self._normal(blotches, 24, 24) * 0.13, size=64, mode="bilinear", align_corners=False),
            (self._normal(woven, 64, 1) + self._normal(woven, 1, 64)) * 0.07,
        ]
        noise = torch.cat(parts)[torch.from_numpy(order)]
        return noise * self._uniform(x, -0.6, 1).clamp(min=0)

    def _normal(self, n: int, height: int, width: int) -> Tensor:
        return torch.from_numpy(self.rng.normal(0, 1, (n, 3, height, width)).astype(np.float32))

    def _shift(self, x: Tensor) -> Tensor:
        across, down = self.rng.integers(0, 5, size=2).tolist()
        return F.pad(x, (2, 2, 2, 2), mode="replicate")[:, :, down : down + 64, across : across + 64]

    def _mix(self, x: Tensor, other: Tensor) -> Tensor:
        return x.lerp(other, self._uniform(x, 0, 1))

    def _uniform(self, x: Tensor, low: float, high: float, channels: int = 1) -> Tensor:
        return torch.from_numpy(self.rng.uniform(low, high, (len(x), channels, 1, 1)).astype(np.float32))


def _blurred(x: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def recoloured(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Returns pictures [n, 3, h, w] in [-1, 1] whose channels changed places, and in a third of them also sign.

    Args:
        x: the pictures.
        rng: draws how each of them is changed.
    """
    n = len(x)
    order = np.stack([ORDERS[i] for i in rng.integers(1, len(ORDERS), size=n)])
    sign = np.where(rng.random((n, 3)) < 0.5, -1.0, 1.0)
    sign[rng.random(n) > 1 / 3] = 1.0
    changed = torch.take_along_dim(x, torch.from_numpy(order)[:, :, None, None], dim=1)
    return changed * torch.from_numpy(sign.astype(np.float32))[:, :, None, None]


# --- on the way -----------------------------------------------------------------------------------------------------


@torch.no_grad()
def check(recipe: Recipe, net: SceneReaderNet, name: str) -> None:
    """Prints, and notes in `checks.txt`, the share of right answers about things in held-out pictures of each level."""
    was = net.training
    net.eval()
    for level in ("easy", "medium", "hard"):
        scenes = [world.sample(level, i, split="test") for i in range(CHECKED)]
        x = torch.from_numpy(data.to_unit(render_array(scenes, list(range(CHECKED))))).to(recipe.device)
        logits, _ = net(x.contiguous(memory_format=torch.channels_last))
        facts = torch.from_numpy(np.stack([data.cell_targets(scene) for scene in scenes]))
        answers = [part.argmax(-1).cpu() for part in logits.split(list(data.CELL_FACTS.values()), dim=-1)]
        there = facts[..., 0] > 0
        right = {k: float((answers[i] == facts[..., i])[there].float().mean()) for i, k in enumerate(data.CELL_FACTS)}
        empty = float((answers[0] == 0)[~there].float().mean())
        line = f"{name} {level}: " + ", ".join(f"{k} {v:.3f}" for k, v in right.items()) + f", empty {empty:.3f}"
        print(line, flush=True)
        with (recipe.folder / "checks.txt").open("a") as file:
            file.write(line + "\n")
    net.train(was)
