"""Autoregressive decoding for all language models: greedy, beam search, or nucleus sampling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from telephone.nets.tokenizer import BOS, EOS, PAD

Step = Callable[[Int[Tensor, " batch"], int], Float[Tensor, "batch words"]]
"""Takes the newest tokens [batch] and their position, returns logits [batch, words]; keeps its own cache."""


@runtime_checkable
class ReorderableStep(Protocol):
    """A step whose cache can be reordered, as beam search requires."""

    def __call__(self, token: Int[Tensor, " batch"], position: int) -> Float[Tensor, "batch words"]:
        """Returns logits of the next token, as a `Step` does."""
        ...

    def reorder(self, rows: Int[Tensor, " other"]) -> None:
        """Makes row `rows[i]` of the cache its new row i; a row may be left out or repeated."""
        ...


@dataclass(frozen=True)
class Decoding:
    """Decoding options."""

    limit: int = 72
    """Maximum number of tokens."""
    temperature: float = 0.0
    """0 takes the most likely token; 1 samples from the model's distribution."""
    top_p: float = 0.9
    """Nucleus sampling: smallest set of tokens with this probability (Holtzman et al. 2020, section 3.1)."""
    beams: int = 1
    """Number of beams; more than one is a deterministic beam search."""
    no_repeat: int = 0
    """No n-gram of this size occurs twice in a text (Paulus et al. 2018, section 2.5); 0 allows all."""
    length_penalty: float = 1.0
    """Beam search compares log-probabilities divided by length to this power; 0 compares them as they are."""


@torch.no_grad()
def generate(step: Step | ReorderableStep, seeds: Sequence[int], how: Decoding) -> Int[Tensor, "batch length"]:
    """Generates one text a seed; a text depends on its own seed alone, independent of the batch.

    Args:
        step: the language model, one token at a time; a `ReorderableStep` if there are several beams.
        seeds: one a text; beam search needs only their number.
        how: decoding options.

    Returns:
        Tokens without `<bos>`, padded after `<eos>`.

    Raises:
        ValueError: several beams with a temperature, or with a step that cannot reorder its cache.
    """
    if how.beams > 1:
        if how.temperature > 0 or not isinstance(step, ReorderableStep):
            raise ValueError(
                "Beam search is deterministic and reorders the cache: set temperature to 0 and pass a ReorderableStep."
            )
        return _search(step, len(seeds), how)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    token = torch.full((len(seeds),), BOS)
    ended = torch.zeros(len(seeds), dtype=torch.bool)
    out = torch.zeros((len(seeds), 0), dtype=torch.long)
    for position in range(how.limit):
        logits = _without_repeats(step(token, position), out, how.no_repeat)
        token = logits.argmax(-1) if how.temperature <= 0 else _sample(logits, generators, how)
        token = torch.where(ended, PAD, token)
        out = torch.cat([out, token[:, None]], 1)
        ended |= token == EOS
        if bool(ended.all()):
            break
    return out


def _sample(
    logits: Float[Tensor, "batch words"], generators: Sequence[torch.Generator], how: Decoding
) -> Int[Tensor, " batch"]:
    chances, order = (logits / how.temperature).softmax(-1).sort(-1, descending=True)
    chances = chances.masked_fill(chances.cumsum(-1) - chances > how.top_p, 0)
    picks = [torch.multinomial(row, 1, generator=g) for row, g in zip(chances, generators, strict=True)]
    return order.gather(1, torch.stack(picks))[:, 0]


def _without_repeats(
    logits: Float[Tensor, "batch words"], tokens: Int[Tensor, "batch length"], size: int
) -> Float[Tensor, "batch words"]:
    """Forbids each token that would repeat an n-gram of `size` tokens of the text; never `<eos>`."""
    if size < 1 or tokens.shape[1] < size:
        return logits
    windows = tokens.unfold(1, size, 1)
    newest = tokens[:, None, tokens.shape[1] - size + 1 :]
    again: Bool[Tensor, "batch windows"] = (windows[:, :, :-1] == newest).all(-1)
    followers = windows[:, :, -1].masked_fill(~again, PAD)
    banned = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, followers, value=True)
    banned[:, [PAD, EOS]] = False
    return logits.masked_fill(banned, float("-inf"))


# --- beam search ----------------------------------------------------------------------------------------------------


class _Beams:
    """The beams and the best finished text of each item; all items in one batch."""

    def __init__(self, items: int, how: Decoding) -> None:
        """Starts with one empty text an item."""
        self.how = how
        self.tokens = torch.zeros((items, 1, 0), dtype=torch.long)
        self.scores = torch.zeros(items, 1)
        self.best = torch.full((items,), float("-inf"))
        self.texts = torch.full((items, how.limit), PAD)

    def choose(self, logits: Float[Tensor, "rows words"]) -> Int[Tensor, " kept"]:
        """Extends the beams by the most likely tokens; returns the rows that the new beams come from."""
        items, beams, length = self.tokens.shape
        flat = _without_repeats(logits, self.tokens.reshape(items * beams, length), self.how.no_repeat)
        chances = flat.log_softmax(-1).reshape(items, beams, -1) + self.scores[:, :, None]
        last = length + 1 == self.how.limit
        self._finish(chances[:, :, EOS], EOS)
        chances[:, :, [EOS, PAD]] = float("-inf")
        words = chances.shape[2]
        scores, picks = chances.flatten(1).topk(min(self.how.beams, beams * words), dim=1)
        source, word = picks // words, picks % words
        before = self.tokens.gather(1, source[:, :, None].expand(-1, -1, length))
        self.tokens, self.scores = torch.cat([before, word[:, :, None]], 2), scores
        if last:
            self.tokens = self.tokens[:, :, :-1]
            for beam in range(word.shape[1]):
                self._finish(scores.where(torch.arange(scores.shape[1]) == beam, float("-inf")), word[:, beam])
        return (source + torch.arange(items)[:, None] * beams).flatten()

    def _finish(self, scores: Float[Tensor, "items beams"], word: int | Int[Tensor, " items"]) -> None:
        """Ends the most likely beam of each item with a token, and keeps it if it is the best finished text so far."""
        length = self.tokens.shape[2] + 1
        score, beam = (scores / length**self.how.length_penalty).max(1)
        better = score > self.best
        tokens = self.tokens.gather(1, beam[:, None, None].expand(-1, 1, length - 1))[:, 0]
        text = torch.full_like(self.texts, PAD)
        text[:, : length - 1] = tokens
        text[:, length - 1] = word
        self.best = score.where(better, self.best)
        self.texts = text.where(better[:, None], self.texts)

    def done(self) -> bool:
        """Returns whether no beam can still become better than the finished texts."""
        length, penalty = self.tokens.shape[2], self.how.length_penalty
        divisor = max(self.how.limit**penalty, (length + 1) ** penalty)
        return bool((self.scores[:, 0] / divisor <= self.best).all())


def _search(step: ReorderableStep, items: int, how: Decoding) -> Int[Tensor, "batch length"]:
    beams = _Beams(items, how)
    token = torch.full((items,), BOS)
    for position in range(how.limit):
        rows = beams.choose(step(token, position))
        if beams.done() or position + 1 == how.limit:
            break
        step.reorder(rows)
        token = beams.tokens[:, :, -1].flatten()
    length = int((beams.texts != PAD).sum(1).max())
    return beams.texts[:, :length]
