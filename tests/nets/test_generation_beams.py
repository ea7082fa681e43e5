"""Beam search against trying every text, the limit of repetition, and memories that are put into another order."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from telephone.nets.generation import Decoding, ReorderableStep, generate
from telephone.nets.layers import KeyValueCache
from telephone.nets.tokenizer import BOS, EOS, PAD

WORDS = 7
LIMIT = 4


class Table:
    """A language model that is a table: the chances of a word depend on the two before it, and on the item."""

    def __init__(self, items, seed=0):
        generator = torch.Generator().manual_seed(seed)
        self.logits = torch.randn(items, WORDS, WORDS, WORDS, generator=generator) * 2
        self.logits[..., [PAD, BOS]] = -50
        self.item = torch.arange(items)
        self.before = torch.full((items,), BOS)
        self.last = self.before

    def __call__(self, token, position):
        self.before, self.last = self.last, token
        return self.logits[self.item, self.before, self.last]

    def reorder(self, rows):
        self.item, self.before, self.last = self.item[rows], self.before[rows], self.last[rows]

    def chance(self, item, text):
        """Returns the log-probability of a whole text."""
        told = [BOS, BOS, *text]
        chances = self.logits[item].log_softmax(-1)
        return float(sum(chances[told[i], told[i + 1], told[i + 2]] for i in range(len(text))))


def every_text():
    words = [word for word in range(WORDS) if word not in (PAD, EOS)]
    for length in range(LIMIT):
        for text in itertools.product(words, repeat=length):
            yield [*text, EOS]
    yield from map(list, itertools.product(words, repeat=LIMIT))


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0, 2.0])
def test_enough_beams_find_the_best_of_all_texts(penalty):
    found = generate(Table(3), [0] * 3, Decoding(LIMIT, beams=WORDS**LIMIT, length_penalty=penalty)).tolist()
    table = Table(3)
    for item, text in enumerate(found):
        best = max(every_text(), key=lambda text: table.chance(item, text) / len(text) ** penalty)
        assert [word for word in text if word != PAD] == best


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(2, 9), st.sampled_from([0.0, 1.0]), st.integers(0, 2))
def test_a_few_beams_do_not_depend_on_company(seed, beams, penalty, no_repeat):
    how = Decoding(LIMIT, beams=beams, length_penalty=penalty, no_repeat=no_repeat)
    together = generate(Table(3, seed), [0] * 3, how).tolist()
    for item, text in enumerate(together):
        alone = Table(3, seed)
        alone.reorder(torch.tensor([item]))
        (told,) = generate(alone, [0], how).tolist()
        assert [word for word in text if word != PAD] == [word for word in told if word != PAD]


def test_the_likeliest_word_at_a_time_is_not_always_the_likeliest_text():
    table = Table(20)
    greedy, wide = (generate(Table(20), [0] * 20, Decoding(LIMIT, beams=beams)).tolist() for beams in (1, 50))
    texts = [[[w for w in text if w != PAD] for text in both] for both in (greedy, wide)]
    means = [[table.chance(i, text) / len(text) for i, text in enumerate(both)] for both in texts]
    assert sum(means[1]) > sum(means[0]) + 1


@given(st.integers(0, 1000), st.integers(1, 3), st.sampled_from([1, 3]), st.sampled_from([0.0, 1.5]))
def test_no_sequence_of_words_comes_twice(seed, size, beams, temperature):
    how = Decoding(12, temperature=0.0 if beams > 1 else temperature, beams=beams, no_repeat=size)
    (text,) = generate(Table(1, seed), [seed], how).tolist()
    told = text[: text.index(EOS)] if EOS in text else text
    runs = [tuple(told[i : i + size]) for i in range(len(told) - size + 1)]
    assert len(set(runs)) == len(runs)


def test_without_the_limit_words_come_twice():
    texts = [generate(Table(1, seed), [0], Decoding(12)).tolist()[0] for seed in range(20)]
    assert any(len(set(text)) < len(text) for text in texts)


def test_what_beams_cannot_do_is_said():
    with pytest.raises(ValueError, match="Beam search"):
        generate(Table(1), [0], Decoding(beams=2, temperature=1.0))
    with pytest.raises(ValueError, match="Beam search"):
        generate(lambda token, position: torch.zeros(1, WORDS), [0], Decoding(beams=2))
    assert isinstance(Table(1), ReorderableStep)


def test_a_past_remembers_all_words_and_follows_an_order():
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(2, 3, n, 4, generator=generator) for n in (5, 1, 70, 1)]
    past = KeyValueCache()
    for part in parts:
        keys, values = past.add((part, -part))
    assert torch.equal(keys, torch.cat(parts, 2))
    assert torch.equal(values, -keys)
    past.reorder(torch.tensor([1, 1, 0]))
    keys, _ = past.add((torch.zeros(3, 3, 1, 4),) * 2)
    assert keys.shape == (3, 3, 78, 4)
    assert torch.equal(keys[0, :, :-1], torch.cat(parts, 2)[1])
    assert torch.equal(keys[2, :, :-1], torch.cat(parts, 2)[0])


def test_an_empty_past_can_be_reordered():
    past = KeyValueCache()
    past.reorder(torch.tensor([0]))
    assert past.length == 0
