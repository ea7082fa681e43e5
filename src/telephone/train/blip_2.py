"""Recipe of `pocket/blip-2` (Li et al. 2023, arXiv 2301.12597), in four stages. Needs `blip` and `language-model`.

The image encoder is BLIP's and stays frozen; its features are computed once (`common/feature_cache.py`).

1. `queries` replaces the BERT weights that the paper starts from: each query learns one fact, such as the colour of the
   thing at the top left, which a linear head predicts from it. The heads remain a part of the loss in later stages.
2. `represent`: image-text contrast, matching and image-grounded generation (section 3.2) on captions in every English
   wording.
3. `generate`: the Q-Former and one linear layer learn from the loss of the frozen language model (section 3.3). Half of
   the captions are short, of the most salient thing or two, like captions of the web; half are long, because MiniGPT-4
   reuses this Q-Former. The layer starts as the ridge regression from queries to embeddings of visual words.
4. `refine`: the same, but the heads see four times as many images as the language model, and the kinds of things weigh
   most: they are the hardest facts, and heads cost little.

    telephone learn blip-2 --pictures 24000
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from telephone import world
from telephone.nets.blip import BlipImageEncoder
from telephone.nets.blip_2 import Blip2, Blip2Config, answer_instructions, answer_loss
from telephone.nets.checkpoint import save_weights
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel
from telephone.nets.qformer import QFormer, QFormerConfig
from telephone.nets.tokenizer import ChatTokenizer, WordTokenizer
from telephone.train.common import data, feature_cache
from telephone.train.common.evaluation import evaluate_captions, evaluating
from telephone.train.common.feature_cache import ImageFeatures
from telephone.train.common.heads import QUERIES, FactHeads, FactTargets
from telephone.train.common.instruction_data import instruction_batches
from telephone.train.common.instructions import INSTRUCTIONS
from telephone.train.common.linear import ridge_regression, set_linear
from telephone.train.common.losses import kinds_loss
from telephone.train.common.recipe import Recipe, StagePlan, keep
from telephone.train.common.stage import Stage, length_sorted
from telephone.train.common.visual_words import word_embeddings

STAGES = {
    "queries": StagePlan(660, 9),
    "represent": StagePlan(880, 18),
    "generate": StagePlan(920, 17),
    "refine": StagePlan(1_800, 34),
}
BATCH = 32
"""Images a step."""
RATES = {"generate": 6e-4, "refine": 8e-4}
SIZES = {"generate": (BATCH, 0), "refine": (BATCH // 2, 3 * BATCH // 2)}
"""Images a step that the language model is trained on, and further images for the heads alone."""
KINDS = ("detailed", "sentence", "short")
FACTS_WEIGHT = 0.3
"""Weight of the heads' loss beside the losses of the paper."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    encoder = feature_cache.blip_encoder(recipe)
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", learn_words))
    config = QFormerConfig(words=tokenizer.words[4:], queries=QUERIES, image_width=encoder.config.width)
    net = QFormerWithHeads(QFormer(config)).to(device)
    images = feature_cache.blip_features(recipe, encoder, feature_cache.image_set(recipe), recipe.pictures)
    pretrain_queries(recipe, net, images)
    represent(recipe, net, tokenizer, images, encoder)
    reader = FrozenReader(*feature_cache.language_model(recipe), encoder)
    speaker = with_projection(net, images, reader.model, reader.tokenizer)
    for name in ("generate", "refine"):
        generate(recipe, name, speaker, images, reader)
    about = recipe.about("pocket/blip-2", "blip", "language-model")
    save_weights(recipe.weights, speaker.net, speaker.net.config, about, bits=8)
    return recipe.weights


def learn_words(scenes: int = 10_000) -> tuple[str, ...]:
    """Returns every word of the English captions, in alphabetical order."""
    rng = np.random.default_rng(0)
    return WordTokenizer.learn(visible_caption(data.train_scene("words", i), rng) for i in range(scenes)).words[4:]


