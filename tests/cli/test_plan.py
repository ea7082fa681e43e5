"""`telephone plan` tells what a battle takes; `telephone play --controls` plays lines beside it."""

import json

import pytest

PLAY = ("--prompts", "pocket", "--level", "easy", "--turns", "2", "--no-report", "--embedder", "fake/embedder")


def test_a_plan_in_numbers(cli):
    plan = json.loads(cli("plan", "--gap", "0.05", "--players", "3x4", "--json").stdout)
    assert plan["games"] == 12 * plan["prompts"] * plan["seeds"]
    assert plan["calls"] == 20 * plan["games"]
    assert max(plan["gap"].values()) <= 0.05
    assert plan["forecast"] is None
    assert any("TOO FEW MODELS" in warning for warning in plan["warnings"])


def test_a_plan_in_words(cli):
    told = cli("plan", "--gap", "0.05", "--players", "20x20").stdout
    assert "is found in 80% of such battles" in told
    assert "TOO FEW" not in told
    assert "Cost and time: name the models" in told


def test_a_battle_that_cannot_show_anything(cli):
    assert "THIS BATTLE CANNOT SHOW ANYTHING" in cli("plan", "--prompts", "3").stdout


def test_a_plan_with_players_has_a_cost(cli):
    describers = "fake/captioner,fake/captioner?loss=0.1"
    done = cli("plan", "--t2i", "fake/painter", "--i2t", describers, "--json", "--gap", 0.2)
    plan = json.loads(done.stdout)
    assert plan["forecast"]["cost"] == 0.0
    assert plan["forecast"]["calls"] <= plan["calls"]
    assert plan["wish"]["drawers"] == 1


@pytest.mark.parametrize("words", [("--players", "3"), ("--players", "1x1"), ("--gap", "0"), ("--power", "2")])
def test_a_plan_that_makes_no_sense(cli, words):
    done = cli("plan", *words)
    assert done.exit_code == 2
    assert "Error:" in done.stderr


def test_controls_by_one_switch_and_a_plan_from_that_run(cli, tmp_path):
    who = ("--t2i", "fake/painter,fake/painter?loss=0.3", "--i2t", "fake/captioner,fake/captioner?loss=0.2")
    look = json.loads(cli("play", *who, *PLAY, "--controls", "--dry-run", "--json", "--out", "r").stdout)
    kinds = {row["kind"] for row in look["controls"]}
    assert kinds == {"paraphrase", "fixed", "shuffled", "reencode", "oracle"}
    assert "(control: fixed)" in cli("play", *who, *PLAY, "--controls", "--dry-run", "--out", "r").stdout
    done = cli("play", *who, *PLAY, "--out", "r", "--json")
    assert done.exit_code == 0, done.stderr
    plan = json.loads(cli("plan", "--run", "r", "--gap", "0.2", "--turns", "2", "--json").stdout)
    assert plan["spread"]["source"].startswith("a battle of 2 x 2 models on 3 prompts")
    assert plan["forecast"]["cost"] == 0.0
