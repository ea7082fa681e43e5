"""How words are chosen from given chances: the nucleus, the temperature, the end of a text and the limit."""

import torch

from telephone.nets.generation import Decoding, generate
from telephone.nets.tokenizer import BOS, EOS, PAD

CHANCES = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.15, 0.5, 0.05, 0.3])
MANY = range(600)


def same_chances(token, position):
    return CHANCES.log().expand(len(token), -1)


def shares(how):
    words = generate(same_chances, MANY, how)[:, 0]
    return torch.bincount(words, minlength=8) / len(words)


def test_without_temperature_the_likeliest_word_is_taken():
    assert shares(Decoding(limit=1))[5] == 1


def test_the_nucleus_holds_the_likeliest_words_alone():
    """Holtzman et al. 2020, section 3.1: the smallest set whose chances reach p, here 0.5 + 0.3."""
    found = shares(Decoding(limit=1, temperature=1.0, top_p=0.7))
    assert found[[4, 6]].sum() == 0
    assert abs(float(found[5]) - 0.5 / 0.8) < 0.05
    assert shares(Decoding(limit=1, temperature=1.0, top_p=0.4))[5] == 1


def test_a_whole_nucleus_keeps_the_models_chances():
    assert (shares(Decoding(limit=1, temperature=1.0, top_p=1.0)) - CHANCES).abs().max() < 0.05


def test_a_low_temperature_sharpens_the_chances():
    sharp = CHANCES**2 / (CHANCES**2).sum()
    assert (shares(Decoding(limit=1, temperature=0.5, top_p=1.0)) - sharp).abs().max() < 0.05


def test_each_step_is_told_the_word_before():
    told = []

    def step(token, position):
        told.append((position, token.tolist()))
        return torch.eye(8)[[4 + position, 7 - position]]

    assert generate(step, [0, 0], Decoding(limit=3)).tolist() == [[4, 5, 6], [7, 6, 5]]
    assert told == [(0, [BOS, BOS]), (1, [4, 7]), (2, [5, 6])]


def test_the_limit_ends_a_text_that_would_not():
    assert generate(same_chances, [0], Decoding(limit=7)).tolist() == [[5] * 7]


def test_after_the_end_there_is_padding_whatever_the_model_says():
    def step(token, position):
        logits = torch.zeros(2, 8)
        logits[0, EOS if position == 0 else 5] = 9
        logits[1, EOS if position == 3 else 6] = 9
        return logits

    assert generate(step, [0, 0], Decoding(limit=9)).tolist() == [[EOS, PAD, PAD, PAD], [6, 6, 6, EOS]]
