"""Recipe of the language model that several image-to-text models share, in one stage, from text alone.

A description of the scene takes the place of the image: a text in any wording of either language, things in any order,
or visual words (`common/visual_words.py`). The answer is what the instruction requests. So the model learns to copy
facts from the place of the image into well-formed answers; later, vectors that come from an image take that place, and
the model stays as it is. Scenes are simple at first, because copying is learned faster from short texts. Noise is added
to the embeddings of visual words, because vectors that come from an image are never exact.

    telephone learn language-model
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
from telephone.train.common.evaluation import LEVELS, count_facts, evaluating, write_samples
from telephone.train.common.instructions import ALL, DETAILED, INSTRUCTIONS, Instruction, description, instruction
from telephone.train.common.recipe import Recipe, StagePlan, keep
from telephone.train.common.stage import Stage
from telephone.train.language_model_data import (
    TextBatch,
    TokenPair,
    encode,
    scene_for,
    text_batches,
    text_words,
    visual_words,
)
from telephone.world.scene import Scene

STAGES = {"language-model": StagePlan(4_500, 50)}
RATE = 1.5e-3
CONTEXT_WEIGHT = 0.05
"""Weight of the loss on the description's words, beside that on the answer."""
NOISE = 0.5
"""Largest noise on the embeddings of visual words, as a share of the standard deviation of all embeddings."""


def main(recipe: Recipe) -> Path:
    """Trains the model from where it was stopped and writes the weight file."""
    device = recipe.start()
    tokenizer = ChatTokenizer(keep(recipe.folder / "words.json", learn_words))
    config = LanguageModelConfig(words=tokenizer.words[8:])
    model = LanguageModel(config).to(device)
    learn(recipe, model, tokenizer)
    save_weights(recipe.weights, model, config, recipe.about("pocket/language-model"), bits=8)
    return recipe.weights


def learn_words(scenes: int = 4000) -> tuple[str, ...]:
    """Returns every word and character of descriptions, instructions and answers, in alphabetical order."""
    rng = np.random.default_rng(0)
    texts = ((description(scene, rng), *instruction(scene, rng)) for scene in _scenes("words", scenes))
    return ChatTokenizer.learn(chain(chain.from_iterable(texts), chain(*INSTRUCTIONS.values()))).words[8:]


def _scenes(key: str, count: int) -> Iterator[Scene]:
    return (scene_for(key, index) for index in range(count))


def learn(recipe: Recipe, model: LanguageModel, tokenizer: ChatTokenizer) -> None:
    """Trains the model on instructions about descriptions."""
    model.train()
    stage = Stage(recipe, STAGES, "language-model", model, rate=RATE)
    for step, batch in zip(stage, text_batches(stage, tokenizer), strict=False):
        numbers = TextBatch(*(part.to(recipe.device) for part in batch))
        logits = model(embeddings(model, numbers, stage.generator)[:, :-1])
        target = numbers.words[:, 1:, 0]
        losses = F.cross_entropy(logits.transpose(1, 2), target, ignore_index=PAD, reduction="none")
        answer, context = losses[numbers.answers].mean(), losses[numbers.context].mean()
        stage.update(answer + CONTEXT_WEIGHT * context, answer=answer.item(), context=context.item())
        if step % 500 == 499:
            evaluate(recipe, model, tokenizer, f"language-model-{step + 1}", 12)
    stage.finish()
    evaluate(recipe, model, tokenizer, "language-model-last", 48)


def embeddings(model: LanguageModel, batch: TextBatch, generator: torch.Generator) -> Tensor:
    """Returns the model's inputs [batch, n, width]: means of the embeddings of token pairs, visual ones with noise."""
    first, second = batch.words.unbind(2)
    x = (model.embed(first) + model.embed(second)) / 2
    deviation = model.token.weight.detach().std()
    strength = torch.rand(len(x), 1, 1, generator=generator).to(x.device) * NOISE * deviation
    noise = torch.randn(x.shape, generator=generator).to(x.device) * strength
    return x + noise * batch.visual[:, :, None]


# --- evaluation -----------------------------------------------------------------------------------------------------


def answer_all(
    model: LanguageModel, tokenizer: ChatTokenizer, contexts: Sequence[Sequence[TokenPair]], asked: Sequence[str]
) -> list[str]:
    """Returns the answers to instructions about descriptions; prompts of one length are answered together."""
    prompts = [
        encode(tokenizer, context, Instruction(text, "")).prompt for context, text in zip(contexts, asked, strict=True)
    ]
    groups: dict[int, list[int]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        groups[len(prompt)].append(index)
    answers = [""] * len(prompts)
    device = model.token.weight.device
    for rows in groups.values():
        x = model.embed(torch.tensor([prompts[i] for i in rows], device=device).flatten(1)).unflatten(1, (-1, 2))
        for index, tokens in zip(rows, model.generate(x.mean(2), [0] * len(rows), Decoding(128)).tolist(), strict=True):
            answers[index] = tokenizer.decode(tokens)
    return answers


def evaluate(recipe: Recipe, model: LanguageModel, tokenizer: ChatTokenizer, name: str, count: int) -> None:
    """Writes answers about held-out scenes with the facts that are kept; for many scenes, of other kinds as well."""
    lines: list[str] = []
    with evaluating(model):
        for level in LEVELS:
            scenes = [world.sample(level, i, split="test") for i in range(count)]
            rng = np.random.default_rng(0)
            texts = [text_words(tokenizer, scene, rng) for scene in scenes]
            for what, contexts in (("texts", texts), ("visual words", [visual_words(tokenizer, s) for s in scenes])):
                answers = answer_all(model, tokenizer, contexts, [DETAILED] * count)
                lines.append(f"# {level}, {what}: {count_facts(scenes, answers)}")
                if count > 12:
                    lines[-1] += f"; {_other_kinds(model, tokenizer, scenes, what != 'texts')}"
                print(f"{name} {lines[-1]}", flush=True)
                read = [tokenizer.decode([first for first, _ in context]) for context in contexts]
                lines += [f"{text}\n  -> {answer}" for text, answer in zip(read[:4], answers[:4], strict=True)]
    write_samples(recipe, name, lines)


def _other_kinds(model: LanguageModel, tokenizer: ChatTokenizer, scenes: Sequence[Scene], visual: bool) -> str:
    """Returns how many answers of each other kind are right, word for word."""
    parts = []
    for kind in ALL[1:]:
        rng = np.random.default_rng(1)
        wanted = [instruction(scene, rng, (kind,)) for scene in scenes]
        contexts = [visual_words(tokenizer, s) if visual else text_words(tokenizer, s, rng) for s in scenes]
        answers = answer_all(model, tokenizer, contexts, [one.text for one in wanted])
        right = sum(text == one.answer for text, one in zip(answers, wanted, strict=True))
        parts.append(f"{kind} {right}/{len(scenes)}")
    return ", ".join(parts)
