"""Several sets and files as the prompts of one battle."""

import pytest

from telephone.core.errors import PromptError, UsageError
from telephone.pipeline import BattleConfig
from telephone.prompts import get, get_joined

FAKES = {"t2i": ("fake/painter",), "i2t": ("fake/captioner",)}


def test_sets_are_joined_in_their_order_and_a_prompt_comes_once(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("A red boat.\nA blue cat.\n")
    names = ("article", str(path), "article")
    assert get_joined(names) == [*get("article"), *get(str(path))]
    assert get_joined(["pocket"]) == get("pocket")


def test_text_first_and_image_first_games_in_one_battle():
    spec = BattleConfig(**FAKES, prompts=("pocket", "pocket-images")).spec()
    assert len(spec.prompts) == len(get("pocket")) + len(get("pocket-images"))
    assert {prompt.first for prompt in spec.prompts} == {"text", "image"}
    assert BattleConfig(prompts=("pocket", "pocket-images")).stem == "pocket-pocket-images"
    assert BattleConfig(**FAKES, prompts=("pocket",)).spec() == BattleConfig(**FAKES, prompts="pocket").spec()


def test_one_id_for_two_prompts_is_an_error(tmp_path):
    for name, text in (("a", "A cat"), ("b", "A dog")):
        (tmp_path / f"{name}.csv").write_text(f"id,text\nx,{text}\n")
    with pytest.raises(PromptError, match=r"b\.csv, line 2: the id 'x' is that of another prompt in a\.csv, line 2"):
        get_joined([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])


def test_no_prompts_are_an_error():
    with pytest.raises(UsageError, match="No prompts are named"):
        BattleConfig(**FAKES, prompts=()).spec()
