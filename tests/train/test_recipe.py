"""Options, kept values and the table of stages of the recipes."""

import ast
import importlib
import inspect

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from telephone.core.errors import StoreError, WeightsError
from telephone.train import RECIPES
from telephone.train.common.recipe import (
    StagePlan,
    frozen,
    keep,
    keep_array,
    replace_file,
    shipped_or_learned,
    total_steps,
)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_states_its_steps(name):
    module = importlib.import_module(RECIPES[name])
    assert callable(module.main)
    assert all(plan.steps > 0 and plan.minutes > 0 for plan in module.STAGES.values())
    assert f"telephone learn {name}" in module.__doc__


def test_a_time_limit_is_divided_like_the_default_minutes(make_recipe):
    stages = {"a": StagePlan(10, 1), "b": StagePlan(20, 3)}
    assert total_steps(stages) == 30
    assert make_recipe("r").time_limit(stages, "a") is None
    assert make_recipe("r", minutes=2).time_limit(stages, "a") == 30
    assert make_recipe("r", minutes=2).time_limit(stages, "b") == 90


def test_a_value_is_computed_once(tmp_path):
    assert keep(tmp_path / "x.json", lambda: [1]) == [1]
    assert keep(tmp_path / "x.json", lambda: [2]) == [1]
    (tmp_path / "x.json").write_text("[1")
    with pytest.raises(StoreError, match="damaged"):
        keep(tmp_path / "x.json", lambda: [2])


def test_an_array_is_computed_once_and_in_pieces(tmp_path):
    path = tmp_path / "x.npy"
    made = keep_array(path, (3, 2), lambda: iter([np.ones((2, 2)), np.zeros((1, 2))]))
    assert made.tolist() == [[1, 1], [1, 1], [0, 0]]
    assert np.array_equal(keep_array(path, (3, 2), lambda: 1 / 0), made)
    path.write_bytes(b"not an array")
    with pytest.raises(StoreError, match="damaged"):
        keep_array(path, (3, 2), lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        keep_array(tmp_path / "y.npy", (3, 2), lambda: 1 / 0)
    assert [each.name for each in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", None])
def test_an_array_that_is_cut_off_or_of_another_shape_is_named(tmp_path, content):
    path = tmp_path / "x.npy"
    keep_array(path, (3, 2), lambda: [np.ones((3, 2))])
    whole = path.read_bytes()
    for cut in [whole[:-1], whole[:70]] if content is None else [content]:
        path.write_bytes(cut)
        with pytest.raises(StoreError, match=r"x.npy is damaged .*remove it"):
            keep_array(path, (3, 2), lambda: 1 / 0)
    path.write_bytes(whole)
    with pytest.raises(StoreError, match=r"holds float16 .3, 2. in place of float16 .4, 2."):
        keep_array(path, (4, 2), lambda: 1 / 0)
    assert whole == (np.save(tmp_path / "y", np.ones((3, 2), np.float16)), (tmp_path / "y.npy").read_bytes())[1]


def test_damaged_weights_of_another_recipe_are_named(make_recipe):
    recipe = make_recipe("r")
    recipe.weights.parent.mkdir(parents=True, exist_ok=True)
    recipe.weights.with_name("clip.safetensors").write_bytes(b"x" * 40)
    with pytest.raises(WeightsError, match=r"clip.safetensors cannot be used"):
        frozen(recipe, "clip", lambda config: None)


def test_a_file_that_cannot_be_written_is_left_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "x"
    replace_file(path, b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_weights_beside_the_recipe_come_first(make_recipe, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    recipe = make_recipe("r")
    beside = recipe.weights.with_name("clip.safetensors")
    beside.write_bytes(b"mine")
    assert shipped_or_learned(recipe, "clip") == beside
    with pytest.raises(WeightsError, match="telephone learn no-such"):
        shipped_or_learned(recipe, "no-such")


def test_metadata_states_steps_seed_and_what_it_builds_on(make_recipe):
    recipe = make_recipe("r", seed=3)
    recipe.finished["a"] = 7
    assert recipe.about("pocket/x") == {"model": "pocket/x", "seed": 3, "steps": {"a": 7}, "pictures": 80}
    assert len(recipe.about("pocket/x", "clip")["reads"]["clip"]) == 64


def test_checkpoints_of_earlier_versions_are_named(make_recipe):
    recipe = make_recipe("r")
    recipe.start()
    save_file({"model.x": torch.zeros(1)}, recipe.folder / "look.safetensors", {"used": "1.0", "step": "3"})
    with pytest.raises(StoreError, match=r"look.safetensors is a checkpoint of an earlier version.*--fresh"):
        recipe.start()


def test_no_recipe_asks_the_clock_for_data():
    for module in RECIPES.values():
        tree = ast.parse(inspect.getsource(importlib.import_module(module)))
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not names & {"seconds", "progress", "monotonic", "time"}
