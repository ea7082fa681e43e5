"""The examples run as they stand."""

import runpy
from pathlib import Path

import pytest

import telephone

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_plain_players(capsys):
    runpy.run_path(str(EXAMPLES / "plain_players.py"), run_name="__main__")
    told = capsys.readouterr().out
    assert told.count("Connecting ") == 120
    first = telephone.get_prompts()[0].text
    assert f"Connecting ink <-> reader with prompt: {first[:20]}" in told
    assert f"{first}\n" in told.partition("\nink_reader\n")[2]


@pytest.mark.slow
def test_pocket_battle(capsys):
    module = runpy.run_path(str(EXAMPLES / "pocket_battle.py"))
    module["main"](turns=2, prompts=telephone.get_prompts("pocket:easy"))
    told = capsys.readouterr().out
    assert told.count("Connecting ") == 9
    assert "dalle-2_blip" in told
