"""The dVAE: its distributions against SciPy and PyTorch, the parts of its loss, and a net that learns by heart."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate
from torch.distributions import Categorical, RelaxedOneHotCategorical, kl_divergence

from telephone.nets import dvae

SHAPE = dvae.DvaeConfig(codes=16, channels=6, size=4, encoder_width=16, decoder_width=16, blocks=1)


def build():
    torch.manual_seed(0)
    return dvae.Dvae(SHAPE)


def draw_logits(n=2, seed=0):
    return 2 * torch.randn(n, 16, 4, 4, generator=torch.Generator().manual_seed(seed))


def test_codes_and_images_have_the_shapes_of_the_grid():
    net, x = build(), torch.rand(2, 3, 16, 16) * 2 - 1
    codes = net.encode(x)
    assert codes.shape == (2, 4, 4)
    assert codes.max() < 16
    y = net.decode_codes(codes)
    assert y.shape == x.shape
    assert y.abs().max() <= 1


@pytest.mark.parametrize(("location", "log_scale"), [(0.0, 0.0), (1.5, -1.0), (-0.4, 0.7)])
def test_the_density_of_logit_laplace_integrates_to_one(location, log_scale):
    def density(value):
        given = (torch.tensor(each, dtype=torch.float64) for each in (value, location, log_scale))
        return float(dvae.logit_laplace(*given).exp())

    middle = 1 / (1 + math.exp(-location))
    assert integrate.quad(density, 0, 1, points=[middle])[0] == pytest.approx(1, abs=1e-4)


def test_the_density_is_that_of_laplace_changed_by_the_logit():
    x, location, log_scale = torch.rand(50) * 0.8 + 0.1, torch.randn(50), torch.randn(50) * 0.5
    laplace = torch.distributions.Laplace(location, log_scale.exp()).log_prob(x.logit())
    assert torch.allclose(dvae.logit_laplace(x, location, log_scale), laplace - (x * (1 - x)).log(), atol=1e-4)


def test_pixels_are_mapped_into_the_interval_and_back():
    x = torch.linspace(-1, 1, 11)
    inner = dvae.into_unit_interval(x)
    assert inner.min() == pytest.approx(0.1)
    assert inner.max() == pytest.approx(0.9)
    assert torch.allclose(dvae.from_unit_interval(inner), x, atol=1e-6)
    assert dvae.from_unit_interval(torch.tensor([0.0, 1.0])).tolist() == [-1, 1]


def test_the_divergence_is_that_of_categorical_distributions():
    logits = draw_logits()
    first = Categorical(logits=logits.movedim(1, -1))
    uniform = Categorical(logits=torch.zeros(2, 4, 4, 16))
    found = float(dvae.divergence_from_uniform(logits))
    assert found == pytest.approx(float(kl_divergence(first, uniform).mean()), abs=1e-5)
    assert float(dvae.divergence_from_uniform(torch.zeros(1, 16, 2, 2))) == pytest.approx(0, abs=1e-6)
    certain = torch.zeros(1, 16, 2, 2)
    certain[:, 3] = 100
    assert float(dvae.divergence_from_uniform(certain)) == pytest.approx(math.log(16), abs=1e-5)


def test_both_parts_of_the_loss_are_means_over_the_values_of_an_image():
    """A position has 4 x 4 x 3 = 48 values: as a sum over an image, its divergence counts once."""
    net, x = build(), torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        loss, logits = net.loss(x, 0.5, generator=torch.Generator().manual_seed(0))
        mixed = net.mix(logits, 0.5, torch.Generator().manual_seed(0))
        likelihood = dvae.logit_laplace(dvae.into_unit_interval(x), *net.decode(mixed)).sum()
    uniform = Categorical(logits=torch.zeros(2, 4, 4, 16))
    divergence = kl_divergence(Categorical(logits=logits.movedim(1, -1)), uniform).sum()
    bound = likelihood - 6.6 * divergence
    assert float(loss.total(6.6)) == pytest.approx(float(-bound) / x.numel(), abs=1e-5)


def test_weights_of_pixels_change_what_counts_and_not_the_scale():
    net, x = build(), torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        parts = [
            net.loss(x, 0.5, weight, torch.Generator().manual_seed(0))[0].reconstruction
            for weight in (None, torch.full((2, 1, 16, 16), 3.0), (torch.rand(2, 1, 16, 16) < 0.5).float())
        ]
    assert torch.allclose(parts[0], parts[1], atol=1e-6)
    assert not torch.allclose(parts[0], parts[2], atol=1e-4)


def test_the_relaxation_is_the_gumbel_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])[None, :, None, None].expand(1, -1, 100, 200)
    found = dvae.gumbel_softmax(logits, 0.7, torch.Generator().manual_seed(0))
    assert torch.allclose(found.sum(1), torch.ones(1, 100, 200), atol=1e-5)
    share = torch.bincount(found.argmax(1).flatten(), minlength=4) / 20_000
    assert (share - logits[0, :, 0, 0].softmax(0)).abs().max() < 0.015
    theirs = RelaxedOneHotCategorical(torch.tensor(0.7), logits=logits[0, :, 0, 0]).sample((20_000,))
    ours = found[0].flatten(1).T
    for moment in (1, 2, 3):
        assert torch.allclose((ours**moment).mean(0), (theirs**moment).mean(0), atol=0.015)


def test_a_low_temperature_leaves_one_code():
    found = dvae.gumbel_softmax(draw_logits(), 1 / 16, torch.Generator().manual_seed(0))
    warm = dvae.gumbel_softmax(draw_logits(), 1.0, torch.Generator().manual_seed(0))
    assert found.amax(1).mean() > 0.9 > warm.amax(1).mean()
    assert torch.equal(found.argmax(1), warm.argmax(1))
    for tau in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            dvae.gumbel_softmax(draw_logits(), tau)


def test_the_temperature_falls_by_a_cosine_over_an_eighth():
    assert dvae.temperature(0.0) == 1
    assert dvae.temperature(1 / 16) == pytest.approx((1 + 1 / 16) / 2)
    assert dvae.temperature(0.125) == dvae.temperature(1.0) == 1 / 16
    assert (np.diff([dvae.temperature(step / 100) for step in range(13)]) < 0).all()


def test_at_the_start_a_mixture_is_near_the_vector_of_the_encoder():
    net, x = build(), torch.rand(2, 3, 16, 16) * 2 - 1
    logits = net.logits(x).detach()
    assert 2 < logits.std() < 8
    vectors = net.encoder[:-1](x).detach()
    near = torch.cosine_similarity(net.mix(logits, 1 / 16, torch.Generator().manual_seed(0)).detach(), vectors, dim=1)
    other = torch.cosine_similarity(vectors.roll(1, 2), net.mix(logits, 1 / 16).detach(), dim=1)
    assert near.mean() > other.mean() + 0.2


def test_usage_counts_codes():
    net = build()
    for _ in range(500):
        net.count(torch.tensor([[[0, 1], [1, 1]]]))
    assert torch.allclose(net.usage[:2], torch.tensor([0.25, 0.75]), atol=1e-4)


def test_it_learns_images_by_heart_and_their_codes_hold_them():
    net = build()
    x = torch.rand(4, 3, 4, 4, generator=torch.Generator().manual_seed(3)).round().repeat_interleave(4, 2) * 2 - 1
    x = x.repeat_interleave(4, 3)
    before = float((net.decode_codes(net.encode(x)) - x).detach().abs().mean())
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for step in range(200):
        loss, _ = net.loss(x, dvae.temperature(step / 200))
        optimizer.zero_grad()
        loss.total(0.1).backward()
        optimizer.step()
    after = float((net.decode_codes(net.encode(x)) - x).detach().abs().mean())
    assert after < 0.1 < before
