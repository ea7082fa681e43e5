"""Layers against those of diffusers and PyTorch, with the same random weights.

The same architecture: the residual block (ResnetBlock2D with scale and shift), the transformer block
(BasicTransformerBlock), the block over a feature map (Transformer2DModel), the time features, and BLIP's mixture block
(PyTorch's decoder layer). Not the same, and therefore not compared: the autoencoder (a pixel shuffle and no attention,
where AutoencoderKL strides), the U-Net as a whole (it sees patches of latents, and the text joins the time embedding),
the text encoder (convolutions and a resampler), and BLIP as a whole (the norm stands before each layer, not behind).
"""

import pytest
import torch
from diffusers import Transformer2DModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.embeddings import get_timestep_embedding
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

from telephone.nets.blip import Blip, BlipConfig, BlipTextConfig, ImageEncoderConfig, MixtureBlock
from telephone.nets.layers import ResBlock, TransformerBlock
from telephone.nets.stable_diffusion import SpatialTransformer, UNetConfig, time_features

WIDTH, HEADS = 16, 4


def shaken(net):
    """Gives every weight a random value: those that start at zero or one would hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return net.eval()


def same(pairs):
    """Copies weights from ours to theirs."""
    for ours, theirs in pairs:
        theirs.load_state_dict(ours.state_dict())


def split_attention(ours, theirs):
    """Copies attention to a twin that keeps keys and values apart."""
    key, value = ours.key_value.weight.chunk(2)
    with torch.no_grad():
        theirs.to_q.weight.copy_(ours.query.weight)
        theirs.to_k.weight.copy_(key)
        theirs.to_v.weight.copy_(value)
    theirs.to_out[0].load_state_dict(ours.out.state_dict())


def joined_attention(ours, theirs):
    """Copies attention to a twin that keeps queries, keys and values together."""
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.zero_()
    theirs.out_proj.load_state_dict(ours.out.state_dict())


def copy_block(ours, theirs):
    split_attention(ours.self_attention, theirs.attn1)
    same([(ours.norm1, theirs.norm1), (ours.norm2, theirs.norm3)])
    same([(ours.mlp[0], theirs.ff.net[0].proj), (ours.mlp[2], theirs.ff.net[2])])
    if ours.cross_attention is not None:
        split_attention(ours.cross_attention, theirs.attn2)
        same([(ours.cross_norm, theirs.norm2)])


@pytest.mark.parametrize("outputs", [16, 24])
@pytest.mark.parametrize("time_width", [None, 12])
def test_residual_block(outputs, time_width):
    ours = shaken(ResBlock(16, outputs, time_width))
    theirs = ResnetBlock2D(
        in_channels=16,
        out_channels=outputs,
        temb_channels=time_width,
        groups=8,
        eps=1e-5,
        time_embedding_norm="scale_shift" if time_width else "default",
    ).eval()
    same([(getattr(ours, name), getattr(theirs, name)) for name in ("norm1", "conv1", "norm2", "conv2")])
    if outputs != 16:
        same([(ours.shortcut, theirs.conv_shortcut)])
    if time_width:
        same([(ours.time, theirs.time_emb_proj)])
    x, time = torch.randn(2, 16, 5, 5), torch.randn(2, time_width) if time_width else None
    assert torch.allclose(ours(x, time), theirs(x, time), atol=1e-4)


@pytest.mark.parametrize("context_width", [None, 10])
@pytest.mark.parametrize("expand", [4, 2])
def test_transformer_block(context_width, expand):
    ours = shaken(TransformerBlock(WIDTH, HEADS, context_width, expand))
    theirs = BasicTransformerBlock(
        WIDTH,
        HEADS,
        WIDTH // HEADS,
        cross_attention_dim=context_width,
        activation_fn="gelu",
        ff_inner_dim=expand * WIDTH,
    ).eval()
    copy_block(ours, theirs)
    x = torch.randn(2, 6, WIDTH)
    context = torch.randn(2, 3, context_width) if context_width else None
    assert torch.allclose(ours(x, context), theirs(x, encoder_hidden_states=context), atol=1e-4)


def test_transformer_block_with_padding_equals_pytorchs_own():
    ours = shaken(TransformerBlock(WIDTH, HEADS))
    theirs = nn.TransformerEncoderLayer(
        WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )  # left in training mode: the short cut of evaluation gives zeros where there is padding
    joined_attention(ours.self_attention, theirs.self_attn)
    same([(ours.norm1, theirs.norm1), (ours.norm2, theirs.norm2)])
    same([(ours.mlp[0], theirs.linear1), (ours.mlp[2], theirs.linear2)])
    x, mask = torch.randn(2, 5, WIDTH), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]).bool()
    assert torch.allclose(ours(x, mask=mask), theirs(x, src_key_padding_mask=~mask), atol=1e-4)


def test_spatial_transformer():
    """Ours has a learned position, theirs a projection at the entrance: one is set to zero, the other to one."""
    ours = shaken(SpatialTransformer(WIDTH, 3, 4, UNetConfig(heads=HEADS, context_width=10)))
    theirs = Transformer2DModel(
        HEADS,
        WIDTH // HEADS,
        in_channels=WIDTH,
        norm_num_groups=8,
        cross_attention_dim=10,
        activation_fn="gelu",
        use_linear_projection=True,
    ).eval()
    theirs.norm.eps = 1e-5
    nn.init.zeros_(ours.position)
    nn.init.eye_(theirs.proj_in.weight)
    nn.init.zeros_(theirs.proj_in.bias)
    same([(ours.norm, theirs.norm), (ours.out, theirs.proj_out)])
    copy_block(ours.block, theirs.transformer_blocks[0])
    x, context = torch.randn(2, WIDTH, 3, 3), torch.randn(2, 4, 10)
    (expected,) = theirs(x, encoder_hidden_states=context, return_dict=False)
    assert torch.allclose(ours(x, context), expected, atol=1e-4)


def test_time_features():
    """Theirs count 1,000 times from the highest frequency down, ours are from 1 up."""
    t = torch.tensor([0.0, 0.01, 0.5, 0.996])
    theirs = get_timestep_embedding(t, 64, scale=1000, max_period=1000).unflatten(1, (2, 32)).flip(2).flatten(1)
    assert torch.allclose(time_features(t), theirs, atol=1e-3)


def decoder_layer(ours, self_attention):
    theirs = nn.TransformerDecoderLayer(
        WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    joined_attention(self_attention, theirs.self_attn)
    joined_attention(ours.cross, theirs.multihead_attn)
    same([(getattr(ours, name), getattr(theirs, name)) for name in ("norm1", "norm2", "norm3")])
    same([(ours.mlp[0], theirs.linear1), (ours.mlp[2], theirs.linear2)])
    return theirs


def test_blips_decoder_layer_equals_pytorchs_own():
    ours = shaken(MixtureBlock(BlipTextConfig(width=WIDTH, heads=HEADS), WIDTH))
    theirs = decoder_layer(ours, ours.causal)
    x, image = torch.randn(2, 5, WIDTH), torch.randn(2, 7, WIDTH)
    ahead = torch.ones(5, 5).triu(1).bool()
    assert torch.allclose(ours.decode(x, ours.cross.keys(image)), theirs(x, image, tgt_mask=ahead), atol=1e-4)


def test_blips_grounded_encoder_layer_equals_pytorchs_own():
    ours = shaken(MixtureBlock(BlipTextConfig(width=WIDTH, heads=HEADS), WIDTH))
    theirs = decoder_layer(ours, ours.bidirectional)
    x, image = torch.randn(2, 5, WIDTH), torch.randn(2, 7, WIDTH)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]).bool()
    assert torch.allclose(ours.encode(x, mask, image), theirs(x, image, tgt_key_padding_mask=~mask), atol=1e-4)


def test_blips_contrastive_loss_equals_that_of_transformers():
    from transformers.models.blip.modeling_blip import image_text_contrastive_loss

    torch.manual_seed(0)
    image = ImageEncoderConfig(image_size=16, stem=(8, 8, 16), width=16, layers=1, heads=2)
    text = BlipTextConfig(words=tuple("abcd"), max_tokens=8, width=16, layers=1, heads=2, embedding=8)
    net = Blip(BlipConfig(image, text)).eval()
    patches = net.image_encoder(torch.randn(3, 3, 16, 16))
    loss, similarity = net.itc_loss(patches, torch.tensor([[1, 4, 2], [1, 5, 2], [1, 6, 2]]))
    assert torch.allclose(loss, image_text_contrastive_loss(similarity.T))
