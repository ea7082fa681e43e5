"""Recipe of `pocket/blip`, in two stages: look, describe.

1. The image encoder learns to look: from its vectors, small heads must tell what stands in each cell of the picture
   and what the whole scene is like. The heads are thrown away. This stands in for the ImageNet pre-training that BLIP's
   image encoder starts from (Li et al. 2022, section 4.1).
2. The whole model learns to compare, match and describe by the sum of the three losses (section 3.2). A description
   tells what can be seen, from left to right, in the `plain` wording: one sentence, short as BLIP's are.

Pictures are slightly spoilt now and then (noise, blur, brightness), because in a game
a describer sees drawings, not renders.

    telephone learn blip --minutes 62
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from telephone import world
from telephone.nets.blip import Blip, BlipConfig, BlipImageEncoder, BlipTextConfig
from telephone.nets.checkpoint import save_weights
from telephone.nets.generation import Decoding
from telephone.nets.layers import TransformerBlock, channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.evaluation import LEVELS, held_out, mark, write_samples
from telephone.train.common.recipe import Recipe, Stage, keep
from telephone.train.common.visual_words import targets
from telephone.train.stable_diffusion import facts_loss

MINUTES = 62.0
SHARES = {"vision": 0.3, "blip": 0.7}
WORDING = "plain"
GREY = 8
"""One picture in so many is made grey by `without_colours`."""
UNASKED = -100
"""What PyTorch's cross-entropy leaves out."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", learn_words))
    config = BlipConfig(text=BlipTextConfig(words=tokenizer.words[4:]))
    net = channels_last(Blip(config)).to(device)
    pictures = data.paint(f"describe {recipe.seed}", recipe.pictures)
    learn_to_look(recipe, net.image_encoder, pictures)
    learn_to_describe(recipe, net, tokenizer, pictures)
    about = {"player": "pocket/blip", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, net, config, about)
    return recipe.weights


def learn_words() -> tuple[str, ...]:
    """Returns every word of the descriptions, in alphabetical order."""
    scenes = (data.telling(data.train_scene("words", i)) for i in range(8000))
    return WordTokenizer.learn(world.caption(scene, "en", WORDING) for scene in scenes).words[4:]


