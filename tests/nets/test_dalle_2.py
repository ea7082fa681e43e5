"""Decoder, upsampler and the whole at toy size: shapes, conditions, guidance, seeds, and that it can learn at all."""

import dataclasses
import json

import pytest
import torch
from torch.nn import functional as F

from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.dalle_2 import EmbeddingScale, UnClip, UnClipConfig, UnclipSampling
from telephone.nets.dalle_2_prior import CodesConfig, PriorConfig
from telephone.nets.dalle_2_upsampler import Upsampler, UpsamplerConfig, corrupt, shrink
from telephone.nets.stable_diffusion import TextEncoderConfig, UNetConfig

PRIOR = PriorConfig(text_width=16, embedding=24, max_tokens=12, width=16, layers=1, heads=2)
CONFIG = UnClipConfig(
    embedding=24,
    text=TextEncoderConfig(words=tuple("abcdef"), max_tokens=12, width=16, layers=1, heads=2, queries=3),
    unet=UNetConfig(3, 16, 4, widths=(16, 24), heads=2, context_width=16, time_width=16),
    upsampler=UpsamplerConfig(widths=(8, 16), time_width=8),
    prior=PRIOR,
    ar_prior=PRIOR,
    codes=CodesConfig(components=5, bins=8, nearness=4),
)
TOKENS = torch.tensor([[1, 4, 5, 2, 0], [1, 6, 7, 8, 2]])
QUICK = UnclipSampling(steps=2, prior_steps=2)


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = UnClip(CONFIG).eval()
    for name, parameter in net.named_parameters():
        if name.endswith(("conv2.weight", "out.weight", "image_time.weight")):  # these start at zero
            torch.nn.init.normal_(parameter, std=0.2)
    torch.nn.init.normal_(net.decoder.null_context)
    return net


@pytest.fixture
def clip():
    torch.manual_seed(0)
    vision = VisionConfig(image_size=32, patch=8, stem=(), width=16, layers=1, heads=2)
    text = ClipTextConfig(words=tuple("abcdef"), max_tokens=12, width=16, layers=1, heads=2)
    return Clip(ClipConfig(vision, text, embedding=24)).eval()


@pytest.mark.parametrize("how", [QUICK, dataclasses.replace(QUICK, prior="autoregressive", eta=1.0)], ids=["a", "b"])
def test_a_seed_gives_its_picture_in_any_batch(net, clip, how):
    together = net.generate(clip, TOKENS, TOKENS, [1, 2], how)
    assert together.shape == (2, 3, 32, 32)
    assert together.abs().max() <= 1
    alone = net.generate(clip, TOKENS[1:], TOKENS[1:], [2], how)
    assert torch.allclose(together[1], alone[0], atol=1e-3)
    assert not torch.allclose(net.generate(clip, TOKENS[1:], TOKENS[1:], [3], how)[0], alone[0], atol=1e-2)


def test_of_several_candidates_the_nearest_to_the_sentence_is_kept(net, clip):
    words, sentence = clip.text_sequence(TOKENS)
    drawn = net.prior.sample(words, TOKENS != 0, sentence, [1, 2], candidates=5, steps=2)
    kept = net.sample_prior(clip, TOKENS, [1, 2], dataclasses.replace(QUICK, candidates=5))
    near = torch.einsum("bce,be->bc", net.space.denormalise(drawn), F.normalize(sentence, dim=-1))
    kept_near = (net.space.denormalise(kept) * F.normalize(sentence, dim=-1)).sum(-1)
    assert torch.allclose(kept_near, near.max(dim=1).values, atol=1e-5)


def test_another_prior_is_refused(net, clip):
    with pytest.raises(ValueError, match="choose one of diffusion, autoregressive"):
        net.sample_prior(clip, TOKENS, [1, 2], UnclipSampling(prior="oracle"))


def test_the_picture_follows_embedding_and_text(net):
    one, other = torch.randn(2, 1, 24)
    first = net.decode(one, TOKENS[:1], [1], QUICK)
    assert not torch.allclose(net.decode(other, TOKENS[:1], [1], QUICK), first, atol=1e-2)
    assert not torch.allclose(net.decode(one, TOKENS[1:], [1], QUICK), first, atol=1e-2)
    assert net.decode(one, None, [1], QUICK).shape == (1, 3, 16, 16)


