"""The layers of DALL-E mini against those of `transformers` with the same random weights: BART's and mBART's.

BART normalises after each residual sum, mBART before each part; everything else is equal. Not compared is the net as a
whole: its positions are squares of codes, and its text encoder is that of the pocket latent diffusion model.
"""

import pytest
import torch
from transformers import BartConfig as TheirConfig
from transformers import MBartConfig
from transformers.models.bart.modeling_bart import BartDecoderLayer, BartEncoderLayer
from transformers.models.mbart.modeling_mbart import MBartDecoderLayer, MBartEncoderLayer

from telephone.nets.dalle_mini import BartConfig, BartDecoderBlock, BartEncoderBlock

SIZES = {"d_model": 16, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
SIZES |= {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "activation_function": "gelu", "dropout": 0.0}
TWINS = {
    True: (TheirConfig, BartEncoderLayer, BartDecoderLayer),
    False: (MBartConfig, MBartEncoderLayer, MBartDecoderLayer),
}


def _randomised(net):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return net.eval()


def _copy_attention(ours, theirs):
    for name, layer in (("q_proj", ours.query), ("out_proj", ours.out)):
        getattr(theirs, name).load_state_dict(layer.state_dict())
    for name, weight, bias in zip(
        ("k_proj", "v_proj"), ours.key_value.weight.chunk(2), ours.key_value.bias.chunk(2), strict=True
    ):
        getattr(theirs, name).load_state_dict({"weight": weight, "bias": bias})


def _copy(ours, theirs):
    _copy_attention(ours.self_attention, theirs.self_attn)
    pairs = [(ours.self_norm, theirs.self_attn_layer_norm), (ours.norm, theirs.final_layer_norm)]
    pairs += [(ours.grow, theirs.fc1), (ours.shrink, theirs.fc2)]
    if isinstance(ours, BartDecoderBlock):
        _copy_attention(ours.cross_attention, theirs.encoder_attn)
        pairs.append((ours.cross_norm, theirs.encoder_attn_layer_norm))
    for one, other in pairs:
        other.load_state_dict(one.state_dict())


def _additive(allowed):
    return torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)


def _tensor(output):
    return output[0] if isinstance(output, tuple) else output


@pytest.fixture
def padding():
    """[batch, 1, 1, m]: true at valid positions of two texts of five and three words."""
    return torch.tensor([[True] * 5, [True] * 3 + [False] * 2])


@pytest.mark.parametrize("post_norm", [True, False])
def test_an_encoder_block_equals_the_library_s(post_norm, padding):
    make, layer, _ = TWINS[post_norm]
    ours = _randomised(BartEncoderBlock(BartConfig(width=16, heads=2, expand=2, post_norm=post_norm)))
    config = make(**SIZES)
    config._attn_implementation = "eager"
    theirs = layer(config).eval()
    _copy(ours, theirs)
    x = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = _tensor(theirs(x, _additive(padding[:, None, None].expand(-1, -1, 5, -1))))
        assert torch.allclose(ours(x, padding), expected, atol=1e-5)


@pytest.mark.parametrize("post_norm", [True, False])
def test_a_decoder_block_equals_the_library_s(post_norm, padding):
    make, _, layer = TWINS[post_norm]
    ours = _randomised(BartDecoderBlock(BartConfig(width=16, heads=2, expand=2, post_norm=post_norm)))
    config = make(**SIZES)
    config._attn_implementation = "eager"
    theirs = layer(config).eval()
    _copy(ours, theirs)
    generator = torch.Generator().manual_seed(1)
    x, text = torch.randn(2, 6, 16, generator=generator), torch.randn(2, 5, 16, generator=generator)
    causal = torch.ones(6, 6, dtype=torch.bool).tril().expand(2, 1, -1, -1)
    with torch.no_grad():
        expected = _tensor(
            theirs(
                x,
                attention_mask=_additive(causal),
                encoder_hidden_states=text,
                encoder_attention_mask=_additive(padding[:, None, None].expand(-1, -1, 6, -1)),
                use_cache=False,
            )
        )
        found = ours.decode(x, ours.cross_attention.keys(text), mask=padding)
    assert torch.allclose(found, expected, atol=1e-5)
