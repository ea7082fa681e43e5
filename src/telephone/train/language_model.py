"""Recipe of the language model that the describers share: it learns to answer about pictures from text alone.

In the place of the picture stands a description of its scene, in any wording of either language, things in any order;
the answer is what the instruction asks. So the model learns to look up what it needs between the marks of the image and
to say it in good order; later, vectors that come from a real picture take that place, and the model need not change.
The scenes are easy at first: what is to be copied is found sooner where there is little else.

    telephone learn language-model --minutes 25
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.nets.checkpoint import save_weights
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import PAD, ChatTokenizer
from telephone.seeds import derive
from telephone.train.common import Recipe, Stage, keep
from telephone.train.exchanges import ALL, DETAILED, INSTRUCTIONS, Exchange, context, exchange
from telephone.world.scene import Scene

MINUTES = 25.0
BATCH = 40
RATE = 1.5e-3
CONTEXT_WEIGHT = 0.05
"""How much the words of the description count, beside those of the answer."""
EASY = ((0.1, 1), (0.25, 2), (0.4, 4))
"""Up to which share of the time a scene has at most so many things."""


def main(recipe: Recipe) -> Path:
    """Trains the model from where it was stopped and writes the weight file."""
    device = recipe.start()
    tokenizer = ChatTokenizer(keep(recipe.folder / "words.json", learn_words))
    config = LanguageModelConfig(words=tokenizer.words[8:])
    model = LanguageModel(config).to(device)
    learn(recipe, model, tokenizer)
    about = {"player": "pocket/language-model", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, model, config, about, bits=8)
    return recipe.weights


def learn_words(scenes: int = 4000) -> tuple[str, ...]:
    """Returns every word and character of descriptions, instructions and answers, in alphabetical order."""
    rng = np.random.default_rng(0)
    told = ((context(scene, rng), *exchange(scene, rng)) for scene in _scenes("words", scenes))
    asked = chain(*INSTRUCTIONS.values())
    return ChatTokenizer.learn(chain(chain.from_iterable(told), asked)).words[8:]


def _scenes(key: str, count: int) -> Iterator[Scene]:
    return (scene_for(key, index) for index in range(count))


def scene_for(key: object, index: int, most: int = 6) -> Scene:
    """Returns a training scene of at most so many things: never with a held-out pair of kind and colour."""
    return world.sample_any(derive("train", key, index), split="train", max_things=most)


# --- batches --------------------------------------------------------------------------------------------------------


class Lesson(NamedTuple):
    """One exchange as numbers."""

    told: list[int]
    """Everything up to `<assistant>`."""
    answer: list[int]


def lesson(tokenizer: ChatTokenizer, about: str, said: Exchange) -> Lesson:
    """Returns an exchange about a description as numbers."""
    told = [*tokenizer.before_image(), *tokenizer.encode(about), *tokenizer.after_image(said.instruction)]
    return Lesson(told, tokenizer.answer(said.answer))


class Batches:
    """Draws exchanges, those of like length together."""

    POOL = 16
    """Batches that are made at once and sorted by length."""

    def __init__(self, tokenizer: ChatTokenizer, key: object, start: int) -> None:
        """`start` is the step from which a stopped training goes on."""
        self.tokenizer, self.key, self.next = tokenizer, key, start * BATCH
        self.rng = np.random.default_rng(derive("exchanges", key, start))
        self.ready: list[list[Lesson]] = []

    def draw(self, progress: float) -> list[Lesson]:
        """Returns a batch; `progress` in [0, 1] decides how hard the scenes may be."""
        if not self.ready:
            most = next((things for share, things in EASY if progress < share), 6)
            lessons = sorted(
                (self._lesson(most) for _ in range(self.POOL * BATCH)), key=lambda x: len(x.told + x.answer)
            )
            order = self.rng.permutation(self.POOL)
            self.ready = [lessons[i * BATCH : (i + 1) * BATCH] for i in order]
        return self.ready.pop()

    def _lesson(self, most: int) -> Lesson:
        self.next += 1
        scene = scene_for(self.key, self.next, most)
        return lesson(self.tokenizer, context(scene, self.rng), exchange(scene, self.rng))


def stacked(lessons: Sequence[Lesson]) -> tuple[Tensor, Tensor]:
    """Returns all exchanges as tokens [batch, n], padded, and where answers are to be said, [batch, n - 1]."""
    rows = [[*one.told, *one.answer] for one in lessons]
    width = max(map(len, rows))
    tokens = torch.tensor([row + [PAD] * (width - len(row)) for row in rows])
    starts = torch.tensor([len(one.told) for one in lessons])[:, None]
    return tokens, (torch.arange(1, width) >= starts) & (tokens[:, 1:] != PAD)


def learn(recipe: Recipe, model: LanguageModel, tokenizer: ChatTokenizer) -> None:
    """Trains the model on exchanges."""
    model.train()
    stage = Stage(recipe, "language-model", recipe.minutes, model, rate=RATE)
    batches = Batches(tokenizer, f"talk {recipe.seed}", stage.step)
    for step in stage:
        tokens, answers = (part.to(recipe.device) for part in stacked(batches.draw(stage.used / stage.seconds)))
        logits = model(model.embed(tokens[:, :-1]))
        words = F.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], ignore_index=PAD, reduction="none")
        answered, told = words[answers].mean(), words[~answers].mean()
        stage.update(answered + CONTEXT_WEIGHT * told, answered=answered.item(), told=told.item())
        if step % 500 == 499:
            show(recipe, model, tokenizer, f"language-model-{step + 1}", 12)
    stage.finish()
    show(recipe, model, tokenizer, "language-model-last", 48)


# --- on the way -----------------------------------------------------------------------------------------------------


def answer_all(
    model: LanguageModel, tokenizer: ChatTokenizer, abouts: Sequence[str], asked: Sequence[str]
) -> list[str]:
    """Returns the answers to instructions about descriptions; exchanges of one length are written together."""
    prompts = [lesson(tokenizer, about, Exchange(ask, "")).told for about, ask in zip(abouts, asked, strict=True)]
    groups: dict[int, list[int]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        groups[len(prompt)].append(index)
    answers = [""] * len(prompts)
    device = model.token.weight.device
    for rows in groups.values():
        x = model.embed(torch.tensor([prompts[i] for i in rows], device=device))
        for index, tokens in zip(rows, model.write(x, [0] * len(rows), Decoding(128)).tolist(), strict=True):
            answers[index] = tokenizer.decode(tokens)
    return answers


@torch.no_grad()
def show(recipe: Recipe, model: LanguageModel, tokenizer: ChatTokenizer, name: str, count: int) -> None:
    """Writes answers about held-out scenes, with the share of right facts; for many scenes, of other answers too."""
    was = model.training
    model.eval()
    lines = []
    for level in ("easy", "medium", "hard"):
        scenes = [world.sample(level, i, split="test") for i in range(count)]
        rng = np.random.default_rng(0)
        abouts = [context(scene, rng) for scene in scenes]
        told = answer_all(model, tokenizer, abouts, [DETAILED] * count)
        marks = [world.compare(scene, world.parse(text)) for scene, text in zip(scenes, told, strict=True)]
        kept = sum(len(mark.kept) for mark in marks)
        said = sum(len(mark.kept) + len(mark.wrong) + len(mark.invented) for mark in marks)
        facts = sum(len(world.atoms(scene)) for scene in scenes)
        lines.append(f"# {level}: {kept} of {facts} facts are told, among {said} that are said")
        if count > 12:
            lines[-1] += f"; {_rest(model, tokenizer, scenes)}"
        print(f"{name} {lines[-1]}", flush=True)
        lines += [f"{about}\n  -> {text}" for about, text in zip(abouts[:4], told[:4], strict=True)]
    model.train(was)
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _rest(model: LanguageModel, tokenizer: ChatTokenizer, scenes: Sequence[Scene]) -> str:
    """Returns how many answers of each other kind are right, word for word."""
    parts = []
    for kind in ALL[1:]:
        rng = np.random.default_rng(1)
        said = [exchange(scene, rng, (kind,)) for scene in scenes]
        abouts = [context(scene, rng) for scene in scenes]
        told = answer_all(model, tokenizer, abouts, [one.instruction for one in said])
        right = sum(text == one.answer for text, one in zip(told, said, strict=True))
        parts.append(f"{kind} {right}/{len(scenes)}")
    return ", ".join(parts)
