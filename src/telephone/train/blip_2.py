"""Recipe of `pocket/blip-2`, in four stages: ask, represent, generate, refine. Needs `blip` and `language-model`.

The image encoder is BLIP's and stays as it is; what it sees is computed once (`train/feature_cache.py`).

1. *Ask* stands in for the BERT weights that the paper starts from: each query has one question, such as what colour the
   thing at the top left is, and a small head on it must tell the answer. The heads go on asking in the next stages.
2. *Represent*: image-text contrast, matching and image-grounded generation (Li et al. 2023, section 3.2) on tellings
   in every English wording.
3. *Generate*: the Q-Former, with one linear layer, learns to be understood by the frozen language model (section 3.3).
   What it says are captions as the web has them, of the most striking thing or two (the player says no more), and as
   many long ones, because MiniGPT-4 takes this Q-Former over. The layer starts as the best linear guess at the language
   model's words for what the queries were asked.
4. *Refine*: the same, but the heads ask about four times as many pictures as the language model tells, and most of all
   what the things are: that is the hardest to see, and asking is cheap.

    telephone learn blip-2 --minutes 78 --pictures 24000
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from telephone import world
from telephone.nets.blip import BlipImageEncoder
from telephone.nets.blip_2 import Blip2, Blip2Config, reply, talk_loss
from telephone.nets.checkpoint import save_weights
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel
from telephone.nets.qformer import QFormer, QFormerConfig
from telephone.nets.tokenizer import ChatTokenizer, WordTokenizer
from telephone.train.common import data, feature_cache
from telephone.train.common.exchanges import INSTRUCTIONS
from telephone.train.common.instruction_data import Lessons
from telephone.train.common.recipe import Recipe, Stage, keep
from telephone.train.common.visual_words import QUERIES, FactHeads, best_linear, targets, vectors
from telephone.train.stable_diffusion import facts_loss

MINUTES = 78.0
SHARES = {"ask": 8.8 / 78, "represent": 17.6 / 78, "generate": 17.6 / 78, "refine": 34 / 78}
BATCH = 32
RATES = {"generate": 6e-4, "refine": 8e-4}
SIZES = {"generate": (BATCH, 0), "refine": (BATCH // 2, 3 * BATCH // 2)}
"""Of how many pictures a batch the language model tells, and about how many more the heads ask."""
KINDS = ("detailed", "sentence", "short")
FACTS_WEIGHT = 0.3
"""Of the heads' loss beside the paper's losses."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    encoder = feature_cache.blip_encoder(recipe)
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", learn_words))
    config = QFormerConfig(words=tokenizer.words[4:], queries=QUERIES, image_width=encoder.config.width)
    asking = Asking(QFormer(config)).to(device)
    seen = feature_cache.squares(recipe, encoder, f"sight {recipe.seed}", recipe.pictures)
    learn_to_ask(recipe, asking, seen)
    learn_to_represent(recipe, asking, tokenizer, seen, encoder)
    model, words = feature_cache.language_model(recipe)
    speaking = begin_to_speak(asking, seen, model, words)
    for name in ("generate", "refine"):
        learn_to_generate(recipe, name, speaking, seen, Listener(model, words, encoder))
    about = {
        "player": "pocket/blip-2",
        "seed": recipe.seed,
        "minutes": recipe.minutes,
        "reads": feature_cache.marks(recipe, "blip", "language-model"),
    }
    save_weights(recipe.weights, speaking.net, speaking.net.config, about, bits=8)
    return recipe.weights


def learn_words(scenes: int = 10_000) -> tuple[str, ...]:
    """Returns every word of the English tellings, in alphabetical order."""
    rng = np.random.default_rng(0)
    return WordTokenizer.learn(tell(data.train_scene("words", i), rng) for i in range(scenes)).words[4:]


def tell(scene: world.Scene, rng: np.random.Generator) -> str:
    """Returns what can be told of a picture of the scene, in one of the English wordings."""
    wordings = world.WORDINGS["en"]
    return world.caption(data.telling(scene), "en", wordings[rng.integers(len(wordings))])


# --- 1. ask ---------------------------------------------------------------------------------------------------------


