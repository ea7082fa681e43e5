"""CLIP for noised images: what it is at the start, scores, and guidance along their gradient."""

import pytest
import torch
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.clip import ClipImageEncoder, VisionConfig
from telephone.nets.noised_clip import NoisedClip, NoisedClipConfig, clean_score, clip_guided, noised_score

VISION = VisionConfig(image_size=16, patch=8, stem=(8, 8, 8), width=16, layers=1, heads=2, queries=2)


def build():
    torch.manual_seed(0)
    return NoisedClip(NoisedClipConfig(VISION, 8)).eval()


@pytest.mark.parametrize("queries", [0, 2])
def test_at_first_it_is_the_encoder_of_clean_images_at_all_times(queries):
    torch.manual_seed(0)
    config = VisionConfig(image_size=16, patch=8, stem=(8, 8, 8), width=16, layers=1, heads=2, queries=queries)
    net = NoisedClip(NoisedClipConfig(config, 8))
    x = torch.randn(3, 3, 16, 16)
    for t in (0.0, 0.4, 1.0):
        assert torch.allclose(net(x, torch.full((3,), t)), net.encoder(x), atol=1e-6)


def test_the_time_is_an_input():
    net = build()
    torch.nn.init.normal_(net.time[-1].weight)
    x = torch.randn(1, 3, 16, 16).expand(2, -1, -1, -1)
    first, second = net(x, torch.tensor([0.1, 0.9]))
    assert not torch.allclose(first, second)


def test_scores_are_cosines_and_images_of_the_base_model_are_enlarged():
    net, text = build(), torch.randn(2, 8)
    small, t = torch.randn(2, 3, 8, 8), torch.tensor([0.2, 0.7])
    large = F.interpolate(small, (16, 16), mode="bilinear", align_corners=False)
    expected = F.cosine_similarity(net(large, t), text)
    assert torch.allclose(noised_score(net, text)(small, t), expected, atol=1e-6)
    assert torch.allclose(clean_score(net.encoder, text)(small, t), F.cosine_similarity(net.encoder(large), text))
    assert isinstance(net.encoder, ClipImageEncoder)


def test_guidance_moves_the_clean_image_along_the_gradient():
    goal = torch.randn(2, 3, 4, 4)

    def denoise(x, t):
        return torch.zeros_like(x)

    def score(x, t):
        return (x * goal).flatten(1).sum(1)

    x, t = torch.randn(2, 3, 4, 4), torch.tensor([0.3, 0.6])
    alpha, sigma = diffusion.COSINE.rates(t.reshape(-1, 1, 1, 1))
    assert torch.allclose(clip_guided(denoise, score, 2.0)(x, t), 2 * sigma**2 / alpha * goal, atol=1e-6)
    assert clip_guided(denoise, score, 0.0) is denoise


def test_guidance_raises_the_score_of_samples():
    net, text = build(), torch.randn(4, 8)
    score = noised_score(net, text)

    def denoise(x, t):
        return x * 0.5

    noise = diffusion.seeded_noise((3, 16, 16), [1, 2, 3, 4])
    plain, moved = (diffusion.sample_ddim(clip_guided(denoise, score, scale), noise, 6) for scale in (0.0, 20.0))
    now = torch.zeros(4)
    assert (score(moved, now) > score(plain, now)).all()
