"""Finds outputs of a net that are not finite numbers, which a library turns into black images or arbitrary tokens.

They arise from damaged weights, and from half precision where a value exceeds the range of float16.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from telephone.core.errors import ModelError

_OTHERS = ("text_encoder", "image_encoder", "safety_checker", "feature_extractor", "tokenizer", "scheduler")
"""Components of a pipeline whose outputs are no images or latents."""


def not_a_number(name: str) -> ModelError:
    """Returns the error for an output of the model `name` that is not a finite number."""
    return ModelError(f"{name} computed values that are not a number: try dtype=float32; else its weights are damaged.")


@contextlib.contextmanager
def watched(components: Mapping[str, Any], size: int) -> Iterator[Callable[[], list[bool]]]:
    """Watches the denoisers and decoders of a pipeline while the block runs.

    Args:
        components: the parts of a pipeline by name.
        size: number of items in the batch; a net may compute several rows an item (guidance), item by item in order.

    Yields:
        a function that returns, for each item, whether one of its values was not finite.
    """
    import torch

    flags: list[torch.Tensor] = []

    def look(module: Any, given: Any, made: Any) -> None:
        rows = _tensor(made)
        if rows is None or not rows.is_floating_point() or rows.ndim == 0:
            return
        bad = ~torch.isfinite(rows.flatten(1) if rows.ndim > 1 else rows[:, None]).all(dim=1)
        # Rows that are no multiple of the batch size cannot be attributed to an item.
        flags.append(bad.view(-1, size).any(dim=0) if len(bad) % size == 0 else bad.any().expand(size))

    parts = [part for name, part in components.items() if not any(other in name for other in _OTHERS)]
    nets = [net for part in parts for net in (part, getattr(part, "decoder", None)) if isinstance(net, torch.nn.Module)]
    handles = [net.register_forward_hook(look) for net in nets]
    try:
        yield lambda: [any(bool(flag[at]) for flag in flags) for at in range(size)]
    finally:
        for handle in handles:
            handle.remove()


def nan_rows() -> Any:
    """Returns a logits processor that changes nothing; its list `seen` holds one tensor bool [rows] a step."""
    import torch
    from transformers import LogitsProcessor

    class NanRows(LogitsProcessor):
        def __init__(self) -> None:
            self.seen: list[torch.Tensor] = []

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            self.seen.append(torch.isnan(scores).any(dim=1))
            return scores

    return NanRows()


def _tensor(made: Any) -> Any:
    """Returns the tensor of a module's output: itself, or the first one of a tuple or an output class."""
    import torch

    if isinstance(made, Mapping):
        made = tuple(made.values())
    if isinstance(made, tuple | list):
        return next((each for each in made if isinstance(each, torch.Tensor)), None)
    return made if isinstance(made, torch.Tensor) else None
