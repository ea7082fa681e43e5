"""DALL-E on tiny random nets: masks against their definition, the cache, completion, and a net that learns by heart."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from telephone.nets import dalle_1 as d1
from telephone.nets.byte_pairs import BytePairTokenizer
from telephone.nets.dvae import Dvae, DvaeConfig

TOKENIZER = BytePairTokenizer.learn(["a red cat", "a blue cat", "a red boat"], 12)
TEXT = d1.BytePairConfig(TOKENIZER.merges, max_tokens=6)
SHAPE = d1.Dalle1Config(TEXT, codes=12, size=4, width=16, heads=2, layers=3, expand=2)


def build(**changes):
    torch.manual_seed(0)
    net = d1.Dalle1(dataclasses.replace(SHAPE, **changes)).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return net


def draw_codes(n=2, size=4, seed=0):
    return torch.randint(12, (n, size * size), generator=torch.Generator().manual_seed(seed))


def tokens_of(*texts):
    return d1.text_tokens(TOKENIZER, texts, 6)


def test_a_config_survives_json():
    assert d1.Dalle1Config.from_dict(json.loads(json.dumps(dataclasses.asdict(SHAPE)))) == SHAPE


# --- masks ----------------------------------------------------------------------------------------------------------


def attends(kind, query, key, size, kernel):
    """The definitions in words: of two places in the order of rows, whether the first attends to the second."""
    (y, x), (v, u) = divmod(query, size), divmod(key, size)
    if key > query:
        return False
    if kind == "row":  # the rest of this row, and the row above from this column on
        return v == y or (v == y - 1 and u >= x)
    if kind == "column":
        return u == x
    # A square whose columns, where they leave the grid, go on in the row above or below.
    for down in range(-(kernel // 2), kernel // 2 + 1):
        for right in range(-(kernel // 2), kernel // 2 + 1):
            row, column = y + down, x + right
            row, column = row + column // size, column % size
            if (row, column) == (v, u):
                return True
    return False


@pytest.mark.parametrize("kind", ["row", "column", "convolution"])
@pytest.mark.parametrize(("size", "kernel"), [(4, 3), (5, 1), (6, 5), (16, 11)])
def test_image_masks_are_those_of_a_search(kind, size, kernel):
    found = d1.image_mask(kind, size, kernel)
    wanted = [[attends(kind, query, key, size, kernel) for key in range(size**2)] for query in range(size**2)]
    assert torch.equal(found, torch.tensor(wanted))


def test_the_row_mask_of_the_papers_figure_reaches_five_codes_back():
    assert d1.image_mask("row", 4).sum(1).tolist() == [1, 2, 3, 4] + [5] * 12


@pytest.mark.parametrize("kind", ["row", "column", "convolution"])
def test_sequences_are_causal_in_text_and_see_all_text_from_the_image(kind):
    text, size = 7, 4
    mask = d1.sequence_mask(kind, text, size, 3)
    assert mask.shape == (text + 15, text + 15)
    for query in range(text + 15):
        for key in range(text + 15):
            if query < text or key < text:
                expected = key <= query
            else:
                expected = attends(kind, query - text, key - text, size, 3)
            assert mask[query, key] == expected


def test_kinds_of_layers_are_the_papers():
    assert d1.attention_kinds(6) == ["row", "column", "row", "row", "row", "convolution"]
    assert d1.attention_kinds(64).count("column") == 16
    assert d1.attention_kinds(1) == ["convolution"]
    with pytest.raises(ValueError, match="diagonal"):
        d1.image_mask("diagonal", 4)


# --- the net --------------------------------------------------------------------------------------------------------


def test_a_token_depends_on_the_tokens_before_it_and_on_no_later_one():
    net, tokens, codes = build(), tokens_of("a red cat"), draw_codes(1)
    with torch.no_grad():
        text, image = net(tokens, codes)
        for index in range(6):
            other = tokens.clone()
            other[0, index] = (other[0, index] + 1) % 100
            new_text, new_image = net(other, codes)
            assert torch.allclose(new_text[:, : index + 1], text[:, : index + 1], atol=1e-5)
            assert ((new_image - image).abs().amax(-1) > 1e-5).all()
        for index in range(16):
            other = codes.clone()
            other[0, index] = (other[0, index] + 1) % 12
            new_text, new_image = net(tokens, other)
            assert torch.equal(new_text, text)
            assert torch.allclose(new_image[:, : index + 1], image[:, : index + 1], atol=1e-5)
            if index < 15:
                assert (new_image - image)[:, index + 1].abs().max() > 1e-5


def test_steps_with_a_cache_give_the_logits_of_the_whole_sequence():
    net, tokens = build(), tokens_of("a red cat", "boat")
    how = d1.CodeDraws(temperature=0.0)
    for known in (0, 1, 7, 15):
        given = draw_codes()[:, :known]
        codes = net.sample(tokens, [0, 1], how, given).flatten(1)
        assert torch.equal(codes[:, :known], given)
        with torch.no_grad():
            logits = net(tokens, codes)[1]
        assert torch.equal(logits.argmax(-1)[:, known:], codes[:, known:])


def test_cached_logits_equal_uncached_ones():
    net, tokens, codes = build(), tokens_of("a red cat", "boat"), draw_codes()
    step = d1._CachedSteps(net)
    with torch.no_grad():
        whole = net(tokens, codes)[1]
        x = net.inputs(tokens, codes[:, :-1])
        for position, part in enumerate([x[:, :7], *x[:, 7:].split(1, dim=1)]):
            assert torch.allclose(step(part), whole[:, position], atol=1e-5)


def test_a_complete_image_is_kept_and_a_longer_one_refused():
    net, tokens, codes = build(), tokens_of("a red cat", "boat"), draw_codes()
    assert torch.equal(net.sample(tokens, [0, 1], given=codes).flatten(1), codes)
    with pytest.raises(ValueError, match="17 codes"):
        net.sample(tokens, [0, 1], given=torch.cat([codes, codes[:, :1]], dim=1))


def test_an_image_depends_on_its_own_seed_and_text():
    net, tokens = build(), tokens_of("a red cat", "boat", "blue")
    together = net.sample(tokens, [3, 4, 5])
    assert torch.equal(net.sample(tokens[1:2], [4]), together[1:2])
    assert not torch.equal(net.sample(tokens[1:2], [6]), together[1:2])


def test_completions_share_the_noise_of_what_they_draw():
    """The noise of a code belongs to its place, so that a completed image differs only through what is given."""
    net, tokens = build(), tokens_of("boat")
    drawn = net.sample(tokens, [4]).flatten(1)
    assert torch.equal(net.sample(tokens, [4], given=drawn[:, :8]).flatten(1), drawn)


def test_codes_are_drawn_with_the_chances_of_the_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0]).expand(20_000, -1)
    noise = d1.gumbel_noise((20_000, 4), [0])[0]
    for how, expected in (
        (d1.CodeDraws(), logits[0].softmax(-1)),
        (d1.CodeDraws(temperature=2.0), (logits[0] / 2).softmax(-1)),
        (d1.CodeDraws(top_k=2), torch.tensor([0.0, 0.2689, 0.7311, 0.0])),
    ):
        share = torch.bincount(d1.pick(logits, noise, how), minlength=4) / 20_000
        assert (share - expected).abs().max() < 0.015
    assert (d1.pick(logits, noise, d1.CodeDraws(temperature=0.0)) == 2).all()


# --- texts ----------------------------------------------------------------------------------------------------------


def test_texts_are_padded_by_position_and_cut():
    rows = tokens_of("a red cat", "", "xxxxxxxxx")
    known = TOKENIZER.encode("a red cat")
    assert rows[0].tolist() == [*known, *(len(TOKENIZER) + at for at in range(len(known), 6))]
    assert rows[1].tolist() == [len(TOKENIZER) + at for at in range(6)]
    assert rows[2].tolist() == [ord("x")] * 6
    assert rows.max() < TEXT.tokens - 1  # the start token is in no text


def test_dropout_spells_a_text_in_many_ways():
    rng = np.random.default_rng(0)
    rows = [d1.text_tokens(TOKENIZER, ["a red cat"], 6, 0.5, rng)[0].tolist() for _ in range(20)]
    assert len({tuple(row) for row in rows}) > 3


def test_losses_are_the_cross_entropies_of_what_counts():
    net, tokens, codes = build(), tokens_of("a", ""), draw_codes()
    weight = torch.rand(2, 16)
    with torch.no_grad():
        text, image = d1.sequence_losses(net, tokens, codes, weight)
        plain = d1.sequence_losses(net, tokens, codes)[1]
        text_logits, code_logits = (part.log_softmax(-1) for part in net(tokens, codes))
    counted = [(0, 0), (0, 1), (1, 0)]  # "a" and its end; the end of the empty text
    wanted = -sum(text_logits[row, at, tokens[row, at]] for row, at in counted) / 3
    assert float(text) == pytest.approx(float(wanted), abs=1e-5)
    apart = -code_logits.gather(2, codes[..., None])[..., 0]
    assert float(image) == pytest.approx(float((apart * weight).sum() / weight.sum()), abs=1e-5)
    assert float(plain) == pytest.approx(float(apart.mean()), abs=1e-5)


def test_it_learns_which_image_belongs_to_which_text_and_completes_it():
    net, tokens, codes = build().train(), tokens_of("a red cat", "boat"), draw_codes()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(60):
        text, image = d1.sequence_losses(net, tokens, codes)
        optimizer.zero_grad()
        (text / 8 + 7 * image / 8).backward()
        optimizer.step()
    how = d1.CodeDraws(temperature=0.0)
    assert torch.equal(net.sample(tokens, [0, 0], how).flatten(1), codes)
    assert torch.equal(net.sample(tokens, [0, 0], how, codes[:, :8]).flatten(1), codes)


def test_the_top_of_a_drawn_image_is_the_given_one():
    torch.manual_seed(1)
    dvae = Dvae(DvaeConfig(codes=12, channels=6, size=4, encoder_width=8, decoder_width=8, blocks=1)).eval()
    net, tokens, codes = build(), tokens_of("a red cat", "boat"), draw_codes().unflatten(1, (4, 4))
    plain = d1.draw(net, dvae, tokens, [0, 1])
    assert plain.shape == (2, 3, 16, 16)
    assert plain.abs().max() <= 1
    assert torch.equal(d1.draw(net, dvae, tokens, [0, 1], top=codes), dvae.decode_codes(codes).detach())
    half = d1.draw(net, dvae, tokens, [0, 1], top=codes[:, :2])
    assert not torch.equal(half, plain)
