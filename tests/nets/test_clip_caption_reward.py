"""Self-critical training at toy size: what a caption earns, what is damaged, which one becomes likelier."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from telephone.nets.blip import Blip, BlipConfig, BlipTextConfig, ImageEncoderConfig
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig, similarity
from telephone.nets.clip_caption_reward import (
    SCALE,
    GrammarHead,
    Reward,
    corrupted,
    log_probabilities,
    self_critical_loss,
    tuned_parameters,
)
from telephone.nets.generation import Decoding
from telephone.nets.tokenizer import BOS, UNKNOWN

PATCHES = torch.randn(3, 4, 16, generator=torch.Generator().manual_seed(1))
TOKENS = torch.tensor([[1, 4, 5, 2], [1, 6, 2, 0], [1, 7, 8, 2]])


@pytest.fixture
def net():
    torch.manual_seed(0)
    image = ImageEncoderConfig(image_size=16, stem=(8, 8, 16), width=16, layers=1, heads=2)
    text = BlipTextConfig(words=tuple("abcdefgh"), max_tokens=12, width=16, layers=2, heads=2, embedding=8)
    net = Blip(BlipConfig(image, text)).eval()
    torch.nn.init.normal_(net.token.weight, std=0.3)
    return net


@pytest.fixture
def reward():
    torch.manual_seed(0)
    vision = VisionConfig(image_size=16, stem=(8, 8, 16), width=16, layers=1, heads=2, queries=2)
    text = ClipTextConfig(words=tuple("hgfedcba"[:7]), max_tokens=10, width=16, layers=1, heads=2, queries=2)
    return Reward(Clip(ClipConfig(vision, text, embedding=8)), tuple("abcdefgh"), grammar_weight=0.5)


@given(st.lists(st.integers(4, 40), min_size=2, max_size=30), st.integers(0, 2**32 - 1))
def test_damage_changes_a_caption_and_nothing_but_words_come_in(words, seed):
    told = corrupted(words, 41, np.random.default_rng(seed))
    assert told != words or words == words[::-1]
    assert 1 <= len(told) <= len(words) + 3 * 4
    assert set(told) <= set(range(4, 41))
    assert corrupted(words, 41, np.random.default_rng(seed)) == told


def test_a_caption_is_as_good_as_its_worst_word_and_padding_is_no_word():
    torch.manual_seed(0)
    head, vectors = GrammarHead(16), torch.randn(1, 5, 16)
    logits = [float(head(vectors[:, :n], torch.ones(1, n, dtype=torch.long)).detach()) for n in (1, 2, 3)]
    assert logits == sorted(logits, reverse=True)  # a word more can only be wrong as well
    padded = head(vectors, torch.tensor([[1, 4, 2, 0, 0]]))
    assert float(padded.detach()) == pytest.approx(logits[-1], abs=1e-5)


def test_the_head_learns_which_captions_are_damaged(reward):
    """In this language a is followed by b."""
    optimizer = torch.optim.Adam(reward.grammar.parameters(), lr=1e-2)
    good, bad = [1, 4, 5, 4, 5, 2], [1, 5, 4, 4, 5, 2]
    tokens = reward.translate(torch.tensor([good, bad]))
    for _ in range(40):
        optimizer.zero_grad()
        logits = reward.grammar_logits(tokens)
        torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor([1.0, 0.0])).backward()
        optimizer.step()
    logits = reward.grammar_logits(tokens)
    assert logits[0] > 0 > logits[1]
    assert all(value.grad is None for value in reward.clip.parameters())


def test_words_of_the_captioner_become_those_of_clip(reward):
    words = reward.clip.config.text.words  # h g f e d c b: a is not among them
    told = reward.translate(torch.tensor([[1, 4, 5, 11, 2, 0]]))[0].tolist()
    assert told == [1, UNKNOWN, 4 + words.index("b"), 4 + words.index("h"), 2, 0]
    assert reward.translate(torch.ones(1, 50, dtype=torch.long)).shape == (1, 10)


def test_a_caption_earns_its_cosine_and_its_grammar(reward):
    images = torch.randn(3, 8)
    earned = reward(images, TOKENS)
    told = reward.translate(TOKENS)
    cosine = similarity(images, reward.clip.encode_text(told)).diagonal().clamp(min=0)
    sound = reward.grammar_logits(told).sigmoid()
    assert torch.allclose(earned, SCALE * cosine + 0.5 * sound, atol=1e-5)
    endless = TOKENS.masked_fill(TOKENS == 2, 4)
    assert (reward(images, endless) <= SCALE + 1e-5).all()
    assert not earned.requires_grad


def test_the_chances_of_a_caption_are_those_of_its_words(net):
    said = log_probabilities(net, PATCHES, TOKENS)
    assert said.shape == (3, 3)
    assert said[1, 2] == 0
    assert torch.allclose(-said.sum() / 8, net.lm_loss(PATCHES, TOKENS), atol=1e-5)


def test_what_earns_more_than_the_greedy_caption_becomes_likelier():
    chances = torch.full((2, 3), -1.0, requires_grad=True)
    self_critical_loss(chances, torch.tensor([0.9, 0.2]), torch.tensor([0.5, 0.5])).backward()
    assert (chances.grad[0] < 0).all()  # a step against the gradient raises it
    assert (chances.grad[1] > 0).all()


def test_the_captioner_learns_to_say_what_is_rewarded(net):
    """The reward is the share of the word `c`; nobody shows a caption."""
    tuned = [value for name, value in net.named_parameters() if name in tuned_parameters(net)]
    optimizer = torch.optim.Adam(tuned, lr=1e-2)

    def earned(tokens):
        return (tokens == 6).float().mean(1)

    def write(how, seed):
        told = net.caption_features(PATCHES.repeat(8, 1, 1), range(seed, seed + 24), how)
        return torch.cat([torch.full_like(told[:, :1], BOS), told], 1)

    before = earned(write(Decoding(limit=6, temperature=1.0, top_p=1.0), 0)).mean()
    for step in range(40):
        drawn = write(Decoding(limit=6, temperature=1.0, top_p=1.0), 24 * step)
        baseline = earned(write(Decoding(limit=6), 0))
        loss = self_critical_loss(log_probabilities(net, PATCHES.repeat(8, 1, 1), drawn), earned(drawn), baseline)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    after = earned(write(Decoding(limit=6, temperature=1.0, top_p=1.0), 0)).mean()
    assert after > before + 0.2


def test_only_the_text_decoder_is_tuned(net):
    net.lm_loss(PATCHES, TOKENS).backward()
    used = {name for name, value in net.named_parameters() if value.grad is not None}
    assert set(tuned_parameters(net)) == used - {"token.weight", "position"}
