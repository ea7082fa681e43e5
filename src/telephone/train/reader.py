"""Recipe of `oracle/reader`, the instrument that measures generated images, in one stage: images and their facts.

The difficult cases are kinds in colours that were held out, and images that are not as clean as renders. So

- half of the images get permuted channels, and some channels are inverted: the kind must be read from the shape. Facts
  that such an image does not show truly (colours, setting, time, weather, style) are left out of the loss;
- two thirds of all images are degraded: shifted by a pixel or two, blurred, coarsened as by an autoencoder, brighter or
  darker, noisy.

    telephone learn reader --pictures 80000
"""

from pathlib import Path

import torch
from torch import Tensor

from telephone.nets.checkpoint import save_weights
from telephone.nets.layers import channels_last
from telephone.nets.reader import ReaderConfig, SceneReaderNet
from telephone.train.common import data
from telephone.train.common.augmentation import ReaderAugmentation
from telephone.train.common.evaluation import LEVELS, evaluating, held_out_images
from telephone.train.common.heads import FactTargets
from telephone.train.common.losses import UNDEFINED, fact_losses
from telephone.train.common.recipe import Recipe, StagePlan
from telephone.train.common.stage import Stage
from telephone.world.facts import CELL_FACTS, SCENE_FACTS

STAGES = {"reader": StagePlan(5_760, 75)}
BATCH = 32
"""Images a step."""
WEIGHTS = {"kind": 2.0, "colour": 1.0, "size": 0.7, "count": 1.5} | dict.fromkeys(SCENE_FACTS, 0.3)
"""Weights of the facts in the loss."""
CHECKED = 200
"""Held-out images a level in an evaluation."""


def main(recipe: Recipe) -> Path:
    """Trains the reader from where it was stopped and writes the weight file."""
    device = recipe.start()
    answers = tuple(CELL_FACTS.values()), tuple(SCENE_FACTS.values())
    config = ReaderConfig(cell_answers=answers[0], scene_answers=answers[1])
    net = channels_last(SceneReaderNet(config)).to(device)
    learn(recipe, net, data.paint(f"reader {recipe.seed}", recipe.pictures))
    save_weights(recipe.weights, net, config, recipe.about("oracle/reader"))
    return recipe.weights


def learn(recipe: Recipe, net: SceneReaderNet, pictures: data.ImageBatch) -> None:
    """Trains the net on images and facts, with an evaluation every 1,000 steps."""
    stage = Stage(recipe, STAGES, "reader", net, rate=1.5e-3)
    targets = FactTargets.of(pictures.scenes)
    colour = list(CELL_FACTS).index("colour")
    for step in stage:
        rng = stage.rng
        rows = rng.integers(len(pictures.scenes), size=BATCH)
        x = ReaderAugmentation(rng)(pictures.pixels[rows])
        cells, whole = targets.rows(rows)
        cells[: BATCH // 2, :, colour] = UNDEFINED
        whole[: BATCH // 2] = UNDEFINED
        loss, parts = reader_loss(net(x.to(recipe.device)), cells.to(recipe.device), whole.to(recipe.device))
        stage.update(loss, **parts)
        if step % 1000 == 999:
            evaluate(recipe, net, f"step {step + 1}")
    stage.finish()
    evaluate(recipe, net, "averaged")


def reader_loss(logits: tuple[Tensor, Tensor], cells: Tensor, whole: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Returns the weighted sum of the facts' cross-entropies, and each fact's own.

    Args:
        logits: of the cells [batch, 6, answers] and of the whole [batch, answers].
        cells: targets of the cells, int64 [batch, 6, 4]; -1 is left out.
        whole: targets of the whole, int64 [batch, 4]; -1 is left out.
    """
    losses = {name: loss for name, _, _, loss in fact_losses(logits, cells, whole)}
    total = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
    return total, {name: float(loss.detach()) for name, loss in losses.items()}


def evaluate(recipe: Recipe, net: SceneReaderNet, name: str) -> None:
    """Prints the share of right answers about things in held-out images, and appends it to `checks.txt`."""
    with evaluating(net):
        for level in LEVELS:
            scenes, x = held_out_images(recipe, level, CHECKED)
            logits, _ = net(x)
            cells = FactTargets.of(scenes).cells
            answers = [part.argmax(-1).cpu() for part in logits.split(list(CELL_FACTS.values()), dim=-1)]
            things = cells[..., 0] > 0
            right = {k: float((answers[i] == cells[..., i])[things].float().mean()) for i, k in enumerate(CELL_FACTS)}
            empty = float((answers[0] == 0)[~things].float().mean())
            line = f"{name} {level}: " + ", ".join(f"{k} {v:.3f}" for k, v in right.items()) + f", empty {empty:.3f}"
            print(line, flush=True)
            with (recipe.folder / "checks.txt").open("a") as file:
                file.write(line + "\n")
