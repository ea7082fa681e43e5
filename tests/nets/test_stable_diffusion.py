"""The whole net at toy size: shapes, guidance, seeds, and that it can learn at all."""

import dataclasses
import json

import pytest
import torch

from telephone.nets.checkpoint import Ema, read_metadata, read_weights, save_weights
from telephone.nets.stable_diffusion import (
    AutoencoderConfig,
    DiffusionSampling,
    EditedImages,
    LatentDiffusion,
    LatentDiffusionConfig,
    TextEncoderConfig,
    UNetConfig,
    time_features,
)


@pytest.fixture
def net():
    torch.manual_seed(0)
    config = LatentDiffusionConfig(
        AutoencoderConfig(latent_channels=4, encoder_width=8, decoder_width=16),
        TextEncoderConfig(words=tuple("abcdef"), max_tokens=12, width=16, layers=1, heads=2, queries=3),
        UNetConfig(latent_channels=4, latent_size=8, widths=(16, 24), heads=2, context_width=16, time_width=16),
    )
    net = LatentDiffusion(config).eval()
    for name, parameter in net.named_parameters():
        if name.endswith(("conv2.weight", "out.weight")):  # these start at zero, which would hide everything
            torch.nn.init.normal_(parameter, std=0.2)
    torch.nn.init.normal_(net.unet.null_context)
    return net


TOKENS = torch.tensor([[1, 4, 5, 2, 0], [1, 6, 7, 8, 2]])


def test_pictures_have_their_size_and_range(net):
    pictures = net.generate(TOKENS, [1, 2], DiffusionSampling(steps=3))
    assert pictures.shape == (2, 3, 32, 32)
    assert pictures.abs().max() <= 1


@pytest.mark.parametrize(
    "how", [DiffusionSampling(steps=3), DiffusionSampling(steps=3, solver="ddim", eta=1.0)], ids=["dpm++", "ddim"]
)
def test_a_seed_gives_its_picture_in_any_batch(net, how):
    together = net.generate(TOKENS, [1, 2], how)
    alone = net.generate(TOKENS[1:], [2], how)
    assert torch.allclose(together[1], alone[0], atol=1e-4)
    assert not torch.allclose(net.generate(TOKENS[1:], [3], how)[0], alone[0], atol=1e-2)


def test_the_picture_follows_the_text(net):
    one, other = net.generate(TOKENS, [1, 1], DiffusionSampling(steps=3))
    assert not torch.allclose(one, other, atol=1e-2)


def test_guidance_pushes_away_from_the_empty_text(net):
    context = net.text_encoder(TOKENS)
    x, t = torch.randn(2, 4, 8, 8), torch.full((2,), 0.5)
    plain, pushed = net.denoiser(context, 1.0)(x, t), net.denoiser(context, 2.0)(x, t)
    empty = net.denoiser(net.unet.null_context.expand_as(context), 1.0)(x, t)
    assert torch.allclose(pushed - plain, plain - empty, atol=1e-4)


def test_padding_does_not_change_the_reading(net):
    longer = torch.nn.functional.pad(TOKENS, (0, 4))
    assert torch.allclose(net.text_encoder(TOKENS), net.text_encoder(longer), atol=1e-5)


def test_dropped_texts_become_the_empty_one(net):
    context = net.text_encoder(TOKENS)
    dropped = net.unet.drop_context(context, torch.tensor([True, False]))
    assert torch.equal(dropped[0], net.unet.null_context[0].expand(3, -1))
    assert torch.equal(dropped[1], context[1])


def test_the_autoencoder_learns_a_picture():
    torch.manual_seed(0)
    net = LatentDiffusion(
        LatentDiffusionConfig(AutoencoderConfig(latent_channels=4, encoder_width=8, decoder_width=16))
    ).autoencoder
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        loss = (net.decode(net.encode(x)) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 3


def test_a_weight_file_knows_its_own_shape(net, tmp_path):
    path, rest = tmp_path / "net.safetensors", tmp_path / "rest.safetensors"
    save_weights(path, net, net.config, {"seed": 3}, ("unet.", "text_encoder."))
    save_weights(rest, net, net.config, {}, ("autoencoder.",))
    config, about = read_metadata(path)
    assert about == {"seed": 3}
    again = LatentDiffusionConfig.from_dict(config)
    assert json.dumps(dataclasses.asdict(again)) == json.dumps(dataclasses.asdict(net.config))
    twin = LatentDiffusion(again).eval()
    with pytest.raises(RuntimeError, match="autoencoder"):
        read_weights([path], twin)
    read_weights([path, rest], twin)
    assert torch.allclose(twin.text_encoder(TOKENS), net.text_encoder(TOKENS), atol=2e-2)  # stored in half precision


def test_time_features_tell_times_apart():
    features = time_features(torch.tensor([0.0, 0.001, 0.5]))
    assert features.shape == (3, 64)
    assert (features[0] - features[1]).abs().max() > 0.5


def test_the_average_follows_the_weights():
    layer = torch.nn.Linear(1, 1)
    ema = Ema(layer, decay=0.9)
    with torch.no_grad():
        layer.weight.fill_(10.0)
    for _ in range(100):
        ema.update(layer)
    assert abs(float(ema.weights["weight"]) - 10) < 0.1


def test_an_edit_at_full_strength_hardly_depends_on_the_image(net):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    full = [net.edit(TOKENS, [1, 2], EditedImages(each, 1.0), DiffusionSampling(steps=3)) for each in (images, -images)]
    assert (full[0] - full[1]).abs().mean() < 0.1 * full[0].std()


def test_latents_outside_a_mask_are_those_of_the_image(net):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        known = net.autoencoder.decode(net.autoencoder.encode(images)).clamp(-1, 1)
    black, one = torch.zeros(2, 1, 32, 32), torch.zeros(2, 1, 32, 32)
    one[:, :, 5, 5] = 1
    kept = net.edit(TOKENS, [1, 2], EditedImages(images, 0.8, black))
    torch.testing.assert_close(kept, known, atol=1e-4, rtol=0)
    edits = EditedImages(images, 0.8, one)
    assert edits.latent_mask(torch.zeros(2, 4, 8, 8)).sum() == 2
    assert not torch.allclose(net.edit(TOKENS, [1, 2], edits), known, atol=1e-3)


def test_an_edit_refuses_a_strength_out_of_range(net):
    for strength in (0.0, 1.1):
        with pytest.raises(ValueError, match="strength"):
            net.edit(TOKENS, [1, 2], EditedImages(torch.zeros(2, 3, 32, 32), strength))