def test_the_embedding_comes_by_the_time_and_by_four_tokens(net):
    image, text = torch.randn(2, 24), torch.randn(2, 3, 16)
    x, t = torch.randn(2, 3, 16, 16), torch.tensor([0.3, 0.8])
    tokens = net.decoder.image_tokens(image).reshape(2, 4, 16)
    expected = net.decoder(x, t, torch.cat([tokens, text], dim=1), net.decoder.image_time(image))
    drawn = net.decoder.draw(x, t, image, text)
    assert torch.allclose(drawn, expected, atol=1e-5)
    silent = net.decoder(x, t, torch.cat([tokens, text], dim=1))
    assert not torch.allclose(drawn, silent, atol=1e-3)


def test_guidance_pushes_away_from_knowing_nothing(net):
    image, text = torch.randn(2, 24), torch.randn(2, 3, 16)
    x, t = torch.randn(2, 3, 16, 16), torch.full((2,), 0.5)
    drop = torch.tensor([True, True])
    empty = net.decoder.draw(x, t, net.decoder.drop_image(image, drop), net.decoder.drop_context(text, drop))
    plain, pushed = (net.decoder.guided(image, text, guidance)(x, t) for guidance in (1.0, 2.0))
    assert torch.allclose(pushed - plain, plain - empty, atol=1e-4)


def test_scaled_embeddings_have_mean_0_and_variance_1_and_come_back():
    space, embeddings = EmbeddingScale(24), torch.randn(500, 24) * torch.rand(24) + 0.3
    space.measure(embeddings)
    scaled = space.normalise(embeddings * 7)
    assert torch.allclose(scaled.mean(0), torch.zeros(24), atol=1e-4)
    assert torch.allclose(scaled.std(0), torch.ones(24), atol=1e-3)
    assert torch.allclose(space.denormalise(scaled), F.normalize(embeddings, dim=-1), atol=1e-4)


def test_weights_come_back_from_two_files(net, clip, tmp_path):
    decoder, rest = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_weights(decoder, net, net.config, {}, ("decoder.",))
    save_weights(rest, net, net.config, {}, ("space.", "text_encoder.", "upsampler.", "prior.", "ar_prior."))
    again = UnClipConfig.from_dict(read_metadata(decoder)[0])
    assert json.dumps(dataclasses.asdict(again)) == json.dumps(dataclasses.asdict(net.config))
    twin = UnClip(again).eval()
    read_weights([decoder, rest], twin)
    image = torch.randn(1, 24)
    # stored in half precision
    assert torch.allclose(
        twin.decode(image, TOKENS[:1], [1], QUICK), net.decode(image, TOKENS[:1], [1], QUICK), atol=0.1
    )


def test_corruption_is_slight_and_differs_by_sample():
    x = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    spoiled = corrupt(x, torch.Generator().manual_seed(0))
    error = (spoiled - x).abs().mean((1, 2, 3))
    assert error.min() < 0.1 < error.max() < 0.5
    assert torch.equal(spoiled, corrupt(x, torch.Generator().manual_seed(0)))
    plain = torch.full((4, 3, 8, 8), 0.5)
    assert torch.allclose(corrupt(plain, torch.Generator(), noise=0.0), plain, atol=1e-6)  # a blur keeps plain ground


def test_blur_reaches_both_ways():
    dot = torch.zeros(1, 1, 5, 5).repeat(1, 3, 1, 1)
    dot[:, :, 2, 2] = 1
    blurred = corrupt(dot, torch.Generator().manual_seed(0), noise=0.0)
    assert torch.allclose(blurred.sum(), dot.sum(), atol=1e-5)
    assert (blurred[0, 0, 1:4, 1:4] > 0).all()
    assert torch.allclose(blurred, blurred.transpose(2, 3))


def test_the_upsampler_doubles_any_size_and_learns_edges():
    torch.manual_seed(0)
    net = Upsampler(UpsamplerConfig(widths=(8, 16), time_width=8))
    x = torch.ones(2, 3, 16, 24)
    x[0, :, :, 5:] = -1  # an edge in the middle of a small pixel
    x[1, :, 7:] = -1
    small = shrink(x)
    smooth = (net.enlarge(small, [1, 2], steps=0) - x).abs().mean()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(60):
        loss = (net(torch.randn_like(x), torch.full((2,), 0.996), small) - x).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    drawn = net.enlarge(small, [1, 2], steps=1)
    assert drawn.shape == x.shape
    assert (drawn - x).abs().mean() < smooth / 2
