"""Recipe of `pocket/clip-prefix`, in two stages: unfold, speak. Needs `clip` and `language-model`.

CLIP looks at every picture once, before the clock starts; its views are kept.

1. *Unfold*: each vector of the prefix has one question, such as what colour the thing at the top left is, and a small
   head on it must tell the answer from CLIP's view. The heads, thrown away in the end, stand in for the millions
   of captions of the paper; the last layer then starts as the best linear guess at the words of the answers.
2. *Speak*: mapper and language model learn to say it, by the loss on captions alone (Mokady et al. 2021, eq. 2), a
   little of the heads' beside it. One vector does not hold all of a full picture. So a caption tells only what the
   heads are sure of: where there is nothing to be sure of, the words of a net are made up. If they are sure of no
   thing, it tells where and when.

The default is the two-layer net with a tuned language model, the paper's first form; the transformer with a frozen one
is its second. On this CPU the transformer takes thirty times the work a picture and sees too few of them.

    telephone learn clip-prefix --minutes 30 --pictures 64000
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from telephone import world
from telephone.nets.blip_2 import reply, talk_loss
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig
from telephone.nets.clip_prefix import ClipPrefix, ClipPrefixConfig, look
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel
from telephone.nets.tokenizer import ChatTokenizer
from telephone.train.clip_prefix_data import Views, chances_of, sure, views
from telephone.train.common import data, feature_cache
from telephone.train.common.evaluation import LEVELS, beside_truth, held_out, mark, write_samples
from telephone.train.common.exchanges import INSTRUCTIONS
from telephone.train.common.instruction_data import Lessons
from telephone.train.common.recipe import Recipe, Stage, frozen
from telephone.train.common.visual_words import QUERIES, FactHeads, best_linear, vectors

MINUTES = 30.0
SHARES = {"unfold": 0.6, "speak": 0.4}
BATCH = 64
FACTS_WEIGHT = 0.1
"""Of the heads' loss beside the captions'."""
TASK = INSTRUCTIONS["sentence"][0]


@dataclass(frozen=True)
class FrozenParts:
    """What is there before: who sees and who speaks."""

    clip: Clip
    model: LanguageModel
    tokenizer: ChatTokenizer


def main(recipe: Recipe, mapper: str = "mlp") -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file.

    Args:
        recipe: the options.
        mapper: `mlp` with a tuned language model, or `transformer` with a frozen one.
    """
    recipe.start()
    clip: Clip = frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
    there = FrozenParts(clip, *feature_cache.language_model(recipe))
    net = ClipPrefix(config_of(there, mapper))
    if net.language_model is not None:
        net.language_model.load_state_dict(there.model.state_dict())
    learning = Learning(net).to(recipe.device)
    scenes = [data.train_scene(f"sight {recipe.seed}", i) for i in range(recipe.pictures)]
    seen = Views(scenes, whitened(net, views(recipe, clip)))
    learn_to_unfold(recipe, learning, seen, there)
    told = sure_scenes(learning, seen, len(scenes))
    learn_to_speak(recipe, learning, seen, there, told)
    about = {
        "player": "pocket/clip-prefix",
        "seed": recipe.seed,
        "minutes": recipe.minutes,
        "reads": feature_cache.marks(recipe, "clip", "language-model"),
    }
    save_weights(recipe.weights, net, net.config, about, bits=8)
    return recipe.weights


@torch.no_grad()
def whitened(net: ClipPrefix, seen: Tensor) -> Tensor:
    """Returns views as the mapper gets them, after the net has learned from them how to whiten."""
    net.start_whitening(seen)
    return torch.cat([net.whitened(part) for part in seen.split(1000)])


def config_of(there: FrozenParts, mapper: str) -> ClipPrefixConfig:
    """Returns the shape that fits CLIP and the language model."""
    spoken = there.model.config
    tuned = spoken if mapper == "mlp" else None
    view = look(there.clip, torch.zeros(1, 3, 64, 64, device=there.model.token.weight.device)).shape[1]
    width = 96 if mapper == "mlp" else spoken.width
    return ClipPrefixConfig(mapper, QUERIES, view, width, spoken.width, tuned=tuned)


class Learning(nn.Module):
    """The net with the heads that examine its prefix."""

    def __init__(self, net: ClipPrefix) -> None:
        """Builds the heads."""
        super().__init__()
        self.net, self.heads = net, FactHeads(net.config.width)


