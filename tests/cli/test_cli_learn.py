"""`telephone learn` around a recipe: where things go, what is put aside, how it stops."""

import pytest

from telephone.train import RECIPES

RECIPE = """
MINUTES = 7.0

def main(recipe):
    if recipe.minutes == 1:
        raise KeyboardInterrupt
    said = f"{recipe.minutes:g} {recipe.device} {recipe.seed} {recipe.threads} {recipe.pictures}"
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
    assert "Training tiny for 7 minutes on cpu" in done.stderr
    assert (tmp_path / "learned" / "tiny" / "checkpoint").read_text() == "7 cpu 5 3 50000"


def test_options_reach_the_recipe(learn, tmp_path):
    learn("--minutes", "0.5", "--pictures", "80", "--out", "there")
    assert (tmp_path / "there" / "tiny" / "checkpoint").read_text() == "0.5 cpu 0 None 80"


def test_it_goes_on_unless_told_to_start_over(learn, tmp_path):
    learn()
    mark = tmp_path / "learned" / "tiny" / "mark"
    mark.touch()
    assert "kept" not in learn("--resume").stderr
    assert mark.exists()
    assert "The earlier training is kept in learned/tiny.old." in learn("--fresh").stderr
    assert not mark.exists()
    assert (tmp_path / "learned" / "tiny.old" / "mark").exists()


def test_ctrl_c_tells_how_to_go_on(learn):
    done = learn("--minutes", "1", "--seed", "2")
    assert done.exit_code == 130
    assert "telephone learn tiny --minutes 1 --pictures 50000 --seed 2 --out learned" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--device", "abacus"), 2, "The device 'abacus' cannot be used"),
        (("--minutes", "0"), 2, "--minutes"),
        (("--out", "tiny_recipe.py"), 1, "choose another folder with --out"),
    ],
)
def test_wrong_use(learn, words, code, told):
    done = learn(*words)
    assert (done.exit_code, told in done.stderr) == (code, True), done.output
