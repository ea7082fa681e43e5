"""Writing a text token by token, once for all language models: greedy, or by nucleus sampling with a temperature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from telephone.nets.tokenizer import BOS, EOS, PAD

Step = Callable[[Int[Tensor, " batch"], int], Float[Tensor, "batch words"]]
"""Takes the newest tokens [batch] and their position, returns logits [batch, words]; keeps its own state."""


@dataclass(frozen=True)
class Decoding:
    """How words are chosen."""

    limit: int = 72
    """Most tokens of an answer."""
    temperature: float = 0.0
    """0 takes the likeliest word; 1 samples from the model's own distribution."""
    top_p: float = 0.9
    """Nucleus: sample among the likeliest words that hold this share (Holtzman et al. 2020, section 3.1)."""


@torch.no_grad()
def generate(step: Step, seeds: Sequence[int], how: Decoding) -> Int[Tensor, "batch length"]:
    """Writes one text a seed; an answer depends on its own seed alone, whatever batch it is in.

    Args:
        step: the language model, one token at a time.
        seeds: one a text.
        how: limit, temperature and nucleus.

    Returns:
        Tokens without `<bos>`, padded after `<eos>`.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    token = torch.full((len(seeds),), BOS)
    ended = torch.zeros(len(seeds), dtype=torch.bool)
    out: list[Tensor] = []
    for position in range(how.limit):
        logits = step(token, position)
        token = logits.argmax(-1) if how.temperature <= 0 else _sample(logits, generators, how)
        token = torch.where(ended, PAD, token)
        out.append(token)
        ended |= token == EOS
        if bool(ended.all()):
            break
    return torch.stack(out, dim=1)


def _sample(
    logits: Float[Tensor, "batch words"], generators: Sequence[torch.Generator], how: Decoding
) -> Int[Tensor, " batch"]:
    chances, order = (logits / how.temperature).softmax(-1).sort(-1, descending=True)
    chances = chances.masked_fill(chances.cumsum(-1) - chances > how.top_p, 0)
    picks = [torch.multinomial(row, 1, generator=g) for row, g in zip(chances, generators, strict=True)]
    return order.gather(1, torch.stack(picks))[:, 0]
