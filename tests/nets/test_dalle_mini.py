"""DALL-E mini on tiny random nets: what a code may depend on, the cache, sampling, and a net that learns by heart."""

import dataclasses
import json

import pytest
import torch
from torch.nn import functional as F

from telephone.nets import dalle_mini as dm
from telephone.nets.stable_diffusion import TextEncoderConfig
from telephone.nets.vqgan import Vqgan, VqganConfig

TEXT = TextEncoderConfig(words=("a", "red", "cat"), width=16, layers=1, heads=2, queries=3)
BART = dm.BartConfig(width=16, heads=2, encoder_layers=1, decoder_layers=2, expand=2)
SHAPE = dm.DalleMiniConfig(TEXT, BART, codes=12, code_width=6, size=8, head_width=16)


def build(**changes):
    torch.manual_seed(0)
    return dm.DalleMini(dataclasses.replace(SHAPE, **changes)).eval()


def draw_codes(n=2, size=8, seed=0):
    return torch.randint(12, (n, size, size), generator=torch.Generator().manual_seed(seed))


def draw_context(n=2, seed=1):
    return torch.randn(n, 3, 16, generator=torch.Generator().manual_seed(seed))


def test_a_config_survives_json():
    assert dm.DalleMiniConfig.from_dict(json.loads(json.dumps(dataclasses.asdict(SHAPE)))) == SHAPE


def test_squares_hold_the_codes_of_the_grid_row_by_row():
    codes = draw_codes()
    squares = dm.to_squares(codes, 2)
    for position in range(16):
        y, x = 2 * (position // 4), 2 * (position % 4)
        assert torch.equal(squares[:, position], codes[:, y : y + 2, x : x + 2].flatten(1))
    assert torch.equal(dm.to_grid(squares, 2, 4), codes)
    assert torch.equal(dm.to_grid(squares[:, :8], 2, 4), codes[:, :4])


@pytest.mark.parametrize("neighbours", [0, 1, 2])
def test_the_preceding_positions_are_those_that_a_search_finds(neighbours):
    side = 4
    found = dm.preceding(side, neighbours)
    for position in range(side * side):
        y, x = divmod(position, side)
        near = {
            other
            for other in range(position)
            if other == position - 1 or (y - other // side <= neighbours and abs(x - other % side) <= neighbours)
        }
        if neighbours and x == 0:
            near.discard(position - 1)  # the end of the row above is no neighbour
        assert set(found[position].tolist()) - {side * side} == (near if neighbours else near & {position - 1})


@pytest.mark.parametrize(("square", "neighbours"), [(1, 0), (1, 1), (2, 0), (2, 1)])
def test_a_code_depends_on_the_codes_before_it_and_on_no_later_one(square, neighbours):
    net, context = build(square=square, neighbours=neighbours), draw_context(1)
    squares = dm.to_squares(draw_codes(1), square)
    order = squares.flatten()
    with torch.no_grad():
        before = net(squares, context).flatten(0, 2)
        for index in (0, 5, 30, 63):
            other = order.clone()
            other[index] = (other[index] + 1) % 12
            after = net(other.view_as(squares), context).flatten(0, 2)
            assert torch.allclose(after[: index + 1], before[: index + 1], atol=1e-5)
            assert not torch.allclose(after[index + 1 :], before[index + 1 :], atol=1e-5) or index == 63


def test_the_text_reaches_every_code():
    net, squares = build(), dm.to_squares(draw_codes(1), 2)
    with torch.no_grad():
        apart = (net(squares, draw_context(1)) - net(squares, draw_context(1, seed=2))).abs().amax(-1)
    assert (apart > 1e-4).all()


def test_steps_with_a_cache_give_the_logits_of_the_whole_sequence():
    net, context = build(), draw_context()
    how = dm.CodeSampling(super_conditioning=1.0, temperature=0.0)
    squares = dm.to_squares(net.sample(context, draw_context(1, 5), [0, 1], how), 2)
    with torch.no_grad():
        assert torch.equal(net(squares, context).argmax(-1), squares)
    empty = draw_context(1, 5)
    guided = dm.CodeSampling(super_conditioning=3.0, temperature=0.0)
    squares = dm.to_squares(net.sample(context, empty, [0, 1], guided), 2)
    with torch.no_grad():
        logits = dm.super_conditioned(net(squares, empty.expand(2, -1, -1)), net(squares, context), 3.0)
    assert torch.equal(logits.argmax(-1), squares)


def test_super_conditioning_has_its_fixed_points():
    empty, text = torch.randn(2, 12), torch.randn(2, 12)
    assert torch.equal(dm.super_conditioned(empty, text, 1.0), text)
    assert torch.equal(dm.super_conditioned(empty, text, 0.0), empty)
    assert torch.allclose(dm.super_conditioned(empty, text, 3.0), text + 2 * (text - empty), atol=1e-5)


def test_codes_are_drawn_with_the_chances_of_the_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0]).expand(20_000, -1)
    noise = dm._gumbel_noise((20_000, 4), [0])[0]
    for how, expected in (
        (dm.CodeSampling(), logits[0].softmax(-1)),
        (dm.CodeSampling(temperature=2.0), (logits[0] / 2).softmax(-1)),
        (dm.CodeSampling(top_k=2), torch.tensor([0.0, 0.2689, 0.7311, 0.0])),
    ):
        share = torch.bincount(dm.pick(logits, noise, how), minlength=4) / 20_000
        assert (share - expected).abs().max() < 0.015
    assert (dm.pick(logits, noise, dm.CodeSampling(temperature=0.0)) == 2).all()
    assert (dm.pick(logits, noise, dm.CodeSampling(top_k=1)) == 2).all()


def test_an_image_depends_on_its_own_seed_and_text():
    net, context, empty = build(), draw_context(3), draw_context(1, 5)
    together = net.sample(context, empty, [3, 4, 5])
    assert torch.equal(net.sample(context[1:2], empty, [4]), together[1:2])
    assert not torch.equal(net.sample(context[1:2], empty, [6]), together[1:2])


def test_the_preview_shows_the_rows_that_are_drawn():
    torch.manual_seed(2)
    vqgan = Vqgan(VqganConfig(codes=12, channels=6, size=8, encoder_width=8, decoder_width=8, blocks=1)).eval()
    net, shown = build(), []
    tokens, empty = torch.tensor([[1, 4, 5, 6, 2], [1, 4, 6, 2, 0]]), torch.tensor([[1, 2]])
    plain = dm.draw(net, vqgan, tokens, empty, [0, 1])
    images = dm.draw(net, vqgan, tokens, empty, [0, 1], after_row=lambda *call: shown.append(call))
    assert torch.equal(images, plain)
    assert images.shape == (2, 3, 32, 32)
    assert [rows for rows, _ in shown] == [2, 4, 6, 8]
    assert torch.equal(shown[-1][1], images)
    for rows, partial in shown[:-1]:
        assert partial.shape == images.shape
        assert (partial[:, :, 4 * rows :] == 0).all()
        assert partial[:, :, : 4 * rows].abs().sum() > 0


def test_the_decoder_learns_which_image_belongs_to_which_text():
    net = build().train()
    squares, context = dm.to_squares(draw_codes(), 2), draw_context()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(60):
        loss = F.cross_entropy(net(squares, context).flatten(0, 2), squares.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    how = dm.CodeSampling(super_conditioning=1.0, temperature=0.0)
    assert torch.equal(net.sample(context, context[:1], [0, 0], how), draw_codes())
