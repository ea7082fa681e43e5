"""The shared layers against PyTorch's own: the same weights give the same numbers."""

import torch
from torch import nn

from telephone.nets.layers import Attention, ResBlock, TransformerBlock


def test_attention_equals_pytorchs_own():
    torch.manual_seed(0)
    ours, theirs = Attention(16, None, 4), nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.zero_()
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    x = torch.randn(2, 5, 16)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
    expected, _ = theirs(x, x, x, key_padding_mask=~mask)
    assert torch.allclose(ours(x, mask=mask), expected, atol=1e-5)


def test_causal_attention_does_not_look_ahead():
    torch.manual_seed(0)
    attention = Attention(8, None, 2)
    x = torch.randn(1, 6, 8)
    changed = x.clone()
    changed[:, 4:] += 1
    before = attention.attend(x, attention.keys(x), causal=True)
    after = attention.attend(changed, attention.keys(changed), causal=True)
    assert torch.allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not torch.allclose(before[:, 4:], after[:, 4:], atol=1e-3)


def test_transformer_block_looks_at_its_context():
    torch.manual_seed(0)
    block = TransformerBlock(8, 2, context_width=6)
    x, context = torch.randn(2, 3, 8), torch.randn(2, 4, 6)
    assert block(x, context).shape == x.shape
    assert not torch.allclose(block(x, context), block(x, context + 1))


def test_res_block_starts_as_its_shortcut_and_knows_the_time():
    torch.manual_seed(0)
    block = ResBlock(8, 8, time_width=4)
    x, time = torch.randn(2, 8, 4, 4), torch.randn(2, 4)
    assert torch.allclose(block(x, time), x + block.conv2.bias[:, None, None])
    nn.init.normal_(block.conv2.weight)
    assert not torch.allclose(block(x, time), block(x, time + 1))