def visible_caption(scene: world.Scene, rng: np.random.Generator) -> str:
    """Returns a caption of what is visible, in one of the English wordings."""
    wordings = world.WORDINGS["en"]
    return world.caption(data.visible(scene), "en", wordings[rng.integers(len(wordings))])


# --- 1. queries -----------------------------------------------------------------------------------------------------


class QFormerWithHeads(nn.Module):
    """The Q-Former with the fact heads on its queries."""

    def __init__(self, qformer: QFormer) -> None:
        """Adds fresh heads."""
        super().__init__()
        self.qformer = qformer
        self.heads = FactHeads(qformer.config.width)


def pretrain_queries(recipe: Recipe, net: QFormerWithHeads, images: ImageFeatures) -> None:
    """Trains the queries to find the facts."""
    stage = Stage(recipe, STAGES, "queries", net, rate=1e-3)
    targets = FactTargets.of(images.scenes, recipe.device)
    for _ in stage:
        rows = stage.rng.integers(len(images.scenes), size=2 * BATCH)
        queries, _ = net.qformer(images.batch(rows).to(recipe.device))
        loss, right = targets.loss(net.heads(queries), rows)
        stage.update(loss, right=right)
    stage.finish()


# --- 2. represent ---------------------------------------------------------------------------------------------------


def represent(
    recipe: Recipe, net: QFormerWithHeads, tokenizer: WordTokenizer, images: ImageFeatures, encoder: BlipImageEncoder
) -> None:
    """Trains the Q-Former on ITG + 0.3 ITC + 0.3 ITM, the last on a quarter of each batch, and on the heads' loss."""
    qformer = net.train().qformer
    stage = Stage(recipe, STAGES, "represent", net, rate=7e-4)
    targets = FactTargets.of(images.scenes, recipe.device)
    batches = length_sorted(stage, lambda *given: captioned(images.scenes, *given), lambda one: len(one[1]), BATCH)
    for step, pairs in zip(stage, batches, strict=False):
        rows = np.array([row for row, _ in pairs])
        tokens = tokenizer.batch([text for _, text in pairs], qformer.config.max_tokens).to(recipe.device)
        patches = images.batch(rows).to(recipe.device)
        queries, pasts = qformer(patches)
        itg = qformer.itg_loss(pasts, tokens)
        itc, similarity = qformer.itc_loss(queries, tokens)
        some = len(rows) // 4
        itm = qformer.itm_loss(patches[:some], tokens[:some], similarity[:some, :some], stage.generator)
        facts, right = targets.loss(net.heads(queries), rows)
        loss = itg + 0.3 * itc + 0.3 * itm + FACTS_WEIGHT * facts
        stage.update(loss, itg=itg.item(), itc=itc.item(), itm=itm.item(), right=right)
        if step % 1000 == 0:
            evaluate(recipe, qformer, tokenizer, encoder, f"represent-{step}")
    stage.finish()
    evaluate(recipe, qformer, tokenizer, encoder, "represent-last")


def captioned(scenes: list[world.Scene], rng: np.random.Generator, count: int) -> list[tuple[int, str]]:
    """Returns random rows, each with a caption of its scene."""
    return [(row, visible_caption(scenes[row], rng)) for row in rng.integers(len(scenes), size=count).tolist()]


def evaluate(recipe: Recipe, qformer: QFormer, tokenizer: WordTokenizer, encoder: BlipImageEncoder, name: str) -> None:
    """Writes captions of held-out images by the Q-Former alone, with the number of facts that are kept."""

    def caption(x: Tensor) -> list[str]:
        tokens = qformer.caption(encoder(x), [0] * len(x), Decoding())
        return [tokenizer.decode(row) for row in tokens.tolist()]

    with evaluating(qformer):
        evaluate_captions(recipe, name, caption)


# --- 3. generate, 4. refine -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FrozenReader:
    """The frozen language model that reads the queries, its tokenizer, and the frozen image encoder."""

    model: LanguageModel
    tokenizer: ChatTokenizer
    encoder: BlipImageEncoder


