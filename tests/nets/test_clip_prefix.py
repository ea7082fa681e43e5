"""ClipCap's two mappers: shapes, what they look at, and that a frozen model can be steered by what they make."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from telephone.nets.blip_2 import answer_loss
from telephone.nets.clip_prefix import ClipPrefix, ClipPrefixConfig
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import ChatTokenizer

SPOKEN = LanguageModelConfig(words=("a", "b", "c", "d", "say", "."), width=16, layers=2, heads=2, hidden=24)
CONFIG = ClipPrefixConfig(prefix=3, view=8, width=12, language_width=16, spread=2, layers=1, heads=2, hidden=12)
SEEN = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=["mlp", "transformer"])
def net(request):
    torch.manual_seed(0)
    return ClipPrefix(replace(CONFIG, mapper=request.param))


def test_a_prefix_depends_on_its_own_picture_and_on_the_direction_alone(net):
    prefix = net(SEEN)
    assert prefix.shape == (4, 3, 16)
    assert torch.allclose(net(SEEN[2:3] * 7)[0], prefix[2], atol=1e-5)
    assert not torch.allclose(prefix[0], prefix[1])


def lesson():
    """Returns one word to be said of each of the four pictures."""
    tokenizer = ChatTokenizer(SPOKEN.words)
    words = torch.tensor([[*tokenizer.after_image("say"), *tokenizer.answer(word)] for word in "abcd"])
    answers = words.clone()
    answers[:, :3] = 0
    return words, answers


def learn(net, model, steps):
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = answer_loss(model, net(SEEN), *lesson())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("mapper", ["mlp", "transformer"])
def test_mapper_and_tuned_language_model_learn_to_tell_pictures_apart(mapper):
    """Section 3.2, the loss on captions: what is said follows the picture."""
    torch.manual_seed(0)
    net = ClipPrefix(replace(CONFIG, mapper=mapper, tuned=SPOKEN))
    losses = learn(net, net.language_model, 60)
    with torch.no_grad():
        mixed_up = answer_loss(net.language_model, net(SEEN.roll(1, 0)), *lesson()).item()
    assert losses[-1] < losses[0] / 4
    assert mixed_up > 2 * losses[-1]


def test_a_frozen_language_model_does_not_change(net):
    """Section 3.3: the gradient goes through it, to the mapper."""
    model = LanguageModel(SPOKEN).requires_grad_(requires_grad=False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = learn(net, model, 10)
    assert losses[-1] < losses[0]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(
        value.grad is not None and bool(value.grad.abs().sum() > 0) for value in net.parameters() if value.requires_grad
    )


def test_a_tuned_language_model_is_part_of_the_net():
    net = ClipPrefix(replace(CONFIG, mapper="mlp", tuned=SPOKEN))
    assert any(name.startswith("language_model.") for name in net.state_dict())
    assert not any(name.startswith("language_model.") for name in ClipPrefix(CONFIG).state_dict())


def test_there_are_two_mappers():
    with pytest.raises(ValueError, match="transformer"):
        ClipPrefix(replace(CONFIG, mapper="linear"))


@pytest.mark.parametrize("tuned", [None, SPOKEN])
def test_the_config_survives_json(tuned):
    config = replace(CONFIG, tuned=tuned)
    assert ClipPrefixConfig.from_dict(json.loads(json.dumps(asdict(config)))) == config
