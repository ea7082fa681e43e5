"""Recipe of `pocket/mplug-owl`, in four stages: look, read, see, follow. Needs `blip` and `language-model`.

The vision encoder starts as BLIP's, as the paper's starts as CLIP's. The paper's first stage, with the language model
frozen (Ye et al. 2023, section 3.2), is done in three steps, because each makes the next one much cheaper:

1. *Look*: the abstractor alone learns from squares that the encoder has seen once. Each of its queries has one fact to
   find, and a small head that asks for it; the heads are no part of the paper and are thrown away. Then the projection
   to the language model starts as the best linear guess at the words of these facts, in the order of a sentence.
2. *Read*: abstractor and projection learn by the language model's own loss on its answers about the picture.
3. *See*: the same, and the vision encoder learns too, from fresh pictures. Most batches are only examined by the heads,
   which costs a fifth of asking the language model, and some of their pictures are grey.

The second stage is one step:

4. *Follow*: everything is frozen but low-rank adapters on the language model, which learn to follow instructions about
   pictures (detailed, short, in Chinese, questions) and, in every fourth batch, about texts, as in the paper.

The first stage needs no language model yet: without one the recipe stops after it, and goes on when it is there.

    telephone learn mplug-owl --minutes 106
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from telephone.nets.blip import BlipImageEncoder
from telephone.nets.checkpoint import save_weights
from telephone.nets.language_model import LanguageModelConfig
from telephone.nets.layers import channels_last
from telephone.nets.mplug_owl import AbstractorConfig, MplugOwl, MplugOwlConfig, Owl, VisualAbstractor
from telephone.train.blip import BlipBatches, without_colours
from telephone.train.common import data, feature_cache, visual_words
from telephone.train.common.exchanges import ALL
from telephone.train.common.instruction_data import Lessons, lesson_loss, show
from telephone.train.common.recipe import Recipe, Stage
from telephone.train.stable_diffusion import facts_loss

MINUTES = 106.0
SHARES = {"look": 0.06, "read": 0.12, "see": 0.59, "follow": 0.23}
BATCH = 32
FACTS = 0.1
"""Weight of the heads' loss beside the language model's."""
TOLD_EVERY = 4
"""While it learns to see, the language model is asked about one batch in so many."""
FRESH = 0.6
"""Pictures rendered for the last two stages, as a share of those whose squares are kept."""
DESCRIBING = ("detailed", "sentence")
"""What is asked in the first stage, where pictures come with their descriptions."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file.

    Raises:
        WeightsError: the recipes that come first have not been run; says which.
    """
    recipe.start()
    encoder = feature_cache.blip_encoder(recipe)
    seen = feature_cache.squares(recipe, encoder, f"sight {recipe.seed}", recipe.pictures)
    seeing = channels_last(Seeing(encoder)).to(recipe.device)
    learn_to_look(recipe, seeing, seen)
    owl = hatch(recipe, seeing)
    start_projection(seeing, seen, owl)
    learn_to_read(recipe, seeing, seen, owl)
    pictures = data.paint(f"owl {recipe.seed}", max(BATCH, int(FRESH * recipe.pictures)))
    learn_to_see(recipe, seeing, pictures, owl)
    learn_to_follow(recipe, pictures, owl)
    about = {
        "player": "pocket/mplug-owl",
        "seed": recipe.seed,
        "minutes": recipe.minutes,
        "reads": feature_cache.marks(recipe, "language-model"),
    }
    save_weights(recipe.weights, owl.net, owl.net.config, about, bits=8)
    return recipe.weights


class Seeing(nn.Module):
    """Vision encoder and abstractor with the heads that examine what the queries have gathered."""

    def __init__(self, encoder: BlipImageEncoder, language_width: int = LanguageModelConfig.width) -> None:
        """Builds the abstractor with fresh weights; one query a fact."""
        super().__init__()
        width, squares = encoder.config.width, len(encoder.position)
        config = AbstractorConfig(queries=visual_words.QUERIES)
        self.encoder = encoder.requires_grad_(requires_grad=True)
        self.abstractor = VisualAbstractor(config, width, squares, language_width)
        self.heads = visual_words.FactHeads(width)

    def without_encoder(self) -> nn.Module:
        """Returns the parts that learn from squares."""
        return nn.ModuleDict({"abstractor": self.abstractor, "heads": self.heads})

    def facts_loss(self, gathered: Tensor, truth: tuple[Tensor, Tensor], rows: np.ndarray) -> tuple[Tensor, float]:
        """Returns the heads' loss, and the share of scenes with every fact right."""
        cells, whole = (part[torch.from_numpy(rows)].to(gathered.device) for part in truth)
        return facts_loss(self.heads(gathered), cells, whole)


def hatch(recipe: Recipe, seeing: Seeing) -> Owl:
    """Returns encoder and abstractor with the frozen language model and its words.

    Raises:
        WeightsError: the recipe `language-model` has not been run.
    """
    model, tokenizer = feature_cache.language_model(recipe)
    config = MplugOwlConfig(seeing.encoder.config, seeing.abstractor.config, language_width=model.config.width)
    net = MplugOwl(config, model).to(recipe.device)
    net.image_encoder, net.abstractor = seeing.encoder, seeing.abstractor
    return Owl(net, model, tokenizer)


# --- the first stage: the language model is frozen ------------------------------------------------------------------