class Asking(nn.Module):
    """The Q-Former with the heads that examine its queries."""

    def __init__(self, qformer: QFormer) -> None:
        """Builds the heads."""
        super().__init__()
        self.qformer = qformer
        self.heads = FactHeads(qformer.config.width)


class Truth:
    """The facts of many scenes as targets of the heads."""

    def __init__(self, scenes: list[world.Scene], device: str) -> None:
        """Numbers the facts."""
        self.cells, self.whole = (part.to(device) for part in targets(scenes))

    def loss(self, answers: tuple[Tensor, Tensor], rows: np.ndarray) -> tuple[Tensor, float]:
        """Returns the loss of the answers about some scenes, and the share of scenes told without a fault."""
        return facts_loss(answers, self.cells[rows], self.whole[rows])

    def kinds_loss(self, cells: Tensor, rows: np.ndarray) -> Tensor:
        """Returns the loss of the answers about what the things are, empty cells left out."""
        kinds = self.cells[rows][..., 0]
        asked = kinds.where(kinds > 0, -1).flatten()
        return F.cross_entropy(cells[..., : data.CELL_FACTS["kind"]].flatten(0, 1), asked, ignore_index=-1)


def learn_to_ask(recipe: Recipe, asking: Asking, seen: feature_cache.Seen) -> None:
    """Trains the queries to find the facts."""
    stage = Stage(recipe, "ask", SHARES["ask"] * recipe.minutes, asking, rate=1e-3)
    truth = Truth(seen.scenes, recipe.device)
    rng = np.random.default_rng(recipe.seed + stage.step)
    for _ in stage:
        rows = rng.integers(len(seen.scenes), size=2 * BATCH)
        found, _ = asking.qformer(seen.batch(rows).to(recipe.device))
        loss, right = truth.loss(asking.heads(found), rows)
        stage.update(loss, right=right)
    stage.finish()


# --- 2. represent ---------------------------------------------------------------------------------------------------


def learn_to_represent(
    recipe: Recipe, asking: Asking, tokenizer: WordTokenizer, seen: feature_cache.Seen, encoder: BlipImageEncoder
) -> None:
    """Trains the Q-Former on ITG + ITC + ITM, the last on a quarter of each batch, and on the heads' questions."""
    qformer = asking.train().qformer
    stage = Stage(recipe, "represent", SHARES["represent"] * recipe.minutes, asking, rate=7e-4)
    truth = Truth(seen.scenes, recipe.device)
    rng = np.random.default_rng(recipe.seed + 1 + stage.step)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step, (rows, tokens) in zip(stage, told(seen, tokenizer, qformer.config.max_tokens, rng), strict=False):
        tokens, squares = tokens.to(recipe.device), seen.batch(rows).to(recipe.device)
        found, pasts = qformer(squares)
        itg = qformer.itg_loss(pasts, tokens)
        itc, similarity = qformer.itc_loss(found, tokens)
        some = len(rows) // 4
        itm = qformer.itm_loss(squares[:some], tokens[:some], similarity[:some, :some], generator)
        facts, right = truth.loss(asking.heads(found), rows)
        loss = itg + 0.3 * itc + 0.3 * itm + FACTS_WEIGHT * facts
        stage.update(loss, itg=itg.item(), itc=itc.item(), itm=itm.item(), right=right)
        if step % 1000 == 0:
            show(recipe, qformer, tokenizer, encoder, f"represent-{step}")
    stage.finish()
    show(recipe, qformer, tokenizer, encoder, "represent-last")