class Blip2WithHeads(nn.Module):
    """BLIP-2's trained parts with the fact heads on its queries."""

    def __init__(self, net: Blip2, heads: FactHeads) -> None:
        """Puts them together."""
        super().__init__()
        self.net, self.heads = net, heads


@torch.no_grad()
def with_projection(
    net: QFormerWithHeads, images: ImageFeatures, model: LanguageModel, tokenizer: ChatTokenizer, count: int = 2048
) -> Blip2WithHeads:
    """Returns BLIP-2 with a trained Q-Former and a linear layer fitted to the embeddings of the visual words.

    Args:
        net: the trained Q-Former with its heads.
        images: features of the training images.
        model: the language model.
        tokenizer: of the language model.
        count: images that the linear layer is fitted to.
    """
    bare = net.qformer.without_words()
    blip_2 = Blip2(Blip2Config(bare.config, model.config.width))
    blip_2.qformer.load_state_dict(bare.state_dict())
    rows, device = np.arange(min(count, len(images.scenes))), model.token.weight.device
    bare.to(device)
    chunks = np.array_split(rows, max(1, len(rows) // 128))
    queries = torch.cat([bare(images.batch(part).to(device))[0].cpu() for part in chunks])
    words = word_embeddings(images.scenes[: len(rows)], model, tokenizer)
    set_linear(blip_2.projection, *ridge_regression(queries.flatten(0, 1), words.flatten(0, 1)))
    return Blip2WithHeads(blip_2, net.heads).to(device)


def generate(recipe: Recipe, name: str, speaker: Blip2WithHeads, images: ImageFeatures, reader: FrozenReader) -> None:
    """Trains Q-Former and projection on the frozen language model's loss and the heads' losses.

    Args:
        recipe: options.
        name: of the stage, `generate` or `refine`.
        speaker: what is trained.
        images: features of the training images.
        reader: what is frozen.
    """
    stage = Stage(recipe, STAGES, name, speaker.train(), RATES[name])
    targets = FactTargets.of(images.scenes, recipe.device)
    batches = instruction_batches(stage, images.scenes, reader.tokenizer, KINDS, SIZES[name][0])
    for step, batch in zip(stage, batches, strict=False):
        rows = np.concatenate([batch.rows, stage.rng.integers(len(images.scenes), size=SIZES[name][1])])
        queries, _ = speaker.net.qformer(images.batch(rows).to(recipe.device))
        prompts = speaker.net.projection(queries[: len(batch.rows)])
        text = answer_loss(reader.model, prompts, batch.tokens.to(recipe.device), batch.answers.to(recipe.device))
        logits = speaker.heads(queries)
        facts, right = targets.loss(logits, rows)
        kinds = kinds_loss(logits[0], targets.cells[rows])
        stage.update(text + 0.2 * facts + 0.5 * kinds, text=text.item(), kinds=kinds.item(), right=right)
        if step % 1000 == 0:
            evaluate_reader(recipe, speaker.net, reader, f"{name}-{step}")
    stage.finish()
    evaluate_reader(recipe, speaker.net, reader, f"{name}-last")


def evaluate_reader(recipe: Recipe, prompts: Callable[[Tensor], Tensor], reader: FrozenReader, name: str) -> None:
    """Writes answers of the language model about held-out images: detailed ones, and short ones in another file.

    Args:
        recipe: says where to write.
        prompts: patch features [n, 64, width] to soft visual prompts [n, queries, language width].
        reader: the language model and the image encoder.
        name: beginning of both files' names.
    """
    for kind in ("detailed", "short"):

        def caption(x: Tensor, task: str = INSTRUCTIONS[kind][0]) -> list[str]:
            tasks, seeds = [task] * len(x), [0] * len(x)
            vectors = prompts(reader.encoder(x))
            return answer_instructions(reader.model, reader.tokenizer, vectors, tasks, seeds, Decoding(120))

        evaluate_captions(recipe, f"{name}-{kind}", caption)
