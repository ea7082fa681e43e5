"""Inversion of DDIM, spherical interpolation, and the changes of unCLIP's two latents."""

import pytest
import torch

from telephone.nets import diffusion
from telephone.nets.dalle_2 import ImageConditioning, UnClip, UnClipConfig
from telephone.nets.dalle_2_editing import keep_components, mapped_difference, slerp, text_difference
from telephone.nets.dalle_2_prior import PriorConfig
from telephone.nets.stable_diffusion import TextEncoderConfig, UNetConfig


@pytest.mark.parametrize("steps", [5, 20])
def test_inversion_of_the_best_denoiser_of_gaussian_data_is_exact(steps):
    """For data of variance s^2 the best estimate of x0 is linear, so each step has one solution."""
    variance = 0.3

    def denoise(x, t):
        alpha, sigma = diffusion.alpha_sigma(t[:, None])
        return alpha * variance / (alpha**2 * variance + sigma**2) * x

    x0 = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)) * variance**0.5
    noise = diffusion.invert_ddim(denoise, x0, steps, corrections=60)
    assert torch.allclose(diffusion.sample_ddim(denoise, noise, steps), x0, atol=1e-3)


def test_corrections_bring_the_reconstruction_nearer():
    def denoise(x, t):
        return torch.tanh(diffusion.with_skip(0.2 * torch.ones_like(x), x, t, 0.1))

    x0 = 0.5 * torch.randn(8, 5, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    errors = [
        (diffusion.sample_ddim(denoise, diffusion.invert_ddim(denoise, x0, 20, count), 20) - x0).abs().mean()
        for count in (0, 1, 3)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_slerp_has_exact_ends_and_keeps_the_length():
    a, b = torch.randn(3, 4, 2), torch.randn(3, 4, 2)
    assert torch.allclose(slerp(a, b, 0.0), a, atol=1e-6)
    assert torch.allclose(slerp(a, b, 1.0), b, atol=1e-6)
    unit = [each / each.flatten(1).norm(dim=1)[:, None, None] for each in (a, b)]
    middle = slerp(*unit, 0.5)
    assert torch.allclose(middle.flatten(1).norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose((middle * unit[0]).sum((1, 2)), (middle * unit[1]).sum((1, 2)), atol=1e-5)
    assert torch.allclose(slerp(a, a, 0.3), a, atol=1e-6)
    assert torch.isfinite(slerp(a, -a, 0.5)).all()


@pytest.fixture
def net():
    torch.manual_seed(0)
    text = TextEncoderConfig(("a", "red", "cat"), width=16, layers=1, heads=2)
    unet = UNetConfig(3, 32, 4, widths=(16, 24), heads=2, expand=(2, 2), context_width=16, time_width=16)
    prior = PriorConfig(16, 100, 40, 16, 1, shortcut=True)
    how = ImageConditioning(tokens=7, hidden=8, skip=0.09)
    return UnClip(UnClipConfig(100, text, unet, prior=prior, ar_prior=prior, conditioning=how)).eval()


def test_no_difference_of_texts_changes_nothing(net):
    image, text = torch.randn(2, 100), torch.nn.functional.normalize(torch.randn(2, 100), dim=-1)
    image = net.space.normalise(image)
    assert torch.equal(mapped_difference(net, image, text, text), image)
    assert torch.equal(text_difference(net, image, text, text, 0.4), image)
    other = torch.nn.functional.normalize(torch.randn(2, 100), dim=-1)
    assert torch.allclose(text_difference(net, image, other, text, 0.0), image, atol=1e-5)
    assert torch.equal(mapped_difference(net, image, other, text, 0.0), image)
    assert not torch.allclose(mapped_difference(net, image, other, text), image)


def test_principal_components_are_those_of_the_largest_variance(net):
    scale = torch.cat([torch.full((3,), 5.0), torch.full((97,), 0.5)])
    net.decoder.whitener.copy_(torch.diag(1 / scale))
    image = torch.randn(4, 100)
    kept = keep_components(net, image, 3)
    assert torch.allclose(kept[:, :3], image[:, :3], atol=1e-4)
    assert kept[:, 3:].abs().max() < 1e-4
    assert torch.equal(keep_components(net, image, 100), image)
    assert keep_components(net, image, 0).abs().max() == 0
    with pytest.raises(ValueError, match="cannot be kept"):
        keep_components(net, image, -1)
