"""The declarations of the pocket nets agree with the modules, weight files, recipes and rosters that exist."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from telephone.models import list_models
from telephone.models.pocket import NETS, RECIPES, WEIGHT_FILES, weights
from telephone.models.pocket.pocket_net import import_name
from telephone.models.rosters import load_roster

SOURCE = Path(importlib.import_module("telephone").__file__).parent


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
def test_every_declaration_names_classes_and_a_recipe_that_exist(net):
    slug = net.name.replace("-", "_")
    for name in filter(None, (net.net, net.config)):
        assert name.startswith(f"telephone.nets.{slug}:")
        assert isinstance(import_name(name), type)
    if net.recipe:
        assert net.recipe == f"telephone.train.{slug}"
        assert callable(importlib.import_module(net.recipe).main)
    assert bool(net.files) == bool(net.recipe)
    assert net.summary
    assert not net.summary.endswith(".")


def test_every_shipped_file_is_declared():
    index = json.loads((weights.shipped_folder() / weights.INDEX).read_text())
    shipped = {name.removesuffix(".safetensors") for name in index}
    assert shipped <= set(WEIGHT_FILES)
    assert {entry["recipe"] for entry in index.values()} <= set(RECIPES)
    members = [net for net in NETS if net.roster]
    assert members
    assert all(set(net.files) <= shipped for net in members)


def test_every_recipe_module_is_declared():
    with_main = {
        f"telephone.train.{path.stem}"
        for path in (SOURCE / "train").glob("*.py")
        if "\ndef main(" in path.read_text(encoding="utf-8")
    }
    assert set(RECIPES.values()) == with_main


def test_provider_and_roster_list_the_declared_models():
    all_cards = [card for card in list_models() if card.ref.startswith("pocket/")]
    cards = {card.ref: card for card in all_cards if card.kind != "image_editor"}
    assert [card.ref for card in all_cards if card.kind == "image_editor"] == [
        f"pocket/{net.name}" for net in NETS if net.editor
    ]
    assert list(cards) == [f"pocket/{net.name}" for net in NETS if net.kind]
    members = load_roster("pocket").members
    assert [member.name for member in members] == [net.name for net in NETS if net.roster]
    assert all(cards[member.ref].kind == member.kind for member in members)


def test_the_declarations_load_no_torch():
    code = "import sys; from telephone.models.pocket import NETS; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
