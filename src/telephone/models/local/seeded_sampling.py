"""Sampling with one seed per item, so that results do not depend on the batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def sampler(seeds: Sequence[int], temperature: float, top_p: float) -> Any:
    """Returns logits processors after which greedy decoding samples at this temperature.

    Adding noise of a Gumbel distribution to the logarithms of chances makes the greatest one a sample of them; so the
    library's greedy search draws at random, and the random numbers are each item's own.

    Args:
        seeds: one per item of the batch.
        temperature: above 0; 1 leaves the probabilities unchanged.
        top_p: in (0, 1]; nucleus sampling threshold.
    """
    import torch
    from transformers import LogitsProcessor, LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

    class Gumbel(LogitsProcessor):
        def __init__(self) -> None:
            # One processor per call: the generators continue from token to token.
            self.generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]

        def __call__(self, input_ids: "Tensor", scores: "Tensor") -> "Tensor":
            width = scores.shape[1]
            uniform = torch.stack([torch.rand(width, generator=one, dtype=torch.float64) for one in self.generators])
            noise = -torch.log(-torch.log(uniform.clamp(1e-12, 1 - 1e-12)))
            return scores.float() + noise.to(scores.device, torch.float32)

    made = LogitsProcessorList([TemperatureLogitsWarper(float(temperature))])
    if top_p < 1:
        made.append(TopPLogitsWarper(float(top_p)))
    made.append(Gumbel())
    return made