@dataclass
class BlipBatches:
    """Draws random batches of spoilt pictures."""

    pictures: data.PictureBatch
    rng: np.random.Generator
    size: int = 32

    def rows(self) -> np.ndarray:
        """Returns indices of a batch."""
        return self.rng.integers(len(self.pictures.pixels), size=self.size)

    def pixels(self, rows: np.ndarray) -> Tensor:
        """Returns pictures [batch, 3, 64, 64] in [-1, 1]; every second one as it is, the others spoilt."""
        x = torch.from_numpy(data.to_unit(self.pictures.pixels[rows])).contiguous(memory_format=torch.channels_last)
        half = len(x) // 2
        x[:half] = self._spoil(x[:half])
        return x

    def _spoil(self, x: Tensor) -> Tensor:
        rng = self.rng
        quarter = len(x) // 2
        soft = F.avg_pool2d(F.pad(x[:quarter], (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        share = torch.from_numpy(rng.uniform(0, 0.8, (quarter, 1, 1, 1)).astype(np.float32))
        x = torch.cat([x[:quarter].lerp(soft, share), x[quarter:]])
        light = torch.from_numpy(rng.uniform(-0.1, 0.1, (len(x), 3, 1, 1)).astype(np.float32))
        noise = torch.from_numpy(rng.normal(0, 1, x.shape).astype(np.float32))
        strength = torch.from_numpy(rng.uniform(0, 0.12, (len(x), 1, 1, 1)).astype(np.float32))
        return (x + light + noise * strength).clamp(-1, 1)


def without_colours(x: Tensor, cells: Tensor, whole: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Makes one picture in `GREY` grey, and leaves out what is asked of its colours and of the whole.

    What a thing is must not hang on its colour: a net that has never seen two together takes the one as a sign against
    the other, unless it has to do without colours now and then.

    Args:
        x: pictures [batch, 3, h, w], which are changed.
        cells: the facts of the cells [batch, 6, 4], which are not.
        whole: the facts of the whole [batch, 4], which are not.
    """
    grey, cells, whole = slice(None, None, GREY), cells.clone(), whole.clone()
    x[grey] = x[grey].mean(dim=1, keepdim=True)
    cells[grey, :, list(data.CELL_FACTS).index("colour")] = -1
    whole[grey] = UNASKED
    return x, cells, whole


# --- 1. look --------------------------------------------------------------------------------------------------------


class Looking(nn.Module):
    """The image encoder with the heads that examine it: seven queries gather its vectors, one a cell, one for all."""

    def __init__(self, encoder: BlipImageEncoder) -> None:
        """Builds queries and heads."""
        super().__init__()
        width = encoder.config.width
        self.encoder = encoder
        self.queries = nn.Parameter(torch.randn(7, width) * 0.2)
        self.gather = TransformerBlock(width, encoder.config.heads, width, expand=2)
        self.cells = nn.Linear(width, sum(data.CELL_FACTS.values()))
        self.whole = nn.Linear(width, sum(data.SCENE_FACTS.values()))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        seen = self.gather(self.queries.expand(len(x), -1, -1), self.encoder(x))
        return self.cells(seen[:, :-1]), self.whole(seen[:, -1])


def learn_to_look(recipe: Recipe, encoder: BlipImageEncoder, pictures: data.PictureBatch) -> None:
    """Trains the image encoder on pictures and facts."""
    looking = channels_last(Looking(encoder)).to(recipe.device)
    stage = Stage(recipe, "vision", SHARES["vision"] * recipe.minutes, looking, rate=8e-4)
    facts, whole = (part.to(recipe.device) for part in targets(pictures.scenes))
    batches = BlipBatches(pictures, np.random.default_rng(recipe.seed + stage.step))
    for _ in stage:
        rows = batches.rows()
        loss, right = facts_loss(looking(batches.pixels(rows).to(recipe.device)), facts[rows], whole[rows])
        stage.update(loss, right=right)
    stage.finish()


# --- 2. describe ----------------------------------------------------------------------------------------------------


def learn_to_describe(recipe: Recipe, net: Blip, tokenizer: WordTokenizer, pictures: data.PictureBatch) -> None:
    """Trains everything on ITC + ITM + LM; matching, the costliest, on a quarter of each batch."""
    net.train()
    stage = Stage(recipe, "blip", SHARES["blip"] * recipe.minutes, net, rate=7e-4)
    texts = [world.caption(data.telling(scene), "en", WORDING) for scene in pictures.scenes]
    limit = net.config.text.max_tokens
    rng = np.random.default_rng(recipe.seed + 1 + stage.step)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    batches = BlipBatches(pictures, rng)
    for step, rows in zip(stage, _alike(batches, texts), strict=False):
        tokens = tokenizer.batch([texts[i] for i in rows], limit).to(recipe.device)
        squares = net.image_encoder(batches.pixels(rows).to(recipe.device))
        itc, similarity = net.itc_loss(squares, tokens)
        some = len(rows) // 4
        itm = net.itm_loss(squares[:some], tokens[:some], similarity[:some, :some], generator)
        lm = net.lm_loss(squares, tokens)
        stage.update(itc * 0.3 + itm * 0.3 + lm, itc=itc.item(), itm=itm.item(), lm=lm.item())
        if step % 500 == 0:
            show(recipe, net, tokenizer, f"blip-{step}")
    stage.finish()
    show(recipe, net, tokenizer, "blip-last")


def _alike(batches: BlipBatches, texts: list[str]) -> Iterator[np.ndarray]:
    """Yields batches of pictures whose descriptions are of like length, which saves padding."""
    while True:
        rows = np.concatenate([batches.rows() for _ in range(8)])
        rows = rows[np.argsort([len(texts[i]) for i in rows], kind="stable")]
        parts = rows.reshape(8, -1)
        for index in batches.rng.permutation(8):
            yield batches.rng.permutation(parts[index])


def show(recipe: Recipe, net: Blip, tokenizer: WordTokenizer, name: str) -> None:
    """Writes descriptions of held-out scenes below the true ones, with the share of facts that are right."""
    was = net.training
    net.eval()
    lines: list[str] = []
    for level in LEVELS:
        scenes, x = held_out(recipe, level, 48)
        tokens = net.describe(x, list(range(48)), Decoding())
        told = [tokenizer.decode(row) for row in tokens.tolist()]
        lines.append(f"# {level}: {mark(scenes, told)}")
        print(f"{name} {lines[-1]}", flush=True)
        lines += [f"{world.caption(s, 'en', WORDING)}\n  -> {t}" for s, t in zip(scenes[:6], told[:6], strict=True)]
    net.train(was)
    write_samples(recipe, name, lines)
