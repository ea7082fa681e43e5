"""Training data of the language model: instructions about scenes, with a description where an image would be.

Half of the descriptions are texts. The others are visual words (`common/visual_words.py`): one word a fact, always at
the same positions.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from telephone import world
from telephone.core.seeds import derive
from telephone.nets.tokenizer import PAD, ChatTokenizer
from telephone.train.common.heads import CELL_QUERIES, QUERIES, WHOLE_QUERIES
from telephone.train.common.instructions import Instruction, description, instruction
from telephone.train.common.stage import Stage, length_sorted
from telephone.train.common.visual_words import SILENT, WORDS
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets, scene_targets
from telephone.world.scene import PLACES, Scene

BATCH = 40
POOL = 16
"""Batches that are drawn at once and sorted by length."""
VISUAL = 0.5
"""Share of instructions about visual words."""
CURRICULUM = ((0.1, 1), (0.25, 2), (0.4, 4))
"""Up to which share of the training a scene has at most so many things."""

TokenPair = tuple[int, int]
"""A token twice, or the two of a phrase such as "top left"; the input is the mean of their embeddings."""


def scene_for(key: object, index: int, most: int = 6) -> Scene:
    """Returns a training scene of at most so many things: never with a held-out pair of kind and colour."""
    return world.sample_any(derive("train", key, index), split="train", max_things=most)


class TextExample(NamedTuple):
    """An instruction about a description, and its answer, as tokens."""

    prompt: list[TokenPair]
    """Everything up to `<assistant>`."""
    answer: list[int]
    visual: bool = False
    """Whether the description consists of visual words."""


def encode(
    tokenizer: ChatTokenizer, context: Sequence[TokenPair], one: Instruction, visual: bool = False
) -> TextExample:
    """Returns an instruction about a description as tokens."""
    before, after = tokenizer.before_image(), tokenizer.after_image(one.text)
    return TextExample([*doubled(before), *context, *doubled(after)], tokenizer.answer(one.answer), visual)


def doubled(ids: Sequence[int]) -> list[TokenPair]:
    """Returns tokens as pairs of one token each."""
    return [(index, index) for index in ids]


def text_words(tokenizer: ChatTokenizer, scene: Scene, rng: np.random.Generator) -> list[TokenPair]:
    """Returns the tokens of a description of the scene, in any wording."""
    return doubled(tokenizer.encode(description(scene, rng)))


def visual_words(tokenizer: ChatTokenizer, scene: Scene) -> list[TokenPair]:
    """Returns the tokens of the visual words of a scene, whose embeddings `word_embeddings` gives."""
    cells, whole = cell_targets(scene), scene_targets(scene)
    facts, around = list(CELL_FACTS), list(SCENE_FACTS)
    phrases = [WORDS[name][whole[around.index(name)]] for name in WHOLE_QUERIES]
    for place, row in zip(PLACES, cells.tolist(), strict=True):
        thing = [place, *(WORDS[name][max(0, row[facts.index(name)])] for name in CELL_QUERIES[1:])]
        phrases += thing if row[0] else [SILENT] * len(CELL_QUERIES)
    ids = [tokenizer.encode(phrase) for phrase in phrases]
    return [(each[0], each[-1]) for each in ids]


class TextBatch(NamedTuple):
    """Examples as padded tensors."""

    words: Tensor
    """int64 [batch, n, 2]"""
    answers: Tensor
    """bool [batch, n - 1]: whether the next token belongs to an answer."""
    context: Tensor
    """bool [batch, n - 1]: whether the next token belongs to a text that is not an answer."""
    visual: Tensor
    """bool [batch, n]: whether the token is a visual word."""


def text_batches(stage: Stage, tokenizer: ChatTokenizer) -> Iterator[TextBatch]:
    """Yields the batch of the present step of a stage; scenes become harder as the stage goes on."""

    def draw(rng: np.random.Generator, count: int) -> list[TextExample]:
        # The share of steps alone decides, so that a time limit does not change the data.
        most = next((things for share, things in CURRICULUM if stage.step < share * stage.steps), 6)
        return examples(tokenizer, rng, count, most)

    for batch in length_sorted(stage, draw, lambda one: len(one.prompt) + len(one.answer), BATCH, POOL):
        yield stacked(batch)


def examples(tokenizer: ChatTokenizer, rng: np.random.Generator, count: int, most: int = 6) -> list[TextExample]:
    """Returns random examples about training scenes of at most so many things."""
    key, made = int(rng.integers(2**32)), []
    for index in range(count):
        scene = scene_for(key, index, most)
        visual = bool(rng.random() < VISUAL)
        context = visual_words(tokenizer, scene) if visual else text_words(tokenizer, scene, rng)
        made.append(encode(tokenizer, context, instruction(scene, rng), visual))
    return made


def stacked(batch: Sequence[TextExample]) -> TextBatch:
    """Returns examples as padded tensors."""
    rows = [[*one.prompt, *doubled(one.answer)] for one in batch]
    width = max(map(len, rows))
    words = torch.tensor([row + [(PAD, PAD)] * (width - len(row)) for row in rows])
    starts = torch.tensor([len(one.prompt) for one in batch])[:, None]
    at = torch.arange(width)
    visual = torch.tensor([one.visual for one in batch])[:, None] & (at >= 3) & (at < 3 + QUERIES)
    filled = words[:, 1:, 0] != PAD
    answers = (at[1:] >= starts) & filled
    return TextBatch(words, answers, filled & ~answers & ~visual[:, 1:], visual)
