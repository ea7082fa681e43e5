"""Batches of instructions about images as tokens, and the evaluation of a model that follows them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from telephone.nets.generation import Decoding
from telephone.nets.mplug_owl import InstructionModel
from telephone.nets.tokenizer import PAD, ChatTokenizer
from telephone.train.common import instructions
from telephone.train.common.evaluation import (
    LEVELS,
    beside_truth,
    count_facts,
    evaluating,
    held_out_images,
    write_samples,
)
from telephone.train.common.recipe import Recipe
from telephone.train.common.stage import Stage, length_sorted
from telephone.world.questions import questions
from telephone.world.scene import Scene

SCENES = 32
"""Held-out scenes a level in an evaluation."""
LONG = Decoding(limit=120)


@dataclass
class InstructionBatch:
    """Instructions about some of the scenes, as tokens, of similar length."""

    rows: np.ndarray
    """[batch] indices of their scenes."""
    tokens: Tensor
    """int64 [batch, n] up to `<eos>`, padded: from the end of the image, or from the start if a text replaces it."""
    answers: Tensor
    """int64 [batch, n] the same, but `<pad>` before the answer."""


Tokens = tuple[list[int], int, int]
"""Tokens of an instruction with its answer, where the answer begins, and the index of the scene."""


def instruction_batches(
    stage: Stage,
    scenes: list[Scene],
    tokenizer: ChatTokenizer,
    kinds: tuple[str, ...],
    size: int = 32,
    as_text: bool = False,
) -> Iterator[InstructionBatch]:
    """Yields the batch of the present step of a stage.

    Args:
        stage: counts the steps.
        scenes: what the images show.
        tokenizer: of the language model.
        kinds: of instructions, some of `instructions.ALL`.
        size: instructions a batch.
        as_text: whether a description of the scene takes the place of the image.
    """

    def draw(rng: np.random.Generator, count: int) -> list[Tokens]:
        rows = rng.integers(len(scenes), size=count).tolist()
        return [(*encode(scenes[row], tokenizer, rng, kinds, as_text), row) for row in rows]

    for batch in length_sorted(stage, draw, lambda one: len(one[0]), size):
        yield stacked(batch)


def encode(
    scene: Scene, tokenizer: ChatTokenizer, rng: np.random.Generator, kinds: tuple[str, ...], as_text: bool
) -> tuple[list[int], int]:
    """Returns the tokens of a random instruction with its answer, and where the answer begins."""
    one = instructions.instruction(scene, rng, kinds)
    before = tokenizer.after_image(one.text)
    if as_text:
        before = [*tokenizer.before_image(), *tokenizer.encode(instructions.description(scene, rng)), *before]
    return before + tokenizer.answer(one.answer), len(before)


def stacked(drawn: list[Tokens]) -> InstructionBatch:
    """Returns instructions as one padded batch."""
    tokens = torch.full((len(drawn), max(len(ids) for ids, _, _ in drawn)), PAD)
    answers = tokens.clone()
    for index, (ids, start, _) in enumerate(drawn):
        tokens[index, : len(ids)] = torch.tensor(ids)
        answers[index, start : len(ids)] = torch.tensor(ids[start:])
    return InstructionBatch(np.array([row for _, _, row in drawn]), tokens, answers)


# --- evaluation -----------------------------------------------------------------------------------------------------


def evaluate_instructions(recipe: Recipe, owl: InstructionModel, name: str) -> None:
    """Prints and writes how many facts are kept, and how many questions answered right, on held-out scenes."""
    lines: list[str] = []
    with evaluating(owl.net):
        for level in LEVELS:
            scenes, x = held_out_images(recipe, level, SCENES)
            seeds = [0] * SCENES
            texts = owl.answer(x, [instructions.DETAILED] * SCENES, seeds, LONG)
            asked = [questions(scene, np.random.default_rng(i)) for i, scene in enumerate(scenes)]
            answers = owl.answer(x, [question for question, _ in asked], seeds, LONG)
            right = sum(text.lower() == truth.lower() for text, (_, truth) in zip(answers, asked, strict=True))
            lines.append(f"# {level}: {count_facts(scenes, texts)}; {right} of {SCENES} questions are answered right")
            print(f"{name} {lines[-1]}", flush=True)
            lines += beside_truth(scenes, texts, "detailed")
            lines += [f"{q} {a}\n  -> {text}" for (q, a), text in zip(asked[:6], answers[:6], strict=True)]
    write_samples(recipe, name, lines)