def learn_to_look(recipe: Recipe, seeing: Seeing, seen: feature_cache.Seen) -> None:
    """Trains the abstractor on squares and facts."""
    stage = Stage(recipe, "look", SHARES["look"] * recipe.minutes, seeing.without_encoder(), rate=1e-3)
    truth = visual_words.targets(seen.scenes)
    rng = np.random.default_rng(recipe.seed + stage.step)
    for _ in stage:
        rows = rng.integers(len(seen.scenes), size=BATCH)
        gathered = seeing.abstractor.gather(seen.batch(rows).to(recipe.device))
        loss, right = seeing.facts_loss(gathered, truth, rows)
        stage.update(loss, right=right)
    stage.finish()


@torch.no_grad()
def start_projection(seeing: Seeing, seen: feature_cache.Seen, owl: Owl, count: int = 2048) -> None:
    """Sets the projection to the best linear guess from what the queries gather to the words of their facts."""
    device, projection = owl.language_model.token.weight.device, seeing.abstractor.projection
    rows = np.arange(min(count, len(seen.scenes)))
    parts = [rows[start : start + 128] for start in range(0, len(rows), 128)]
    gathered = torch.cat([seeing.abstractor.gather(seen.batch(part).to(device)).cpu() for part in parts])
    words = visual_words.vectors(seen.scenes[: len(rows)], owl.language_model, owl.tokenizer)
    weight, bias = visual_words.best_linear(gathered.flatten(0, 1), words.flatten(0, 1))
    projection.weight.copy_(weight)
    projection.bias.copy_(bias)


def learn_to_read(recipe: Recipe, seeing: Seeing, seen: feature_cache.Seen, owl: Owl) -> None:
    """Trains abstractor and projection on what the language model says of the squares."""
    stage = Stage(recipe, "read", SHARES["read"] * recipe.minutes, seeing.without_encoder(), rate=6e-4)
    truth = visual_words.targets(seen.scenes)
    lessons = Lessons(seen.scenes, owl.tokenizer, np.random.default_rng(recipe.seed + 1 + stage.step), DESCRIBING)
    for step, lesson in zip(stage, lessons, strict=False):
        gathered = seeing.abstractor.gather(seen.batch(lesson.rows).to(recipe.device))
        facts, right = seeing.facts_loss(gathered, truth, lesson.rows)
        told = lesson_loss(owl, lesson, seeing.abstractor.projection(gathered))
        stage.update(told + FACTS * facts, told=told.item(), right=right)
        if step % 250 == 0:
            show(recipe, owl, f"read-{step}")
    stage.finish()
    show(recipe, owl, "read-last")


def learn_to_see(recipe: Recipe, seeing: Seeing, pictures: data.PictureBatch, owl: Owl) -> None:
    """Trains vision encoder and abstractor together."""
    stage = Stage(recipe, "see", SHARES["see"] * recipe.minutes, seeing, rate=3e-4)
    truth = visual_words.targets(pictures.scenes)
    batches = BlipBatches(pictures, np.random.default_rng(recipe.seed + 2 + stage.step))
    lessons = iter(Lessons(pictures.scenes, owl.tokenizer, batches.rng, DESCRIBING))
    for step in stage:
        if step % TOLD_EVERY:
            rows = batches.rows()
            cells, whole = (part[torch.from_numpy(rows)] for part in truth)
            x, cells, whole = without_colours(batches.pixels(rows), cells, whole)
            gathered = seeing.abstractor.gather(seeing.encoder(x.to(recipe.device)))
            facts, right = facts_loss(seeing.heads(gathered), cells.to(recipe.device), whole.to(recipe.device))
            stage.update(FACTS * facts, facts=facts.item(), right=right)
            continue
        lesson = next(lessons)
        gathered = seeing.abstractor.gather(seeing.encoder(batches.pixels(lesson.rows).to(recipe.device)))
        facts, right = seeing.facts_loss(gathered, truth, lesson.rows)
        told = lesson_loss(owl, lesson, seeing.abstractor.projection(gathered))
        stage.update(told + FACTS * facts, told=told.item(), facts=facts.item(), right=right)
        if step % 1000 == 0:
            show(recipe, owl, f"see-{step}")
    stage.finish()
    show(recipe, owl, "see-last")


# --- the second stage: adapters on the language model ---------------------------------------------------------------


def learn_to_follow(recipe: Recipe, pictures: data.PictureBatch, owl: Owl) -> None:
    """Trains the adapters on instructions about pictures and, in every fourth batch, about texts."""
    owl.net.adapters.attach(owl.language_model)
    stage = Stage(recipe, "follow", SHARES["follow"] * recipe.minutes, owl.net.adapters, rate=2e-3)
    rng = np.random.default_rng(recipe.seed + 3 + stage.step)
    seen = tokens_of(recipe, pictures, owl)
    lessons = iter(Lessons(pictures.scenes, owl.tokenizer, rng, ALL))
    texts = iter(Lessons(pictures.scenes, owl.tokenizer, rng, ALL, texts=True))
    for step in stage:
        if step % 4 == 3:
            loss = lesson_loss(owl, next(texts), None)
        else:
            lesson = next(lessons)
            loss = lesson_loss(owl, lesson, seen[torch.from_numpy(lesson.rows)].float().to(recipe.device))
        stage.update(loss)
        if step % 500 == 0:
            show(recipe, owl, f"follow-{step}")
    stage.finish()
    show(recipe, owl, "follow-last")


@torch.no_grad()
def tokens_of(recipe: Recipe, pictures: data.PictureBatch, owl: Owl) -> Tensor:
    """Returns the tokens [n, t, width] that stand for the pictures, in half precision; every second one is spoilt."""
    owl.net.eval()
    batches = BlipBatches(pictures, np.random.default_rng(recipe.seed))
    rows = np.arange(len(pictures.scenes))
    parts = [rows[start : start + 128] for start in range(0, len(rows), 128)]
    return torch.cat([owl.net.look(batches.pixels(part).to(recipe.device)).half().cpu() for part in parts])
