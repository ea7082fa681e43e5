"""The blocks of DALL-E against those of `transformers` with the same random weights, and a whole GPT-2 of them."""

import pytest
import torch
from transformers import GPT2Config
from transformers.models.gpt2.modeling_gpt2 import GPT2Block

from telephone.nets.dalle_1 import Dalle1Config, GptBlock

WIDTH = 16


def _pair(seed):
    torch.manual_seed(seed)
    ours = GptBlock(Dalle1Config(width=WIDTH, heads=2, expand=4)).eval()
    config = GPT2Config(n_embd=WIDTH, n_head=2, n_layer=1, activation_function="gelu", n_positions=64)
    config._attn_implementation = "eager"
    theirs = GPT2Block(config, layer_idx=0).eval()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.3)
        attention = ours.attention
        # Their linear layers hold the transposed weight, and one matrix of queries, keys and values.
        theirs.attn.c_attn.weight.copy_(torch.cat([attention.query.weight, attention.key_value.weight]).T)
        theirs.attn.c_attn.bias.copy_(torch.cat([attention.query.bias, attention.key_value.bias]))
        for one, other in (
            (attention.out, theirs.attn.c_proj), (ours.grow, theirs.mlp.c_fc), (ours.shrink, theirs.mlp.c_proj),
        ):  # fmt: skip
            other.weight.copy_(one.weight.T)
            other.bias.copy_(one.bias)
        theirs.ln_1.load_state_dict(ours.norm1.state_dict())
        theirs.ln_2.load_state_dict(ours.norm2.state_dict())
    return ours, theirs


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_block_is_that_of_gpt_2(seed, sparse):
    ours, theirs = _pair(seed)
    x = torch.randn(2, 9, WIDTH)
    mask = torch.ones(9, 9, dtype=torch.bool).tril()
    if sparse:
        mask &= (torch.rand(9, 9) < 0.5) | torch.eye(9, dtype=torch.bool)
    additive = torch.zeros(1, 1, 9, 9).masked_fill(~mask, torch.finfo(torch.float32).min)
    with torch.no_grad():
        found = theirs(x, attention_mask=additive)
        found = found[0] if isinstance(found, tuple) else found
        assert torch.allclose(ours(x, mask), found, atol=1e-5)
