"""The answering of BLIP at toy size: where it starts, that memory and company change nothing, that it can learn."""

import dataclasses
import json

import pytest
import torch

from telephone.nets.blip import Blip, BlipConfig, BlipTextConfig, ImageEncoderConfig
from telephone.nets.blip_vqa import Answerer, AnswererConfig
from telephone.nets.generation import Decoding
from telephone.nets.tokenizer import BOS, EOS, PAD

PATCHES = torch.randn(2, 9, 16, generator=torch.Generator().manual_seed(1))
QUESTIONS = torch.tensor([[1, 4, 5, 6, 2], [1, 7, 2, 0, 0], [1, 4, 8, 2, 0], [1, 9, 9, 5, 2]])
"""Two about each of the pictures."""
ANSWERS = torch.tensor([[1, 4, 2, 0], [1, 5, 6, 2], [1, 7, 2, 0], [1, 8, 2, 0]])


@pytest.fixture
def net():
    torch.manual_seed(0)
    config = AnswererConfig(tuple("abcdefgh"), 16, 16, 2, question_layers=2, answer_layers=2, max_question=8)
    net = Answerer(config).eval()
    torch.nn.init.normal_(net.token.weight, std=0.5)
    return net


def test_answering_with_memory_equals_answering_anew(net):
    written = net.answer(PATCHES, QUESTIONS, [0] * 4, Decoding(limit=8))
    read, mask = net.encode_question(PATCHES, QUESTIONS), QUESTIONS != PAD
    for index, row in enumerate(written.tolist()):
        words = row[: row.index(EOS) + 1] if EOS in row else row
        tokens = torch.tensor([[BOS, *words]])
        x = net.token(tokens[:, :-1]) + net.answer_position[: len(words)]
        for block in net.answer_blocks:
            x = block(x, block.cross.keys(read[index : index + 1]), mask[index : index + 1])
        assert (net.answer_norm(x) @ net.token.weight.T).argmax(-1)[0].tolist() == words


def test_an_answer_depends_on_its_own_question_and_picture_alone(net):
    together = net.encode_question(PATCHES, QUESTIONS)
    for index, question in enumerate(QUESTIONS):
        short = question[question != PAD][None]
        alone = net.encode_question(PATCHES[index // 2 : index // 2 + 1], short)
        assert torch.allclose(together[index, : short.shape[1]], alone[0], atol=1e-5)
    assert not torch.allclose(net.encode_question(PATCHES.flip(0), QUESTIONS), together, atol=1e-2)


def test_the_loss_is_that_of_each_word_whatever_stands_beside_it(net):
    read, mask = net.encode_question(PATCHES, QUESTIONS), QUESTIONS != PAD
    x = net.token(ANSWERS[:, :-1]) + net.answer_position[: ANSWERS.shape[1] - 1]
    for block in net.answer_blocks:
        x = block(x, block.cross.keys(read), mask)
    logits = net.answer_norm(x) @ net.token.weight.T
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ANSWERS[:, 1:].flatten(), ignore_index=PAD)
    assert torch.allclose(net.loss(PATCHES, QUESTIONS, ANSWERS), expected, atol=1e-5)


def test_it_learns_to_answer_from_the_picture(net):
    """The same question about two pictures: only who looks can know."""
    asked = QUESTIONS[:1].repeat(2, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = net.loss(PATCHES, asked, ANSWERS[:2])
        loss.backward()
        optimizer.step()
    told = net.answer(PATCHES, asked, [0, 0])
    assert [row[row != PAD].tolist() for row in told] == [[4, 2], [5, 6, 2]]


def test_an_answer_is_not_longer_than_asked_for(net):
    assert net.answer(PATCHES, QUESTIONS, [0] * 4, Decoding(limit=3)).shape[1] <= 3
    assert net.answer(PATCHES, QUESTIONS, [0] * 4, Decoding(limit=10_000)).shape[1] <= net.config.max_answer - 1


def test_it_starts_from_what_blip_has_learned(net):
    image = ImageEncoderConfig(image_size=16, stem=(8, 8, 16), width=16, layers=1, heads=2)
    text = BlipTextConfig(words=("x", "c", "a"), max_tokens=12, width=16, layers=2, heads=2, embedding=8)
    blip = Blip(BlipConfig(image, text))
    before = net.token.weight.clone()
    net.start_from(blip)
    known = {4: 6, 6: 5, EOS: EOS}  # a and c stand elsewhere in BLIP's vocabulary
    for ours, theirs in known.items():
        assert torch.equal(net.token.weight[ours], blip.token.weight[theirs])
    assert torch.equal(net.token.weight[5], before[5])
    block, source = net.question_blocks[1], blip.blocks[1]
    assert torch.equal(block.self_attention.query.weight, source.bidirectional.query.weight)
    assert torch.equal(block.cross_attention.key_value.weight, source.cross.key_value.weight)
    assert torch.equal(net.answer_blocks[1].causal.out.weight, source.causal.out.weight)
    tokens = torch.tensor([[1, 4, 6, 2]])
    patches = PATCHES[:1]
    twin = blip.token(torch.tensor([[1, 6, 5, 2]])) + net.question_position[:4]
    for layer in blip.blocks:
        twin = layer.encode(twin, torch.ones(1, 4, dtype=torch.bool), patches)
    assert torch.allclose(net.encode_question(patches, tokens), net.question_norm(twin), atol=1e-5)


def test_the_config_comes_back_from_json(net):
    values = json.loads(json.dumps(dataclasses.asdict(net.config)))
    assert AnswererConfig.from_dict(values) == net.config
