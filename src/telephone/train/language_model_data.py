"""What the language model learns from: exchanges about scenes, each with a description where a picture would stand.

Half of the descriptions are texts. The others are *visual words*, the form into which the describers bring what they
see (`train/visual_words.py`): one word for each fact, always in the same places, as vectors that may lie between words.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from telephone import world
from telephone.core.seeds import derive
from telephone.nets.tokenizer import PAD, ChatTokenizer
from telephone.train.common import data
from telephone.train.common.exchanges import Exchange, context, exchange
from telephone.train.common.visual_words import CELL, SILENT, WHOLE, WORDS
from telephone.world.scene import PLACES, Scene

BATCH = 40
VISUAL = 0.5
"""Share of exchanges with visual words."""
EASY = ((0.1, 1), (0.25, 2), (0.4, 4))
"""Up to which share of the time a scene has at most so many things."""

Word = tuple[int, int]
"""The numbers of a word; of a phrase of two words, such as "top left", both, and what is read is their mean."""


def scene_for(key: object, index: int, most: int = 6) -> Scene:
    """Returns a training scene of at most so many things: never with a held-out pair of kind and colour."""
    return world.sample_any(derive("train", key, index), split="train", max_things=most)


class TextExample(NamedTuple):
    """One exchange as numbers."""

    told: list[Word]
    """Everything up to `<assistant>`."""
    answer: list[int]
    visual: bool = False
    """Whether visual words stand in the place of the picture."""


def lesson(tokenizer: ChatTokenizer, about: Sequence[Word], said: Exchange, visual: bool = False) -> TextExample:
    """Returns an exchange about a description as numbers."""
    before, after = tokenizer.before_image(), tokenizer.after_image(said.instruction)
    return TextExample([*once(before), *about, *once(after)], tokenizer.answer(said.answer), visual)


def once(ids: Sequence[int]) -> list[Word]:
    """Returns words that stand for themselves alone."""
    return [(index, index) for index in ids]


def text_words(tokenizer: ChatTokenizer, scene: Scene, rng: np.random.Generator) -> list[Word]:
    """Returns a description of the scene, in any wording."""
    return once(tokenizer.encode(context(scene, rng)))


def visual_words(tokenizer: ChatTokenizer, scene: Scene) -> list[Word]:
    """Returns the visual words of a scene, those whose vectors `train.visual_words.vectors` gives."""
    cells, whole = data.cell_targets(scene), data.scene_targets(scene)
    facts, around = list(data.CELL_FACTS), list(data.SCENE_FACTS)
    phrases = [WORDS[name][whole[around.index(name)]] for name in WHOLE]
    for place, row in zip(PLACES, cells.tolist(), strict=True):
        told = [place, *(WORDS[name][max(0, row[facts.index(name)])] for name in CELL[1:])]
        phrases += told if row[0] else [SILENT] * len(CELL)
    ids = [tokenizer.encode(phrase) for phrase in phrases]
    return [(each[0], each[-1]) for each in ids]


class ExchangeBatches:
    """Draws exchanges, those of like length together."""

    POOL = 16
    """Batches that are made at once and sorted by length."""

    def __init__(self, tokenizer: ChatTokenizer, key: object, start: int) -> None:
        """`start` is the step from which a stopped training goes on."""
        self.tokenizer, self.key, self.next = tokenizer, key, start * BATCH
        self.rng = np.random.default_rng(derive("exchanges", key, start))
        self.ready: list[list[TextExample]] = []

    def draw(self, progress: float) -> list[TextExample]:
        """Returns a batch; `progress` in [0, 1] decides how hard the scenes may be."""
        if not self.ready:
            most = next((things for share, things in EASY if progress < share), 6)
            drawn = sorted((self._lesson(most) for _ in range(self.POOL * BATCH)), key=lambda x: len(x.told + x.answer))
            self.ready = [drawn[i * BATCH : (i + 1) * BATCH] for i in self.rng.permutation(self.POOL)]
        return self.ready.pop()

    def _lesson(self, most: int) -> TextExample:
        self.next += 1
        scene = scene_for(self.key, self.next, most)
        visual = bool(self.rng.random() < VISUAL)
        about = visual_words(self.tokenizer, scene) if visual else text_words(self.tokenizer, scene, self.rng)
        return lesson(self.tokenizer, about, exchange(scene, self.rng), visual)


class Numbers(NamedTuple):
    """Exchanges as tensors."""

    words: Tensor
    """[batch, n, 2], padded."""
    answers: Tensor
    """[batch, n - 1]: whether the next word belongs to an answer."""
    told: Tensor
    """[batch, n - 1]: whether the next word belongs to a text that is not an answer."""
    visual: Tensor
    """[batch, n]: whether a visual word stands here."""


def stacked(lessons: Sequence[TextExample]) -> Numbers:
    """Returns exchanges as tensors."""
    rows = [[*one.told, *once(one.answer)] for one in lessons]
    width = max(map(len, rows))
    words = torch.tensor([row + [(PAD, PAD)] * (width - len(row)) for row in rows])
    starts = torch.tensor([len(one.told) for one in lessons])[:, None]
    at = torch.arange(width)
    slots = len(WHOLE) + len(CELL) * len(PLACES)
    visual = torch.tensor([one.visual for one in lessons])[:, None] & (at >= 3) & (at < 3 + slots)
    asked = words[:, 1:, 0] != PAD
    answers = (at[1:] >= starts) & asked
    return Numbers(words, answers, asked & ~answers & ~visual[:, 1:], visual)
