"""The codebook, its gradients and its dead codes; the losses; and that the whole can learn a picture."""

import dataclasses
import json

import pytest
import torch
from diffusers.models.autoencoders.vae import VectorQuantizer
from torch.nn import functional as F

from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.vqgan import (
    PatchDiscriminator,
    Vqgan,
    VqganConfig,
    adaptive_weight,
    discriminator_loss,
    generator_loss,
    perceptual_loss,
    perplexity,
)

TINY = VqganConfig(codes=12, channels=4, size=4, encoder_width=8, decoder_width=16, blocks=1)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Vqgan(TINY)


@pytest.fixture
def x():
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


class Given(torch.nn.Module):
    """An encoder that sees the same vectors in every picture."""

    def __init__(self, z):
        super().__init__()
        self.z = z

    def forward(self, x):
        return self.z


def test_a_picture_becomes_a_grid_of_codes_and_back(net, x):
    z, codes, loss = net.encode(x)
    assert z.shape == (2, 4, 4, 4)
    assert codes.shape == (2, 4, 4)
    assert codes.dtype == torch.int64
    assert loss.item() > 0
    assert net.decode(z).shape == x.shape
    assert torch.allclose(net.decode(z), net.decode_codes(codes), atol=1e-5)


def test_the_pocket_size_is_a_quarter_and_the_decoder_is_cheap():
    net = Vqgan(VqganConfig())
    z, codes, _ = net.encode(torch.zeros(1, 3, 64, 64))
    assert z.shape == (1, 32, 16, 16)
    assert net.codebook.shape == (512, 32)
    shapes = {name: p.shape for name, p in net.decoder.named_parameters() if p.dim() == 4}
    last = f"{len(net.decoder) - 2}.weight"
    macs = sum(shape.numel() * (1024 if name == last else 256) for name, shape in shapes.items())
    assert 50e6 < macs < 60e6


@pytest.mark.parametrize("unit", [False, True])
def test_quantisation_is_that_of_diffusers(unit):
    torch.manual_seed(0)
    net = Vqgan(dataclasses.replace(TINY, unit=unit))
    theirs = VectorQuantizer(12, 4, beta=TINY.beta, legacy=False)
    theirs.embedding.weight.data.copy_(net.codebook)
    ours, other = (torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(2)) for _ in range(2))
    net.encoder = Given(ours.requires_grad_())
    z, codes, loss = net.encode(torch.zeros(2, 3, 16, 16))
    before = F.normalize(other, dim=1) * 2 if unit else other
    before.requires_grad_()
    expected, expected_loss, (_, _, numbers) = theirs(before)
    assert torch.equal(codes.flatten(), numbers)
    assert torch.allclose(z, expected, atol=1e-5)
    assert torch.allclose(loss, expected_loss, atol=1e-6)
    if not unit:
        (loss + z.pow(3).sum()).backward()
        (expected_loss + expected.pow(3).sum()).backward()
        assert torch.allclose(ours.grad, before.grad, atol=1e-4)
        assert torch.allclose(net.book.grad, theirs.embedding.weight.grad, atol=1e-6)


def test_the_gradient_passes_straight_through():
    torch.manual_seed(0)
    net = Vqgan(dataclasses.replace(TINY, unit=False))
    z = torch.randn(1, 4, 4, 4, requires_grad=True)
    z_q = net.quantise(z)
    slope = torch.randn_like(z_q)
    assert torch.equal(torch.autograd.grad((z_q * slope).sum(), z)[0], slope)
    assert not torch.allclose(z_q, z, atol=1e-2)


def test_directions_alone_choose_a_code(net):
    z = torch.randn(2, 4, 4, 4)
    assert torch.equal(net.nearest(z), net.nearest(7 * z))
    assert torch.allclose(net.quantise(z).square().mean(dim=1), torch.ones(2, 4, 4), atol=1e-5)
    assert torch.equal(net.nearest(net.look_up(net.nearest(z))), net.nearest(z))


def test_the_book_is_pulled_to_the_vectors_and_the_encoder_to_the_book(net, x):
    net.encode(x)[2].backward()
    assert net.book.grad.abs().sum() > 0
    assert net.encoder[1].weight.grad.abs().sum() > 0
    net.zero_grad()
    net.decode(net.encode(x)[0]).square().mean().backward()
    assert net.book.grad is None
    assert net.encoder[1].weight.grad.abs().sum() > 0