# --- 1. unfold ------------------------------------------------------------------------------------------------------


def learn_to_unfold(recipe: Recipe, learning: Learning, seen: Views, there: FrozenParts) -> None:
    """Trains the mapper to tell the facts one by one, then sets the last layer to the words for them."""
    learning.train()
    stage = Stage(recipe, "unfold", SHARES["unfold"] * recipe.minutes, learning, rate=1e-3)
    fresh = stage.used < stage.seconds
    rng = np.random.default_rng(recipe.seed + stage.step)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for _ in stage:
        rows = rng.integers(len(seen.scenes), size=2 * BATCH)
        prefix = learning.net.mapper(seen.blurred(rows, generator).to(recipe.device))
        loss, right = seen.facts(learning.heads(prefix), rows)
        stage.update(loss, right=right)
    stage.finish()
    guess_words(learning, seen, there)
    if fresh:
        show(recipe, learning.net, there, "unfold-last")


@torch.no_grad()
def guess_words(learning: Learning, seen: Views, there: FrozenParts, count: int = 4096) -> None:
    """Sets the last layer to the best linear guess at the language model's words for the facts that are sure."""
    net, device = learning.net, there.model.token.weight.device
    found = torch.cat([net.mapper(part.to(device)).cpu() for part in seen.seen[:count].split(128)])
    words = vectors(sure_scenes(learning, seen, len(found)), there.model, there.tokenizer)
    weight, bias = best_linear(found.flatten(0, 1), words.flatten(0, 1))
    net.out.load_state_dict({"weight": weight, "bias": bias})


@torch.no_grad()
def sure_scenes(learning: Learning, seen: Views, count: int) -> list[world.Scene]:
    """Returns the first scenes as somebody tells them who leaves out what the heads are not sure of."""
    was = learning.training
    learning.eval()
    told = []
    device = learning.net.out.weight.device
    for start in range(0, count, 256):
        rows = np.arange(start, min(start + 256, count))
        cells, whole = learning.heads(learning.net.mapper(seen.seen[rows].to(device)))
        told += [
            sure(seen.scenes[row], chances_of(one, data.CELL_FACTS), chances_of(all_, data.SCENE_FACTS))
            for row, one, all_ in zip(rows, cells.cpu(), whole.cpu(), strict=True)
        ]
    learning.train(was)
    return told


# --- 2. speak -------------------------------------------------------------------------------------------------------


def learn_to_speak(
    recipe: Recipe, learning: Learning, seen: Views, there: FrozenParts, sure_of: list[world.Scene]
) -> None:
    """Trains mapper and last layer (and a tuned language model) on captions of one sentence."""
    learning.train()
    stage = Stage(recipe, "speak", SHARES["speak"] * recipe.minutes, learning, rate=5e-4)
    rng = np.random.default_rng(recipe.seed + 1 + stage.step)
    model = learning.net.language_model or there.model
    lessons = Lessons(sure_of, there.tokenizer, rng, ("sentence",), BATCH)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step, lesson in zip(stage, lessons, strict=False):
        prefix = learning.net.mapper(seen.blurred(lesson.rows, generator).to(recipe.device))
        said = learning.net.out(prefix)
        told = talk_loss(model, said, lesson.tokens.to(recipe.device), lesson.answers.to(recipe.device))
        facts, right = seen.facts(learning.heads(prefix), lesson.rows)
        stage.update(told + FACTS_WEIGHT * facts, told=told.item(), right=right)
        if step % 250 == 249:
            show(recipe, learning.net, there, f"speak-{step + 1}")
    stage.finish()
    show(recipe, learning.net, there, "speak-last")


@torch.no_grad()
def show(recipe: Recipe, net: ClipPrefix, there: FrozenParts, name: str, count: int = 48) -> None:
    """Writes captions of held-out scenes below the true ones, with the share of facts that are right."""
    was = net.training
    net.eval()
    model = net.language_model or there.model
    lines: list[str] = []
    for level in LEVELS:
        scenes, x = held_out(recipe, level, count)
        prefix = net(look(there.clip, x.contiguous(memory_format=torch.channels_last)))
        told = reply(model, there.tokenizer, prefix, [TASK] * count, [0] * count, Decoding(limit=90))
        lines.append(f"# {level}: {mark(scenes, told)}")
        print(f"{name} {lines[-1]}", flush=True)
        lines += beside_truth(scenes, told)
    net.train(was)
    write_samples(recipe, name, lines)
