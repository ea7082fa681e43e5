"""Augmented views of drawings and their distances from sentences."""

import math

import pytest
import torch
from torch.nn import functional as F

from telephone.nets import cutouts
from telephone.nets.clip import Clip, ClipConfig, VisionConfig


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _pictures(n=2, seed=0):
    return torch.rand(n, 3, 64, 64, generator=_generator(seed)) * 2 - 1


def test_cutouts_are_in_the_order_that_is_promised_and_seeded():
    x = torch.stack([torch.full((3, 64, 64), value) for value in (-0.8, 0.8)])
    views = cutouts.Cutouts(views=3)(x, _generator())
    assert views.shape == (6, 3, 64, 64)
    assert [bool(view.mean() > 0) for view in views] == [False, True] * 3
    assert torch.equal(views, cutouts.Cutouts(views=3)(x, _generator()))
    assert not torch.equal(views, cutouts.Cutouts(views=3)(x, _generator(1)))


def test_a_whole_view_without_changes_is_the_picture():
    x = _pictures()
    plain = cutouts.Cutouts(views=1, side=1.0, turn=0.0, light=0.0, noise=0.0, blur=0.0)
    assert torch.allclose(plain(x, _generator()), x, atol=1e-4)


def test_cutouts_never_mirror_and_never_cut_away_more_than_is_allowed():
    ramp = torch.linspace(-1, 1, 64).expand(64, 64)
    x = torch.stack([ramp, ramp.T, torch.zeros(64, 64)])[None]
    views = cutouts.Cutouts(views=40, light=0.0, noise=0.0, blur=0.0, turn=0.0)(x, _generator())
    across, down = views[:, 0, 32], views[:, 1, :, 32]
    for line in (across, down):
        assert (line.diff(dim=1) > 0).all()
        span = (line[:, -1] - line[:, 0]) / (ramp[0, -1] - ramp[0, 0])
        assert span.min() > 0.73
        assert span.max() < 1.001
        assert span.std() > 0.03


def test_each_augmentation_can_be_switched_on_alone():
    x = _pictures(1)
    still = {"views": 8, "side": 1.0, "turn": 0.0, "light": 0.0, "noise": 0.0, "blur": 0.0}
    for change in ({"side": 0.75}, {"turn": 10.0}, {"light": 0.2}, {"noise": 0.2}, {"blur": 1.0}):
        views = cutouts.Cutouts(**still | change)(x, _generator())
        assert (views - x).abs().mean() > 0.01


# --- losses ---------------------------------------------------------------------------------------------------------


def test_the_spherical_distance_is_half_the_squared_angle():
    a = torch.tensor([[3.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    b = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [1.0, 1.0]])
    wanted = torch.tensor([0.0, math.pi / 2, math.pi, math.pi / 4]) ** 2 / 2
    assert torch.allclose(cutouts.spherical_distance(a, b), wanted, atol=0.02)


@pytest.mark.parametrize("angle", [0.0, math.pi])
def test_the_spherical_distance_has_a_finite_gradient_at_its_ends(angle):
    a = torch.tensor([math.cos(angle), math.sin(angle)], requires_grad=True)
    cutouts.spherical_distance(a, torch.tensor([1.0, 0.0])).backward()
    assert a.grad.isfinite().all()


def test_views_are_compared_with_their_own_sentences():
    texts = F.normalize(torch.randn(4, 16, generator=_generator()), dim=-1)
    views = texts.repeat(3, 1)
    scale = torch.tensor(20.0)
    assert cutouts.view_distance(views, texts) < 1e-6
    assert cutouts.view_distance(views.roll(1, 0), texts) > 0.5
    assert cutouts.view_contrast(views, texts, scale) < 0.01
    assert cutouts.view_contrast(views.roll(1, 0), texts, scale) > 5


def test_diversity_is_nothing_for_equal_pictures_and_grows():
    torch.manual_seed(0)
    clip = Clip(ClipConfig(VisionConfig(stem=(8, 8, 8), width=16, layers=1), embedding=24)).eval()
    a, b = clip.image_features(_pictures(2)), clip.image_features(-_pictures(2))
    assert cutouts.diversity(a, a) == 0
    assert cutouts.diversity(a, b) > 0.01


def test_total_variation_counts_steps():
    x = torch.zeros(1, 3, 64, 64)
    assert cutouts.total_variation(x) == 0
    x[..., 32:] = 1.0
    assert cutouts.total_variation(x).item() == pytest.approx(1 / 63 / 2)
