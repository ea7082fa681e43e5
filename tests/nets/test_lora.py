"""Low-rank adapters: nothing at first, the same merged or beside, and nothing but them learns."""

import pytest
import torch
from torch import nn

from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.lora import Adapters


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = LanguageModel(LanguageModelConfig(words=("red", "cat"), width=16, layers=2, heads=2, hidden=24)).eval()
    for block in model.blocks:
        nn.init.normal_(block.out.weight)  # a fresh model is too quiet for a change to be heard
    return model


@pytest.fixture
def adapters(model):
    return Adapters(model, ("query", "value"), rank=3, alpha=6.0)


def moved(adapters):
    """Returns the adapters as some training might leave them."""
    with torch.no_grad():
        for update in adapters.updates.values():
            update.up.normal_(generator=torch.Generator().manual_seed(1))
    return adapters


def test_an_update_is_the_paper_s_product():
    net = nn.Sequential(nn.Linear(4, 5))
    adapters = Adapters(net, ("0",), rank=2, alpha=8.0)
    update = moved(adapters).updates["0"]
    x = torch.randn(3, 4)
    before = net(x)
    adapters.attach(net)
    assert torch.allclose(net(x) - before, 4.0 * (x @ update.down.T) @ update.up.T, atol=1e-6)


def test_nothing_changes_at_first(model, adapters):
    x = torch.randn(2, 5, 16)
    before = model(x)
    adapters.attach(model)
    assert torch.equal(model(x), before)


def test_every_named_layer_has_an_update_and_no_other(model, adapters):
    assert set(adapters.updates) == {f"blocks/{i}/{name}" for i in range(2) for name in ("query", "value")}
    assert sum(p.numel() for p in adapters.parameters()) == 4 * 2 * 3 * 16


def test_merged_is_attached_is_what_it_was_after_all_is_taken_back(model, adapters):
    x = torch.randn(2, 5, 16)
    before = model(x)
    moved(adapters).attach(model)
    beside = model(x)
    assert not torch.allclose(beside, before, atol=1e-2)
    adapters.detach(model)
    assert torch.equal(model(x), before)
    adapters.merge(model)
    assert torch.allclose(model(x), beside, atol=1e-5)
    adapters.merge(model, share=-1.0)
    assert torch.allclose(model(x), before, atol=1e-5)


def test_only_the_adapters_learn(model, adapters):
    adapters.attach(model)
    model(torch.randn(2, 5, 16)).square().sum().backward()
    assert {name for name, p in model.named_parameters() if p.grad is not None} == {
        name for name, _ in model.named_parameters() if ".update." in name
    }
    for update in adapters.updates.values():
        assert update.up.grad.abs().sum() > 0
        assert update.down.grad.abs().sum() == 0  # as long as `up` is zero
    frozen = {name: p.clone() for name, p in model.named_parameters() if ".update." not in name}
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1).step()
    assert all(torch.equal(p, frozen[name]) for name, p in model.named_parameters() if name in frozen)


def test_the_adapters_are_saved_without_the_net(model, adapters):
    assert all(name.startswith("updates.") for name in adapters.state_dict())
    names = set(model.state_dict())
    adapters.attach(model)
    adapters.detach(model)
    assert set(model.state_dict()) == names


def test_names_that_are_nowhere_are_refused(model):
    with pytest.raises(ValueError, match="no linear layer called nobody"):
        Adapters(model, ("nobody",), rank=2, alpha=2.0)
