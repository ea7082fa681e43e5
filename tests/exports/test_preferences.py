"""Preference pairs: answers of two models to one input, the one that keeps more facts is chosen."""

import json
from pathlib import Path

import pytest

from telephone import battle
from telephone.core.errors import UsageError
from telephone.core.images import decode
from telephone.core.records import Prompt
from telephone.exports import to_preferences
from telephone.judge import count_facts, score

PROMPTS = [
    Prompt(f"A small red {one} and a big blue {two} on a beach at night.", "easy", one)
    for one, two in (("boat", "cat"), ("key", "robot"), ("hat", "cup"))
]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    folder = tmp_path_factory.mktemp("preferences")
    lines = battle.grid(["oracle/renderer", "fake/sketcher?drop=0.5"], ["fake/teller", "fake/teller?drop=0.5"])
    with battle.begin(folder / "run", battle.plan(lines, PROMPTS, turns=2, seed=5)) as run:
        battle.play(run, battle.Roster())
        score(run, None, full=True)
        made = to_preferences(run, folder / "out")
    rows = [json.loads(line) for line in (folder / "out" / "preferences.jsonl").read_text("utf-8").splitlines()]
    assert made.pairs == len(rows) > 0
    return folder / "out", rows


def test_the_chosen_description_keeps_more_facts(pairs: tuple[Path, list[dict[str, object]]]) -> None:
    folder, rows = pairs
    described = [row for row in rows if row["task"] == "image-to-text"]
    assert described
    for row in described:
        shares = [count_facts(str(row["prompt"]), str(row[name])).comparison.recall for name in ("chosen", "rejected")]
        assert shares == [row["chosen_score"], row["rejected_score"]]
        assert shares[0] > shares[1]
        assert row["chosen_model"] != row["rejected_model"]
        decode((folder / str(row["input"])).read_bytes())


def test_images_answer_the_same_text(pairs: tuple[Path, list[dict[str, object]]]) -> None:
    folder, rows = pairs
    drawn = [row for row in rows if row["task"] == "text-to-image"]
    assert drawn
    first = [row for row in drawn if row["input"] == row["prompt"]]
    assert first
    for row in drawn:
        assert row["measure"] == "image_facts_recall"
        assert float(str(row["chosen_score"])) > float(str(row["rejected_score"]))
        assert (folder / str(row["chosen"])).read_bytes() != (folder / str(row["rejected"])).read_bytes()


def test_one_model_a_side_gives_no_pairs(tmp_path: Path) -> None:
    lines = battle.grid(["oracle/renderer"], ["oracle/reader"])
    with battle.begin(tmp_path / "run", battle.plan(lines, PROMPTS[:1], turns=1)) as run:
        battle.play(run, battle.Roster())
        score(run, None, full=True)
        with pytest.raises(UsageError, match="two or more models on a side"):
            to_preferences(run, tmp_path / "out")
