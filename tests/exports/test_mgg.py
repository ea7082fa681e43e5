"""Folders for multi-generation GenEval: every image beside the line that says what it should contain."""

import json
from pathlib import Path

import pytest

from telephone import battle
from telephone.core.errors import UsageError
from telephone.core.records import Prompt
from telephone.exports import geneval_metadata, to_mgg

PROMPTS = [
    Prompt("A red boat on a beach.", "easy", "boat"),
    Prompt("Two small blue cats, and a green key left of the blue cats.", "medium", "cats"),
    Prompt("A wise old wizard.", "hard", "wizard"),
]


def test_images_are_numbered_as_their_lines_of_metadata(tmp_path: Path) -> None:
    lines = battle.grid(["oracle/renderer", "fake/painter"], ["oracle/reader"])
    with battle.begin(tmp_path / "run", battle.plan(lines, PROMPTS, turns=2)) as run:
        battle.play(run, battle.Roster())
        made = to_mgg(run, tmp_path / "out")
        frame = run.frame()
        stored = {(row["t2i_model"], row["prompt"], row["step_number"]): row["filepath"] for _, row in frame.iterrows()}
    assert (made.lines, made.games, made.left_out) == (2, 4, 2)
    seen = 0
    for pair in (tmp_path / "out").iterdir():
        model = "oracle/renderer" if "renderer" in pair.name else "fake/painter"
        entries = [json.loads(line) for line in (pair / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
        assert sorted(each.name for each in (pair / "text-first").iterdir()) == ["gen-1", "gen-3"]
        for number, entry in enumerate(entries):
            for step in (0, 1):
                found = (pair / "text-first" / f"gen-{2 * step + 1}" / f"{number}.png").read_bytes()
                names = [name for name in {key[0] for key in stored} if model.split("/")[1] in name]
                assert found == Path(stored[names[0], entry["prompt"], step]).read_bytes()
                seen += 1
    assert seen == 8


def test_metadata_in_the_format_of_geneval() -> None:
    found = geneval_metadata(PROMPTS[1].text)
    assert found is not None
    assert found["include"] == [
        {"class": "cat", "count": 2, "color": "blue"},
        {"class": "key", "count": 1, "color": "green", "position": ["left of", 0]},
    ]
    assert found["tag"] == "position"
    tags = {"A cat.": "single_object", "A red cat.": "colors", "A cat and a dog.": "two_object",
            "Three cats.": "counting", "A red cat and a blue dog.": "color_attr"}  # fmt: skip
    for text, tag in tags.items():
        metadata = geneval_metadata(text)
        assert metadata is not None and metadata["tag"] == tag
    assert geneval_metadata(PROMPTS[2].text) is None


def test_a_run_outside_the_pocket_world_has_nothing_to_write(tmp_path: Path) -> None:
    with battle.begin(
        tmp_path / "run", battle.plan(battle.grid(["fake/painter"], ["fake/captioner"]), PROMPTS[2:], turns=1)
    ) as run:
        battle.play(run, battle.Roster())
        with pytest.raises(UsageError, match="sentence of the pocket world"):
            to_mgg(run, tmp_path / "out")
