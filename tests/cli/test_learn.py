"""`telephone learn` around a recipe: where files go, what is put aside, how it stops."""

import pytest

from telephone.train import RECIPES

RECIPE = """
from telephone.train.common.recipe import StagePlan

STAGES = {"a": StagePlan(300, 2), "b": StagePlan(700, 5)}

def main(recipe):
    if recipe.minutes == 1:
        raise KeyboardInterrupt
    if recipe.minutes == 2:
        raise OSError(28, "No space left on device", "x.jsonl")
    said = f"{recipe.scale:g} {recipe.minutes} {recipe.device} {recipe.seed} {recipe.threads} {recipe.pictures}"
    (recipe.folder / "checkpoint").write_text(said)
    recipe.weights.write_text("weights")
    return recipe.weights
"""


@pytest.fixture
def learn(cli, tmp_path, monkeypatch):
    """Runs `telephone learn tiny` with more words; the recipe writes down what it was handed."""
    (tmp_path / "tiny_recipe.py").write_text(RECIPE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(RECIPES, "tiny", "tiny_recipe")
    return lambda *words: cli("learn", "tiny", *words)


def test_it_says_where_the_weights_are_and_how_to_use_them(learn, tmp_path, monkeypatch):
    monkeypatch.setenv("TELEPHONE_THREADS", "3")
    done = learn("--seed", "5")
    assert done.exit_code == 0, done.output
    assert done.stdout == "learned/tiny.safetensors\nUse it with TELEPHONE_WEIGHTS=learned\n"
    assert "Training tiny for 1000 steps on cpu (about 7 minutes on one CPU core)" in done.stderr
    assert (tmp_path / "learned" / "tiny" / "checkpoint").read_text() == "1 None cpu 5 3 50000"


def test_options_reach_the_recipe(learn, tmp_path):
    learn("--minutes", "0.5", "--steps", "20", "--pictures", "80", "--out", "there")
    assert (tmp_path / "there" / "tiny" / "checkpoint").read_text() == "0.02 0.5 cpu 0 None 80"


def test_it_resumes_unless_fresh(learn, tmp_path):
    learn()
    mark = tmp_path / "learned" / "tiny" / "mark"
    mark.touch()
    assert "kept" not in learn("--resume").stderr
    assert mark.exists()
    assert "The earlier training was moved to learned/tiny.old." in learn("--fresh").stderr
    assert not mark.exists()
    assert (tmp_path / "learned" / "tiny.old" / "mark").exists()


def test_ctrl_c_states_how_to_resume(learn):
    done = learn("--minutes", "1", "--seed", "2")
    assert done.exit_code == 130
    assert "Resume with: telephone learn tiny --minutes 1.0 --pictures 50000 --seed 2 --out learned" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--device", "abacus"), 2, "The device 'abacus' cannot be used"),
        (("--minutes", "0"), 2, "--minutes"),
        (("--steps", "0"), 2, "--steps"),
        (("--minutes", "2"), 1, "x.jsonl cannot be used (No space left on device): free some space"),
        (("--out", "tiny_recipe.py"), 1, "choose another folder with --out"),
    ],
)
def test_wrong_use(learn, words, code, told):
    done = learn(*words)
    assert (done.exit_code, told in done.stderr) == (code, True), done.output
