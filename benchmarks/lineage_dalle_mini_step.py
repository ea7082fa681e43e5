"""What one training step of DALL-E mini costs: CPU milliseconds an image, by precision, attention and size of squares.

python benchmarks/lineage_dalle_mini_step.py
"""

import contextlib
import time

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from telephone.nets.dalle_mini import BartConfig, DalleMini, DalleMiniConfig, to_squares

STEPS = 5


def milliseconds(square: int, heads: int, bfloat16: bool, plain: bool, batch: int) -> float:
    """Returns the least CPU time of a few steps, which other programs disturb least."""
    net = DalleMini(DalleMiniConfig(bart=BartConfig(heads=heads), square=square))
    net.text_encoder.requires_grad_(requires_grad=False)
    optimizer = torch.optim.AdamW([weight for weight in net.parameters() if weight.requires_grad], lr=1e-3)
    squares = to_squares(torch.randint(net.config.codes, (batch, 16, 16)), square)
    context = torch.randn(batch, net.config.text.queries, net.config.text.width)
    taken = []
    for _ in range(STEPS):
        clock = time.process_time()
        with (
            sdpa_kernel(SDPBackend.MATH) if plain else contextlib.nullcontext(),
            torch.autocast("cpu", torch.bfloat16, enabled=bfloat16),
        ):
            logits = net(squares, context)
        loss = F.cross_entropy(logits.float().flatten(0, 2), squares.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        taken.append(time.process_time() - clock)
    return 1000 * min(taken) / batch


def main() -> None:
    torch.set_num_threads(1)
    print("| codes a position | heads | precision | attention | images a step | ms an image |")
    print("|---|---|---|---|---|---|")
    for square, heads, bfloat16, plain, batch in (
        (1, 6, False, False, 16),
        (1, 6, True, False, 16),
        (1, 6, True, True, 16),
        (2, 6, False, False, 16),
        (2, 6, True, False, 16),
        (2, 6, True, True, 16),
        (2, 4, True, True, 16),
        (2, 4, True, True, 32),
    ):
        cost = milliseconds(square, heads, bfloat16, plain, batch)
        precision, attention = "bfloat16" if bfloat16 else "float32", "matrix products" if plain else "fused"
        print(f"| {square**2} | {heads} | {precision} | {attention} | {batch} | {cost:.1f} |", flush=True)


if __name__ == "__main__":
    main()
