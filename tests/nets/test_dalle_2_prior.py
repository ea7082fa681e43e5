"""Both priors at toy size: the sequence is the published one, what is read is remembered, seeds are honoured."""

import pytest
import torch
from diffusers.models.transformers.prior_transformer import PriorTransformer
from torch import nn
from torch.nn import functional as F

from telephone.nets.dalle_2_prior import (
    AutoregressivePrior,
    CodesConfig,
    ComponentCodes,
    DiffusionPrior,
    PriorConfig,
)
from telephone.nets.stable_diffusion import time_features

CONFIG = PriorConfig(text_width=24, embedding=24, max_tokens=7, width=64, layers=2, heads=2)
CODES = CodesConfig(components=6, bins=8, nearness=4)
MASK = torch.tensor([[True] * 5 + [False] * 2, [True] * 7])


@pytest.fixture
def prior():
    torch.manual_seed(0)
    return DiffusionPrior(CONFIG).eval()


@pytest.fixture
def ar_prior():
    torch.manual_seed(0)
    net = AutoregressivePrior(CONFIG, CODES).eval()
    nn.init.normal_(net.out.weight, std=0.5)
    return net


@pytest.fixture
def told():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 7, 24, generator=generator), MASK, torch.randn(2, 24, generator=generator)


class OurTime(nn.Module):
    """The library counts time in 1,000 steps and to other frequencies; this is ours in its place."""

    def forward(self, t):
        return time_features(t)


def published(prior):
    """Returns the library's prior with the same weights."""
    net = PriorTransformer(
        num_attention_heads=2, attention_head_dim=32, num_layers=2, embedding_dim=24, num_embeddings=7
    ).eval()
    net.time_proj = OurTime()
    pairs = {
        "time_embedding.linear_1": prior.time[0], "time_embedding.linear_2": prior.time[2], "proj_in": prior.noised,
        "embedding_proj": prior.text_embedding, "encoder_hidden_states_proj": prior.text, "norm_out": prior.norm,
        "proj_to_clip_embeddings": prior.out,
    }  # fmt: skip
    for index, block in enumerate(prior.blocks):
        names = {
            "norm1": block.norm1, "attn1.to_q": block.attention.query, "attn1.to_out.0": block.attention.out,
            "norm3": block.norm2, "ff.net.0.proj": block.mlp[0], "ff.net.2": block.mlp[2],
        }  # fmt: skip
        pairs |= {f"transformer_blocks.{index}.{name}": layer for name, layer in names.items()}
    state = {f"{name}.{kind}": getattr(layer, kind) for name, layer in pairs.items() for kind in ("weight", "bias")}
    for index, block in enumerate(prior.blocks):
        for kind in ("weight", "bias"):
            both = getattr(block.attention.key_value, kind).chunk(2)
            for name, part in zip(("to_k", "to_v"), both, strict=True):
                state[f"transformer_blocks.{index}.attn1.{name}.{kind}"] = part
    state |= {"positional_embedding": prior.position[None], "prd_embedding": prior.query[None, None]}
    state |= {name: getattr(net, name) for name in ("clip_mean", "clip_std")}
    net.load_state_dict(state)
    return net


@torch.no_grad()
def test_the_prior_is_the_published_one(prior, told):
    words, mask, sentence = told
    x, t = torch.randn(2, 24), torch.tensor([0.2, 0.9])
    ours = prior(x, t, prior.encode_caption(words, mask, sentence))
    unit = F.normalize(sentence, dim=-1) * 24**0.5
    theirs = published(prior)(x, t, unit, words, mask).predicted_image_embedding
    assert ours.std() > 0.1
    assert torch.allclose(ours, theirs, atol=1e-4)


@torch.no_grad()
def test_padding_and_the_length_of_a_sentence_do_not_matter(prior, told):
    words, mask, sentence = told
    x, t = torch.randn(1, 24), torch.tensor([0.5])
    padded = prior(x, t, prior.encode_caption(words[:1], mask[:1], sentence[:1]))
    bare = prior(x, t, prior.encode_caption(words[:1, :5], mask[:1, :5], sentence[:1] * 9))
    assert torch.allclose(padded, bare, atol=1e-5)


@torch.no_grad()
def test_a_dropped_sentence_is_unknown(prior, told):
    words, mask, sentence = told
    x, t = torch.randn(1, 24).expand(2, -1), torch.tensor([0.5, 0.5])
    drop = torch.tensor([True, True])
    one, other = prior(x, t, prior.encode_caption(words, mask, sentence, drop))
    assert torch.allclose(one, other, atol=1e-5)
    one, other = prior(x, t, prior.encode_caption(words, mask, sentence))
    assert not torch.allclose(one, other, atol=1e-2)


