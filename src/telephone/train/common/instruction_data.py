"""Exchanges about pictures as numbers, the loss on their answers, and what a model that answers is examined in."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from telephone.nets.blip_2 import talk_loss
from telephone.nets.generation import Decoding
from telephone.nets.mplug_owl import Owl
from telephone.nets.tokenizer import PAD, ChatTokenizer
from telephone.train.common import exchanges
from telephone.train.common.evaluation import LEVELS, beside_truth, held_out, mark, write_samples
from telephone.train.common.recipe import Recipe
from telephone.world.questions import questions
from telephone.world.scene import Scene

SCENES = 32
"""Held-out scenes a level in an examination."""
LONG = Decoding(limit=120)


@dataclass
class InstructionExample:
    """Exchanges about some of the scenes, as numbers, of like length."""

    rows: np.ndarray
    """[batch] which scenes they are about"""
    tokens: Tensor
    """[batch, n] up to `<eos>`, padded: from the end of the image, or from the start if the context is a text."""
    answers: Tensor
    """[batch, n] the same, but `<pad>` before the answer."""


@dataclass
class Lessons:
    """Makes up exchanges about scenes without end."""

    scenes: list[Scene]
    tokenizer: ChatTokenizer
    rng: np.random.Generator
    kinds: tuple[str, ...]
    size: int = 32
    texts: bool = False
    """Whether a description of the scene is given in place of its picture."""

    def __iter__(self) -> Iterator[InstructionExample]:
        """Yields lessons; eight are drawn at once and sorted by length, which saves padding."""
        while True:
            rows = self.rng.integers(len(self.scenes), size=8 * self.size)
            drawn = sorted(((*self._ids(self.scenes[row]), int(row)) for row in rows), key=lambda each: len(each[0]))
            for index in self.rng.permutation(8):
                part = drawn[index * self.size : (index + 1) * self.size]
                yield _lesson([part[each] for each in self.rng.permutation(self.size)])

    def _ids(self, scene: Scene) -> tuple[list[int], int]:
        """Returns an exchange, and where its answer begins."""
        exchange = exchanges.exchange(scene, self.rng, self.kinds)
        asked = self.tokenizer.after_image(exchange.instruction)
        if self.texts:
            asked = [*self.tokenizer.before_image(), *self.tokenizer.encode(exchanges.context(scene, self.rng)), *asked]
        return asked + self.tokenizer.answer(exchange.answer), len(asked)


def _lesson(drawn: list[tuple[list[int], int, int]]) -> InstructionExample:
    tokens = torch.full((len(drawn), max(len(ids) for ids, _, _ in drawn)), PAD)
    answers = tokens.clone()
    for index, (ids, start, _) in enumerate(drawn):
        tokens[index, : len(ids)] = torch.tensor(ids)
        answers[index, start : len(ids)] = torch.tensor(ids[start:])
    return InstructionExample(np.array([row for _, _, row in drawn]), tokens, answers)


def lesson_loss(owl: Owl, lesson: InstructionExample, seen: Tensor | None) -> Tensor:
    """Returns the language model's loss on the answers.

    Args:
        owl: the model.
        lesson: the exchanges.
        seen: the tokens [batch, t, width] that stand for the pictures, None if the exchanges are about texts.
    """
    model = owl.language_model
    tokens, answers = (part.to(model.token.weight.device) for part in (lesson.tokens, lesson.answers))
    if seen is None:
        return model.loss(model.embed(tokens[:, :-1]), answers[:, 1:])
    return talk_loss(model, seen, tokens, answers)


# --- examination ----------------------------------------------------------------------------------------------------


def show(recipe: Recipe, owl: Owl, name: str) -> None:
    """Writes what is said of held-out scenes, with the share of facts told right and of questions answered right."""
    was = owl.net.training
    owl.net.eval()
    lines: list[str] = []
    scenes = SCENES
    for level in LEVELS:
        shown, x = held_out(recipe, level, scenes)
        told = owl.answer(x, [exchanges.DETAILED] * scenes, [0] * scenes, LONG)
        posed = [questions(scene, np.random.default_rng(i)) for i, scene in enumerate(shown)]
        said = owl.answer(x, [question for question, _ in posed], [0] * scenes, LONG)
        right = sum(answer.lower() == truth.lower() for answer, (_, truth) in zip(said, posed, strict=True))
        lines.append(f"# {level}: {_facts(shown, told)}; {right} of {scenes} questions are answered right")
        print(f"{name} {lines[-1]}", flush=True)
        lines += beside_truth(shown, told, "detailed")
        lines += [f"{q} {a}\n  -> {text}" for (q, a), text in zip(posed[:6], said[:6], strict=True)]
    owl.net.train(was)
    write_samples(recipe, name, lines)


def _facts(scenes: list[Scene], told: list[str]) -> str:
    kept, said, facts = mark(scenes, told)
    share = 100 * kept / max(1, said)
    return f"{kept} of {facts} facts are told ({100 * kept / facts:.0f} %), {share:.0f} % of what is told is right"