def test_usage_is_counted_in_shares(net):
    codes = torch.tensor([[[0, 0], [0, 3]]])
    for _ in range(200):
        net.count(codes)
    assert net.usage[[0, 3]].tolist() == pytest.approx([0.75, 0.25], abs=0.01)
    assert net.usage.sum() == pytest.approx(1, abs=0.01)


def test_dead_codes_move_to_where_a_code_is_missed(net):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, 4, 4, 4)
    assert net.reinitialise_unused(z, generator).tolist() == list(
        range(12)
    )  # a fresh net's codes all come from vectors
    vectors = net._comparable(z).movedim(1, -1).flatten(0, 2)
    assert torch.cdist(net.codebook, vectors).amin(dim=1).max() < 1e-2
    assert net.reinitialise_unused(z, generator).tolist() == []
    with torch.no_grad():
        net.book[[2, 7]] = net.book[0].clone()
    kept = net.book.detach().clone()
    net.usage[[2, 7]] = 0
    before = (net.look_up(net.nearest(z)) - net._comparable(z)).square().mean()
    assert net.reinitialise_unused(z, generator).tolist() == [2, 7]
    moved = (net.book - kept).abs().sum(dim=1) > 0
    assert not moved[[i for i in range(12) if i not in (2, 7)]].any()
    assert (net.look_up(net.nearest(z)) - net._comparable(z)).square().mean() < before


def test_perplexity_counts_the_codes_in_use():
    assert perplexity(torch.ones(8) / 8) == pytest.approx(8)
    assert perplexity(torch.tensor([1.0, 0, 0])) == pytest.approx(1)
    assert perplexity(torch.tensor([0.5, 0.5, 0])) == pytest.approx(2)


def test_the_hinge_asks_for_no_more_than_one():
    sure, unsure = torch.full((1, 1, 2, 2), 3.0), torch.zeros(1, 1, 2, 2)
    assert discriminator_loss(sure, -sure) == 0
    assert discriminator_loss(unsure, unsure) == 1
    assert discriminator_loss(-sure, sure) == 4
    assert generator_loss(sure) == -3


def test_the_discriminator_looks_at_patches():
    judge = PatchDiscriminator(8).eval()
    x = torch.zeros(1, 3, 64, 64)
    assert judge(x).shape == (1, 1, 16, 16)


def test_the_discriminator_learns_to_tell_noise_from_calm():
    torch.manual_seed(0)
    judge = PatchDiscriminator(8)
    optimizer = torch.optim.Adam(judge.parameters(), lr=1e-2)
    for _ in range(30):
        true, made = torch.zeros(2, 3, 16, 16), torch.randn(2, 3, 16, 16)
        loss = discriminator_loss(judge(true), judge(made))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5


def test_the_adaptive_weight_makes_both_pull_alike(net, x):
    y = net.decode(net.encode(x)[0])
    keep, other = (x - y).abs().mean(), 1000 * y.sin().mean()
    weight = adaptive_weight(keep, other, net.last_layer)
    pulls = [torch.autograd.grad(l, net.last_layer, retain_graph=True)[0].norm() for l in (keep, weight * other)]  # noqa: E741
    assert torch.allclose(*pulls, rtol=1e-3)
    assert adaptive_weight(keep, 0 * other, net.last_layer) == 1e4


def test_features_are_compared_by_direction():
    maps = [torch.randn(2, 4, 8, 8), torch.randn(2, 6, 4, 4)]
    assert perceptual_loss([3 * m for m in maps], maps) == pytest.approx(0, abs=1e-6)
    assert perceptual_loss([-m for m in maps], maps) == pytest.approx(4, abs=1e-5)


def test_it_learns_a_picture(net, x):
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(30):
        net.reinitialise_unused(net.unquantised(x), generator)
        z, codes, commitment = net.encode(x)
        net.count(codes)
        keep = (net.decode(z) - x).square().mean()
        optimizer.zero_grad()
        (keep + commitment).backward()
        optimizer.step()
        losses.append(float(keep.detach()))
    assert losses[-1] < losses[0] / 2


def test_a_weight_file_knows_its_own_shape(net, x, tmp_path):
    path = tmp_path / "vqgan.safetensors"
    save_weights(path, net, net.config, {"seed": 3})
    again = VqganConfig.from_dict(read_metadata(path)[0])
    assert json.dumps(dataclasses.asdict(again)) == json.dumps(dataclasses.asdict(net.config))
    twin = Vqgan(again)
    read_weights([path], twin)
    codes = net.encode(x)[1]
    assert torch.allclose(twin.decode_codes(codes), net.decode_codes(codes), atol=2e-2)  # stored in half precision
