"""ClipCap's two mappers: shapes, what they look at, and that a frozen model can be steered by what they make."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from telephone.nets.blip2 import talk_loss
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


def test_a_frozen_language_model_learns_to_be_steered(net):
    """Section 3.3: only the mapper learns, and the words follow the picture."""
    model = LanguageModel(SPOKEN).eval().requires_grad_(requires_grad=False)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.4)
    before = model.token.weight.clone()
    tokenizer = ChatTokenizer(SPOKEN.words)
    rows = [[*tokenizer.after_image("say"), *tokenizer.answer(word)] for word in "abcd"]
    words = torch.tensor(rows)
    answers = words.clone()
    answers[:, :3] = 0
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        losses.append(talk_loss(model, net(SEEN), words, answers))
        losses[-1].backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        mixed_up = talk_loss(model, net(SEEN.roll(1, 0)), words, answers)
    assert losses[-1] < losses[0] / 3
    assert mixed_up > losses[-1] * 2
    assert torch.equal(model.token.weight, before)


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
