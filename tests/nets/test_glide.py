"""GLIDE: text in self-attention against a brute-force definition and diffusers, known pixels, and what is unused."""

import pytest
import torch

from telephone.nets import diffusion
from telephone.nets.dalle_2_upsampler import Upsampler, UpsamplerConfig
from telephone.nets.glide import (
    Glide,
    GlideConfig,
    GlideSampling,
    GlideUNet,
    JointBlock,
    KnownPixels,
    TextUpsampler,
    all_masked,
)
from telephone.nets.stable_diffusion import TextEncoderConfig, UNetConfig

SMALL = UNetConfig(
    latent_channels=3, latent_size=8, patch=2, widths=(16, 16), heads=2, expand=(2, 2), context_width=16, time_width=16
)


def build(seed=0):
    torch.manual_seed(seed)
    text = TextEncoderConfig(words=("a", "red", "cat"), width=16, layers=1, heads=2)
    return Glide(GlideConfig(text, SMALL, UpsamplerConfig((8, 8), 16))).eval()


def shake(net):
    """Gives every weight a value, also those that start at zero."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return net


def known_of(batch=2, size=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.rand(batch, 1, size, size, generator=generator) < 0.5).float()
    return KnownPixels(torch.rand(batch, 3, size, size, generator=generator) * 2 - 1, mask)


def test_image_and_text_share_one_softmax():
    torch.manual_seed(0)
    block = JointBlock(8, 2, 6, 2)
    x, context = torch.randn(2, 5, 8), torch.randn(2, 3, 6)
    h = block.norm1(x)
    query = block.attention.query(h)
    keys, values = block.attention.key_value(h).chunk(2, dim=-1)
    text_keys, text_values = block.text_key_value(context).chunk(2, dim=-1)
    found = torch.zeros(2, 5, 8)
    for item in range(2):
        for head in range(2):
            part = slice(head * 4, head * 4 + 4)
            all_keys = torch.cat([text_keys[item, :, part], keys[item, :, part]])
            all_values = torch.cat([text_values[item, :, part], values[item, :, part]])
            for position in range(5):
                weights = (all_keys @ query[item, position, part] / 2).softmax(0)
                found[item, position, part] = weights @ all_values
    expected = x + block.attention.out(found)
    expected = expected + block.mlp(block.norm2(expected))
    assert torch.allclose(block(x, context), expected, atol=1e-5)


def test_the_attention_is_that_of_diffusers():
    from diffusers.models.attention_processor import Attention, AttnAddedKVProcessor2_0

    torch.manual_seed(0)
    block = JointBlock(16, 2, 12, 2)
    twin = Attention(
        16, heads=2, dim_head=8, added_kv_proj_dim=12, norm_num_groups=4, processor=AttnAddedKVProcessor2_0()
    )  # fmt: skip
    twin.group_norm = torch.nn.Identity()
    keys, values = block.attention.key_value.weight.chunk(2)
    text_keys, text_values = block.text_key_value.weight.chunk(2)
    weights = {
        "to_q": block.attention.query.weight,
        "to_k": keys,
        "to_v": values,
        "add_k_proj": text_keys,
        "add_v_proj": text_values,
    }
    with torch.no_grad():
        for name, weight in weights.items():
            linear = getattr(twin, name)
            linear.weight.copy_(weight)
            if linear.bias is not None:
                linear.bias.zero_()
        twin.to_out[0].load_state_dict(block.attention.out.state_dict())
    x, context = torch.randn(2, 9, 16), torch.randn(2, 3, 12)
    h = block.norm1(x)
    keys, values = block.attention.keys(h)
    text = block.text_key_value(context).unflatten(-1, (2, 2, -1)).unbind(2)
    joint = [torch.cat([part.transpose(1, 2), own], dim=2) for part, own in zip(text, (keys, values), strict=True)]
    ours = h + block.attention.attend(h, tuple(joint))  # the twin adds its input
    theirs = twin(h.transpose(1, 2).unflatten(2, (3, 3)), encoder_hidden_states=context)
    assert torch.allclose(ours, theirs.flatten(2).transpose(1, 2), atol=1e-5)


def test_at_first_the_further_inputs_change_nothing():
    torch.manual_seed(0)
    unet = GlideUNet(SMALL, 0.09)
    x, t, text = torch.randn(2, 3, 8, 8), torch.tensor([0.3, 0.8]), torch.randn(2, 7, 16)
    first = unet.draw(x, t, text, all_masked(2, 8, x))
    assert torch.equal(first, unet.draw(x, t, text, known_of()))
    shake(unet)
    assert not torch.equal(unet.draw(x, t, text, all_masked(2, 8, x)), unet.draw(x, t, text, known_of()))


def test_what_is_masked_is_no_input():
    unet = shake(GlideUNet(SMALL, 0.09))
    x, t, text, known = torch.randn(2, 3, 8, 8), torch.tensor([0.3, 0.8]), torch.randn(2, 7, 16), known_of()
    other = KnownPixels(torch.where(known.mask > 0, torch.randn_like(known.image), known.image), known.mask)
    assert torch.equal(unet.draw(x, t, text, known), unet.draw(x, t, text, other))


def test_a_small_pixel_is_drawn_if_one_of_its_four_is():
    mask = torch.zeros(1, 1, 4, 4)
    mask[0, 0, 1, 2] = 1
    small = KnownPixels(torch.ones(1, 3, 4, 4), mask).small()
    assert small.mask[0, 0].tolist() == [[0, 1], [0, 0]]
    assert small.image.shape == (1, 3, 2, 2)


def test_known_pixels_stay_and_the_others_are_drawn():
    net = shake(build())
    tokens, known = torch.tensor([[4, 5], [6, 0]]), known_of(size=16)
    drawn = net.generate(tokens, [1, 2], GlideSampling(steps=3), known)
    outside = (known.mask == 0).expand_as(drawn)
    assert torch.equal(drawn[outside], known.image[outside])
    assert (drawn[~outside] != known.image[~outside]).float().mean() > 0.9
    nothing = KnownPixels(known.image, torch.zeros_like(known.mask))
    assert torch.equal(net.generate(tokens, [1, 2], GlideSampling(steps=2), nothing), known.image)


def test_without_known_pixels_all_is_masked():
    net, tokens = shake(build()), torch.tensor([[4, 5], [6, 0]])
    whole = all_masked(2, net.size, torch.zeros(1))
    how = GlideSampling(steps=2)
    assert torch.equal(net.generate(tokens, [1, 2], how), net.generate(tokens, [1, 2], how, whole))


@pytest.mark.parametrize("solver", ["ddim", "dpm++"])
def test_a_seed_gives_the_same_image_in_any_batch(solver):
    net, tokens = shake(build()), torch.tensor([[4, 5], [6, 0], [4, 6]])
    how = GlideSampling(steps=3, solver=solver, eta=0.5 if solver == "ddim" else 0.0)
    together = net.generate(tokens, [1, 2, 3], how)
    for row in range(3):
        alone = net.generate(tokens[row : row + 1], [row + 1], how)
        assert torch.allclose(alone[0], together[row], atol=1e-4)


def test_guidance_1_ignores_the_empty_text_and_more_moves_away_from_it():
    net = shake(build())
    x, t, text = torch.randn(2, 3, 8, 8), torch.tensor([0.5, 0.5]), torch.randn(2, 7, 16)
    known = all_masked(2, 8, x)
    empty = net.unet.null_context.expand_as(text)
    plain, without = net.unet.draw(x, t, text, known), net.unet.draw(x, t, empty, known)
    assert torch.allclose(net.unet.guided(text, 1.0, known)(x, t), plain, atol=1e-6)
    assert torch.allclose(net.unet.guided(text, 3.0, known)(x, t), diffusion.guided(plain, without, 3.0), atol=1e-5)


def test_the_upsampler_starts_as_that_without_text():
    torch.manual_seed(0)
    net = TextUpsampler(UpsamplerConfig((8, 8), 16), 16)
    small, text = torch.rand(2, 3, 8, 8), torch.randn(2, 7, 16)
    x, t = torch.randn(2, 3, 16, 16), torch.tensor([0.2, 0.9])
    first = net.draw(x, t, small, text, all_masked(2, 16, x))
    assert torch.equal(first, net.draw(x, t, small, -text, known_of(size=16)))
    plain, own = Upsampler(UpsamplerConfig((8, 8), 16)), net.state_dict()
    shapes = {name: value.shape for name, value in plain.state_dict().items()}
    plain.load_state_dict({name: own[name][:, :15] if "conv_in.w" in name else own[name] for name in shapes})
    assert torch.allclose(first, plain(x, t, small), atol=1e-6)


def test_the_config_survives_json():
    import dataclasses
    import json

    config = build().config
    assert GlideConfig.from_dict(json.loads(json.dumps(dataclasses.asdict(config)))) == config