def told(
    seen: feature_cache.Seen, tokenizer: WordTokenizer, limit: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Yields rows and their tokens; texts of like length share a batch, which saves padding."""
    while True:
        drawn = rng.integers(len(seen.scenes), size=8 * BATCH)
        pairs = sorted(((tell(seen.scenes[row], rng), int(row)) for row in drawn), key=lambda pair: len(pair[0]))
        for index in rng.permutation(8):
            part = pairs[index * BATCH : (index + 1) * BATCH]
            yield np.array([row for _, row in part]), tokenizer.batch([text for text, _ in part], limit)


def show(recipe: Recipe, qformer: QFormer, tokenizer: WordTokenizer, encoder: BlipImageEncoder, name: str) -> None:
    """Writes what the Q-Former itself tells of held-out scenes, with the share of facts that are right."""
    was = qformer.training
    qformer.eval()

    def say(squares: Tensor) -> list[str]:
        return [tokenizer.decode(row) for row in qformer.describe(squares, [0] * len(squares), Decoding()).tolist()]

    feature_cache.examine(recipe, encoder, say, name)
    qformer.train(was)


# --- 3. generate ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listener:
    """Who makes words of what the Q-Former says, and who sees the pictures: both frozen."""

    model: LanguageModel
    tokenizer: ChatTokenizer
    encoder: BlipImageEncoder


class Speaking(nn.Module):
    """BLIP-2's learning parts, with the heads that go on asking."""

    def __init__(self, net: Blip2, heads: FactHeads) -> None:
        """Puts them together."""
        super().__init__()
        self.net, self.heads = net, heads


@torch.no_grad()
def begin_to_speak(
    asking: Asking, seen: feature_cache.Seen, model: LanguageModel, tokenizer: ChatTokenizer, count: int = 2048
) -> Speaking:
    """Returns BLIP-2 with the queries of a trained Q-Former, and a layer that guesses the words of their facts."""
    bare = asking.qformer.without_words()
    net = Blip2(Blip2Config(bare.config, model.config.width))
    net.qformer.load_state_dict(bare.state_dict())
    rows = np.arange(min(count, len(seen.scenes)))
    found = torch.cat([bare(seen.batch(part))[0] for part in np.array_split(rows, max(1, len(rows) // 128))])
    words = vectors(seen.scenes[: len(rows)], model, tokenizer)
    weight, bias = best_linear(found.flatten(0, 1), words.flatten(0, 1))
    net.projection.load_state_dict({"weight": weight, "bias": bias})
    return Speaking(net, asking.heads).to(model.token.weight.device)


def learn_to_generate(
    recipe: Recipe, name: str, speaking: Speaking, seen: feature_cache.Seen, listener: Listener
) -> None:
    """Trains Q-Former and layer on the frozen language model's loss and the heads' questions.

    Args:
        recipe: says how long.
        name: of the stage; in `refine` the heads ask about more pictures, and more insistently.
        speaking: what learns.
        seen: the pictures.
        listener: what is frozen.
    """
    stage = Stage(recipe, name, SHARES[name] * recipe.minutes, speaking.train(), RATES[name])
    truth = Truth(seen.scenes, recipe.device)
    rng = np.random.default_rng(recipe.seed + 2 + (name == "refine") + stage.step)
    lessons = Lessons(seen.scenes, listener.tokenizer, rng, KINDS, SIZES[name][0])
    for step, lesson in zip(stage, lessons, strict=False):
        rows = np.concatenate([lesson.rows, rng.integers(len(seen.scenes), size=SIZES[name][1])])
        found, _ = speaking.net.qformer(seen.batch(rows).to(recipe.device))
        said = speaking.net.projection(found[: len(lesson.rows)])
        told = talk_loss(listener.model, said, lesson.tokens.to(recipe.device), lesson.answers.to(recipe.device))
        answers = speaking.heads(found)
        facts, right = truth.loss(answers, rows)
        kinds = truth.kinds_loss(answers[0], rows)
        stage.update(told + 0.2 * facts + 0.5 * kinds, told=told.item(), kinds=kinds.item(), right=right)
        if step % 1000 == 0:
            listen(recipe, speaking.net, listener, f"{name}-{step}")
    stage.finish()
    listen(recipe, speaking.net, listener, f"{name}-last")


def listen(recipe: Recipe, net: Callable[[Tensor], Tensor], listener: Listener, name: str) -> None:
    """Writes what the language model says of held-out scenes: in detail, and (to another file) shortly."""
    for kind in ("detailed", "short"):

        def say(squares: Tensor, task: str = INSTRUCTIONS[kind][0]) -> list[str]:
            many = len(squares)
            return reply(listener.model, listener.tokenizer, net(squares), [task] * many, [0] * many, Decoding(120))

        feature_cache.examine(recipe, listener.encoder, say, f"{name}-{kind}")
