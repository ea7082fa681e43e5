"""Mixed precision of training steps: bfloat16 where the machine computes with it, float32 elsewhere."""

import contextlib

import torch


def has_bfloat16(device: torch.device | str) -> bool:
    """Returns whether products in bfloat16 are faster than in float32 on this device."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported()
    capabilities = torch.cpu.get_capabilities() if kind == "cpu" else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def mixed_precision(device: torch.device | str) -> contextlib.AbstractContextManager[None]:
    """Returns a context in which matrix products and convolutions are computed in bfloat16, if that is faster.

    Weights, their gradients and the optimiser stay in float32; losses are to be computed outside, in float32.
    """
    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=has_bfloat16(device))