def test_samples_follow_their_seeds_in_any_batch(prior, told):
    words, mask, sentence = told
    for guidance in (1.0, 2.0):
        together = prior.sample(words, mask, sentence, [3, 4], steps=3, guidance=guidance)
        alone = prior.sample(words[1:], mask[1:], sentence[1:], [4], steps=3, guidance=guidance)
        assert together.shape == (2, 2, 24)
        assert torch.allclose(together[1:], alone, atol=1e-4)
        assert not torch.allclose(together[1, 0], together[1, 1], atol=1e-2)


def test_the_prior_learns_which_embedding_belongs_to_which_sentence(told):
    torch.manual_seed(0)
    prior, (words, mask, sentence) = DiffusionPrior(CONFIG), told
    truth = torch.randn(2, 24)
    optimizer = torch.optim.Adam(prior.parameters(), lr=3e-3)
    for _ in range(60):
        loss = F.mse_loss(
            prior(torch.randn(2, 24), torch.full((2,), 0.99), prior.encode_caption(words, mask, sentence)), truth
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    drawn = prior.eval().sample(words, mask, sentence, [0, 1], steps=2, candidates=1)[:, 0]
    assert F.cosine_similarity(drawn, truth).min() > 0.8
    assert F.cosine_similarity(drawn, truth.flip(0)).max() < 0.5


@torch.no_grad()
def test_a_component_is_guessed_from_those_before_it_alone(ar_prior, told):
    memory = ar_prior.encode_caption(*told)
    near, codes = torch.tensor([0, 3]), torch.randint(8, (2, 6))
    changed = codes.clone()
    changed[:, 3] = (codes[:, 3] + 1) % 8
    one, other = ar_prior(codes, near, memory), ar_prior(changed, near, memory)
    assert torch.allclose(one[:, :4], other[:, :4], atol=1e-5)
    assert not torch.allclose(one[:, 4:], other[:, 4:], atol=1e-3)
    assert not torch.allclose(one, ar_prior(codes, near.flip(0), memory), atol=1e-3)


@torch.no_grad()
def test_writing_one_by_one_gives_what_is_guessed_at_once(ar_prior, told):
    memory = ar_prior.encode_caption(*told)
    near, codes = torch.tensor([2, 1]), torch.randint(8, (2, 6))
    at_once, x, rows = ar_prior(codes, near, memory), ar_prior.near(near), []
    for position in range(6):
        h, memory = ar_prior.extend(x[:, None], position, memory)
        rows.append(ar_prior.out(h[:, 0]))
        x = ar_prior.code(codes[:, position])
    assert torch.allclose(torch.stack(rows, dim=1), at_once, atol=1e-5)


def test_written_embeddings_follow_their_seeds_in_any_batch(ar_prior, told):
    words, mask, sentence = told
    together = ar_prior.sample(words, mask, sentence, [5, 6])
    assert torch.allclose(together[1:], ar_prior.sample(words[1:], mask[1:], sentence[1:], [6]))
    assert not torch.allclose(together[1:], ar_prior.sample(words[1:], mask[1:], sentence[1:], [7]))


def test_codes_keep_what_varies_most():
    torch.manual_seed(0)
    data = torch.randn(2000, 3) @ torch.randn(3, 24) + 0.01 * torch.randn(2000, 24)
    codes = ComponentCodes(CodesConfig(components=3, bins=64), 24)
    assert codes.measure(data) > 0.99
    assert codes.spread[0] >= codes.spread[1] >= codes.spread[2] > 0
    numbers = codes.encode(data)
    assert numbers.min() >= 0
    assert numbers.max() < 64
    error = (codes.decode(numbers) - data).square().mean() / data.var()
    assert error < 0.01
    assert torch.equal(codes.encode(codes.decode(numbers)), numbers)


def test_each_step_of_nearness_is_equally_frequent():
    codes = ComponentCodes(CODES, 24)
    cosines = torch.randn(4000, generator=torch.Generator().manual_seed(0)) ** 3
    codes.measure_nearness(cosines)
    assert codes.nearness(cosines).bincount(minlength=4).tolist() == [1000] * 4
    assert codes.nearness(torch.tensor([-99.0, 99.0])).tolist() == [0, 3]
