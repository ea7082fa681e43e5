"""mPLUG-Owl's parts at a tiny size: what the abstractor sees, what the config keeps, what an answer depends on."""

import dataclasses
import json

import pytest
import torch

from telephone.nets.blip import ImageEncoderConfig
from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.mplug_owl import (
    AbstractorConfig,
    AdapterConfig,
    InstructionModel,
    MplugOwl,
    MplugOwlConfig,
    VisualAbstractor,
)
from telephone.nets.tokenizer import ChatTokenizer

WORDS = ("a", "boat", "colour", "is", "red", "the", "what", "什", "么")
CONFIG = MplugOwlConfig(
    ImageEncoderConfig(stem=(8, 8, 8), width=16, layers=1, heads=2),
    AbstractorConfig(queries=3, layers=2, heads=2, inner=24),
    AdapterConfig(rank=2),
    language_width=12,
)


@pytest.fixture
def owl():
    torch.manual_seed(0)
    model = LanguageModel(LanguageModelConfig(words=WORDS, width=12, layers=1, heads=2, hidden=16)).eval()
    return InstructionModel(MplugOwl(CONFIG, model).eval(), model, ChatTokenizer(WORDS))


def test_a_picture_becomes_as_many_tokens_as_there_are_queries(owl):
    seen = owl.net.visual_tokens(torch.randn(2, 3, 64, 64))
    assert seen.shape == (2, 3, 12)
    assert not torch.allclose(seen[0, 0], seen[1, 0])


def test_the_queries_see_every_square_and_each_other():
    torch.manual_seed(0)
    net = VisualAbstractor(AbstractorConfig(queries=3, layers=2, heads=2, inner=24), 16, 5, 12)
    patches = torch.randn(1, 5, 16, requires_grad=True)
    net(patches)[0, 0].sum().backward()
    assert bool((patches.grad.abs().sum(-1) > 0).all())
    assert bool((net.queries.grad.abs().sum(-1) > 0).all())


def test_squares_in_another_order_are_another_picture():
    torch.manual_seed(0)
    net = VisualAbstractor(AbstractorConfig(queries=3, layers=2, heads=2, inner=24), 16, 5, 12)
    torch.nn.init.normal_(net.position)
    patches = torch.randn(1, 5, 16)
    assert not torch.allclose(net(patches), net(patches.flip(1)), atol=1e-3)


def test_the_file_holds_eyes_and_adapters_and_knows_its_shape(owl, tmp_path):
    path = tmp_path / "owl.safetensors"
    save_weights(path, owl.net, CONFIG, {})
    config = MplugOwlConfig.from_dict(read_metadata(path)[0])
    assert config == CONFIG == MplugOwlConfig.from_dict(json.loads(json.dumps(dataclasses.asdict(CONFIG))))
    again = MplugOwl(config, owl.language_model)
    read_weights([path], again)
    x = torch.randn(1, 3, 64, 64)
    assert torch.allclose(again.eval().visual_tokens(x), owl.net.visual_tokens(x), atol=5e-3)
    assert not any("language" in name for name in again.state_dict())


def test_answers_depend_on_their_own_picture_question_and_seed(owl):
    x = torch.randn(3, 3, 64, 64)
    asked = ["what colour is the boat", "什么", "what colour is the boat"]
    how = Decoding(limit=6, temperature=1.0)
    together = owl.answer(x, asked, [1, 2, 3], how)
    alone = [owl.answer(x[i : i + 1], asked[i : i + 1], [i + 1], how)[0] for i in range(3)]
    assert together == alone
    assert owl.answer(x[:1], asked[:1], [7], how) != owl.answer(x[:1], asked[:1], [8], how)


def test_the_picture_reaches_the_words(owl):
    x = torch.randn(1, 3, 64, 64, requires_grad=True)
    seen = owl.net.visual_tokens(x)
    opening = owl.language_model.embed(torch.tensor([owl.tokenizer.before_image()]))
    owl.language_model(torch.cat([opening, seen], 1))[0, -1].sum().backward()
    assert x.grad.abs().sum() > 0
