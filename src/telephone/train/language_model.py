"""Recipe of the language model that the describers share: it learns to answer about pictures from text alone.

In the place of the picture stands a description of its scene: a text in any wording of either language, things in any
order, or visual words; the answer is what the instruction asks. So the model learns to look up what it needs between
the marks of the image and to say it in good order; later, vectors that come from a real picture take that place, and
the model need not change. The scenes are easy at first: what is to be copied is found sooner where there is little
else. Visual words are blurred, because what comes from a picture is never as clear as a word.

    telephone learn language-model --minutes 50
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.nets.checkpoint import save_weights
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import PAD, ChatTokenizer
from telephone.train.common.evaluation import LEVELS, mark, write_samples
from telephone.train.common.exchanges import ALL, DETAILED, INSTRUCTIONS, Exchange, context, exchange
from telephone.train.common.recipe import Recipe, Stage, keep
from telephone.train.language_model_data import (
    ExchangeBatches,
    Numbers,
    Word,
    lesson,
    scene_for,
    stacked,
    text_words,
    visual_words,
)
from telephone.world.scene import Scene

MINUTES = 50.0
RATE = 1.5e-3
CONTEXT_WEIGHT = 0.05
"""How much the words of the description count, beside those of the answer."""
BLUR = 0.5
"""The most noise on visual words, as a share of the words' own spread."""


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


def learn(recipe: Recipe, model: LanguageModel, tokenizer: ChatTokenizer) -> None:
    """Trains the model on exchanges."""
    model.train()
    stage = Stage(recipe, "language-model", recipe.minutes, model, rate=RATE)
    batches = ExchangeBatches(tokenizer, f"talk {recipe.seed}", stage.step)
    generator = torch.Generator(recipe.device).manual_seed(recipe.seed + stage.step)
    for step in stage:
        numbers = Numbers(*(part.to(recipe.device) for part in stacked(batches.draw(stage.used / stage.seconds))))
        logits = model(vectors_of(model, numbers, generator)[:, :-1])
        target = numbers.words[:, 1:, 0]
        words = F.cross_entropy(logits.transpose(1, 2), target, ignore_index=PAD, reduction="none")
        answered, told = words[numbers.answers].mean(), words[numbers.told].mean()
        stage.update(answered + CONTEXT_WEIGHT * told, answered=answered.item(), told=told.item())
        if step % 500 == 499:
            show(recipe, model, tokenizer, f"language-model-{step + 1}", 12)
    stage.finish()
    show(recipe, model, tokenizer, "language-model-last", 48)


def vectors_of(model: LanguageModel, numbers: Numbers, generator: torch.Generator) -> Tensor:
    """Returns what the model reads, [batch, n, width]: the means of the words' vectors, the visual ones blurred."""
    first, second = numbers.words.unbind(2)
    x = (model.embed(first) + model.embed(second)) / 2
    spread = model.token.weight.detach().std()
    strength = torch.rand(len(x), 1, 1, generator=generator, device=x.device) * BLUR * spread
    noise = torch.randn(x.shape, generator=generator, device=x.device) * strength
    return x + noise * numbers.visual[:, :, None]


# --- on the way -----------------------------------------------------------------------------------------------------


def answer_all(
    model: LanguageModel, tokenizer: ChatTokenizer, abouts: Sequence[Sequence[Word]], asked: Sequence[str]
) -> list[str]:
    """Returns the answers to instructions about descriptions; exchanges of one length are written together."""
    prompts = [lesson(tokenizer, about, Exchange(ask, "")).told for about, ask in zip(abouts, asked, strict=True)]
    groups: dict[int, list[int]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        groups[len(prompt)].append(index)
    answers = [""] * len(prompts)
    device = model.token.weight.device
    for rows in groups.values():
        x = model.embed(torch.tensor([prompts[i] for i in rows], device=device).flatten(1)).unflatten(1, (-1, 2))
        for index, tokens in zip(rows, model.write(x.mean(2), [0] * len(rows), Decoding(128)).tolist(), strict=True):
            answers[index] = tokenizer.decode(tokens)
    return answers


@torch.no_grad()
def show(recipe: Recipe, model: LanguageModel, tokenizer: ChatTokenizer, name: str, count: int) -> None:
    """Writes answers about held-out scenes, with the share of right facts; for many scenes, of other answers too."""
    was = model.training
    model.eval()
    lines = []
    for level in LEVELS:
        scenes = [world.sample(level, i, split="test") for i in range(count)]
        rng = np.random.default_rng(0)
        texts = [text_words(tokenizer, scene, rng) for scene in scenes]
        for what, abouts in (("texts", texts), ("visual words", [visual_words(tokenizer, s) for s in scenes])):
            told = answer_all(model, tokenizer, abouts, [DETAILED] * count)
            lines.append(f"# {level}, {what}: {mark(scenes, told)}")
            if count > 12:
                lines[-1] += f"; {_rest(model, tokenizer, scenes, what != 'texts')}"
            print(f"{name} {lines[-1]}", flush=True)
            read = [tokenizer.decode([first for first, _ in about]) for about in abouts]
            lines += [f"{about}\n  -> {text}" for about, text in zip(read[:4], told[:4], strict=True)]
    model.train(was)
    write_samples(recipe, name, lines)


def _rest(model: LanguageModel, tokenizer: ChatTokenizer, scenes: Sequence[Scene], visual: bool) -> str:
    """Returns how many answers of each other kind are right, word for word."""
    parts = []
    for kind in ALL[1:]:
        rng = np.random.default_rng(1)
        said = [exchange(scene, rng, (kind,)) for scene in scenes]
        abouts = [visual_words(tokenizer, s) if visual else text_words(tokenizer, s, rng) for s in scenes]
        told = answer_all(model, tokenizer, abouts, [one.instruction for one in said])
        right = sum(text == one.answer for text, one in zip(told, said, strict=True))
        parts.append(f"{kind} {right}/{len(scenes)}")
    return ", ".join(parts)
