"""CLIP at toy size: what its encoders see, its loss, its measures, and naming pictures without having learned names."""

import dataclasses
import json
import math

import pytest
import torch
from torch.nn import functional as F

from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig, contrastive_loss, retrieval, zero_shot

PICTURES = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
TOKENS = torch.tensor([[1, 4, 5, 2, 0], [1, 6, 2, 0, 0], [1, 7, 8, 9, 2]])
STEM = (8, 8, 16)


def make(stem=STEM, convolutions=1, queries=3):
    torch.manual_seed(0)
    vision = VisionConfig(image_size=16, stem=stem, width=16, layers=1, heads=2, queries=queries)
    shape = {"max_tokens": 8, "width": 16, "layers": 1, "heads": 2}
    text = ClipTextConfig(tuple("abcdefgh"), convolutions=convolutions, queries=queries, **shape)
    return Clip(ClipConfig(vision, text, embedding=8)).eval()


@pytest.fixture(params=[(STEM, 1, 3), ((), 0, 0)], ids=["pocket", "paper"])
def net(request):
    return make(*request.param)


def test_every_picture_meets_every_sentence(net):
    logits = net(PICTURES[:2], TOKENS)
    assert logits.shape == (2, 3)
    images, texts = net.encode_image(PICTURES[:2]), net.encode_text(TOKENS)
    cosine = F.cosine_similarity(images[0], texts[2], dim=0)
    assert torch.allclose(logits[0, 2], cosine / 0.07, atol=1e-4)


def test_the_temperature_has_an_end(net):
    with torch.no_grad():
        net.logit_scale.fill_(20.0)
    assert float(net.scale().detach()) == pytest.approx(100, rel=1e-5)
    assert net(PICTURES, TOKENS).abs().max() <= 100.01


def test_every_word_of_a_sentence_counts(net):
    for place in (1, 2, 3):
        other = TOKENS[2:].clone()
        other[0, place] = 11
        assert not torch.allclose(net.encode_text(other), net.encode_text(TOKENS[2:]), atol=1e-4)


def test_the_papers_sentence_ends_at_its_eos():
    net = make((), 0, 0)
    longer = TOKENS.clone()
    longer[:2, -1] = 9
    assert torch.allclose(net.encode_text(longer), net.encode_text(TOKENS), atol=1e-6)


def test_padding_and_batch_do_not_change_a_sentence(net):
    alone = net.encode_text(torch.tensor([[1, 6, 2]]))
    assert torch.allclose(alone[0], net.encode_text(TOKENS)[1], atol=1e-6)


def test_a_word_sees_those_before_it_alone(net):
    changed = TOKENS.clone()
    changed[:, 3] = 10
    before, after = net.text_sequence(TOKENS)[0], net.text_sequence(changed)[0]
    assert torch.allclose(before[:, :3], after[:, :3], atol=1e-6)
    assert not torch.allclose(before[:, 3], after[:, 3], atol=1e-3)


def test_each_corner_of_a_picture_counts(net):
    embedding = net.encode_image(PICTURES[:1])
    for row, column in ((0, 0), (0, 15), (15, 0), (15, 15)):
        other = PICTURES[:1].clone()
        other[..., row, column] += 3
        assert not torch.allclose(net.encode_image(other), embedding, atol=1e-5)


def test_features_for_perceptual_losses():
    sizes = [tuple(level.shape) for level in make().image_features(PICTURES)]
    assert sizes == [(3, 8, 8, 8), (3, 8, 4, 4), (3, 16, 2, 2)]
    assert make(stem=()).image_features(PICTURES) == []


def test_the_loss_is_symmetric_and_knows_the_diagonal():
    torch.manual_seed(0)
    logits = torch.randn(5, 5)
    assert torch.allclose(contrastive_loss(torch.zeros(5, 5)), torch.tensor(math.log(5)))
    assert torch.allclose(contrastive_loss(logits), contrastive_loss(logits.T))
    assert contrastive_loss(torch.eye(5) * 50) < 1e-6
    assert contrastive_loss(torch.eye(5).roll(1, 0) * 50) > 10


def test_retrieval_counts_the_nearest():
    logits = torch.tensor([[3.0, 1.0, 0.0], [2.0, 1.5, 0.0], [0.0, 0.5, 1.0]])
    assert retrieval(logits) == pytest.approx((2 / 3, 1.0))
    assert retrieval(logits, k=2) == (1.0, 1.0)


def test_retrieval_gives_no_credit_for_seeing_no_difference():
    assert retrieval(torch.zeros(4, 4)) == (0.0, 0.0)
    assert retrieval(torch.zeros(4, 4), k=4) == (1.0, 1.0)


def test_zero_shot_gives_chances(net):
    classes = [TOKENS[:1], TOKENS[1:2], TOKENS[2:]]
    chances = zero_shot(net, PICTURES, classes)
    assert chances.shape == (3, 3)
    assert torch.allclose(chances.sum(1), torch.ones(3))
    assert torch.allclose(chances, net(PICTURES, TOKENS).softmax(1), atol=1e-5)
    assert torch.allclose(zero_shot(net, PICTURES, classes[::-1]), chances.flip(1), atol=1e-6)


def test_zero_shot_averages_the_prompts_of_a_class(net):
    """Section 3.1.4: the unit vectors are averaged, so a prompt said twice weighs twice and a long one no more."""
    one, other, third = TOKENS[:1], TOKENS[1:2], TOKENS[2:]
    chances = zero_shot(net, PICTURES, [torch.cat([one, one, other]), third.expand(3, -1)])
    unit = F.normalize(net.encode_text(TOKENS), dim=-1)
    texts = torch.stack([F.normalize((2 * unit[0] + unit[1]) / 3, dim=0), unit[2]])
    images = F.normalize(net.encode_image(PICTURES), dim=-1)
    assert torch.allclose(chances, (images @ texts.T * net.scale()).softmax(1), atol=1e-5)
    twice = zero_shot(net, PICTURES, [one.expand(2, -1), third.expand(2, -1)])
    assert torch.allclose(twice, zero_shot(net, PICTURES, [one, third]), atol=1e-5)


def test_classes_may_have_prompts_of_any_number_and_length(net):
    longer = F.pad(TOKENS[1:2], (0, 1)) if TOKENS.shape[1] < net.config.text.max_tokens else TOKENS[1:2, :-1]
    for _ in range(5):  # the shapes of one class, chosen by chance, are checked at each call
        assert zero_shot(net, PICTURES, [TOKENS[:1].expand(3, -1), longer]).shape == (3, 2)


def test_it_learns_to_name_pictures():
    net = make().train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(40):
        loss = contrastive_loss(net(PICTURES, TOKENS))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 20
    named = zero_shot(net.eval(), PICTURES, [TOKENS[:1], TOKENS[1:2], TOKENS[2:]])
    assert named.argmax(1).tolist() == [0, 1, 2]
    assert retrieval(net(PICTURES, TOKENS).detach()) == (1.0, 1.0)


def test_a_config_comes_back_from_json(net):
    again = ClipConfig.from_dict(json.loads(json.dumps(dataclasses.asdict(net.config))))
    assert again == net.config
    Clip(again).load_state_dict(net.state_dict())
