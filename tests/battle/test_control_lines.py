"""The control lines of a battle: which there are, what they say, and that they are marked in the run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from telephone import battle as battles
from telephone import prompts as sets
from telephone import world
from telephone.analysis import game_scores, leaderboard, oracle_swaps, without_controls
from telephone.core.errors import ModelError
from telephone.core.images import encode_png
from telephone.core.records import Prompt
from telephone.judge import score
from telephone.models import barcode, image2text, text2image
from telephone.store import Run

T2I, I2T = ("fake/painter", "fake/painter?loss=0.2"), ("fake/captioner",)
PROMPTS = sets.get("pocket")[:4]


def told(describer: str, text: str, seed: int = 0) -> str:
    return image2text(describer).generate_text(barcode.draw(text.encode()), seed)


def test_which_controls_there_are() -> None:
    found = battles.controls(T2I, I2T, PROMPTS)
    kinds = [kind for _, _, kind in found]
    assert kinds == ["paraphrase", "fixed", "shuffled", "reencode"] + ["oracle"] * 4
    assert [line[:2] for line in found[4:]] == [
        ("fake/painter", "fake/teller"),
        ("fake/painter?loss=0.2", "fake/teller"),
        ("fake/sketcher", "fake/captioner"),
        ("fake/sketcher", "fake/teller"),
    ]
    drawn = battles.controls(("pocket/dalle-2",), ("pocket/blip",), PROMPTS)
    assert [line[:2] for line in drawn[4:]] == [
        ("pocket/dalle-2", "oracle/reader"),
        ("oracle/renderer", "pocket/blip"),
        ("oracle/renderer", "oracle/reader"),
    ]
    elsewhere = battles.controls(T2I, I2T, [Prompt("A zebra plays chess.")])
    assert [kind for _, _, kind in elsewhere] == ["paraphrase", "fixed", "reencode"]
    pictures = battles.controls(T2I, I2T, [Prompt("x", image=encode_png(Image.new("RGB", (8, 8))))])
    assert [kind for _, _, kind in pictures] == ["reencode"]


def test_a_line_of_the_battle_is_no_control() -> None:
    found = battles.controls(("oracle/renderer",), ("oracle/reader",), PROMPTS)
    assert "oracle" not in [kind for _, _, kind in found]


def test_a_paraphrase_of_the_world_keeps_every_fact_and_goes_on() -> None:
    text = PROMPTS[0].text
    said = [text]
    for _ in range(4):
        said.append(told("control/paraphrase", said[-1]))
    assert all(one != other for one, other in zip(said, said[1:], strict=False))
    assert all(world.atoms(world.parse(each)) == world.atoms(world.parse(text)) for each in said)


def test_a_paraphrase_elsewhere_changes_words() -> None:
    text = "A small boat in front of a house, near a large stone by the sea."
    said = told("control/paraphrase", text)
    assert said.startswith("This is a picture: ")
    assert {told("control/paraphrase", text, seed) for seed in range(3)} == {said} or said != text


def test_fixed_and_shuffled() -> None:
    assert told("control/fixed", "anything") == "A picture."
    assert told("control/fixed?text=Nothing", "anything") == "Nothing"
    first = told("control/shuffled?prompts=pocket", PROMPTS[0].text)
    assert first.endswith(" (shuffled)")
    assert not first.startswith(PROMPTS[0].text)
    other = next(prompt for prompt in sets.get("pocket") if first.startswith(prompt.text))
    assert other.level == PROMPTS[0].level
    assert told("control/shuffled?prompts=pocket", first) == first


def test_pictures_are_handed_on_in_letters_and_lose_by_saving_alone() -> None:
    drawer, scan = text2image("control/reencode?of=oracle/renderer"), image2text("control/scan")
    first = drawer.generate_image(PROMPTS[0].text, 0)
    assert np.array_equal(first, text2image("oracle/renderer").generate_image(PROMPTS[0].text, 0))
    again = drawer.generate_image(scan.generate_text(first), 0)
    assert again.size == first.size
    change = np.abs(np.asarray(again, dtype=int) - np.asarray(first, dtype=int))
    assert 0 < change.mean() < 10
    with pytest.raises(ModelError, match="not an encoded image"):
        drawer.generate_image("data:image/png;base64,???", 0)


def test_a_control_reads_only_carbon_copies() -> None:
    with pytest.raises(ModelError, match="pair it with that model"):
        image2text("control/fixed").generate_text(Image.new("RGB", (64, 64)))


def test_controls_are_played_stored_and_left_out_of_boards(tmp_path: Path) -> None:
    beside = [row for row in battles.controls(T2I, I2T, PROMPTS) if row[2] in ("paraphrase", "fixed", "shuffled")]
    spec = battles.plan(battles.grid(T2I, I2T), PROMPTS, turns=3, controls=beside)
    with battles.begin(tmp_path / "run", spec) as run:
        assert battles.play(run).failed == 0
        score(run, "fake/embedder")
    with Run.open(tmp_path / "run") as run:
        assert run.spec.controls == tuple(beside)
        frame = run.frame()
        assert set(frame["control"]) == {"", "paraphrase", "fixed", "shuffled"}
        games = game_scores(frame)
        assert len(without_controls(games)) == 8
        assert set(leaderboard(games, "t2i").table["t2i_model"]) == {"fake/painter", "fake/painter?loss=0.2"}
        means = games.groupby("control")["recall_final"].mean()
        assert means["paraphrase"] == 1.0
        assert means["fixed"] == 0.0
        assert means["shuffled"] < 0.6


def test_controls_are_added_to_a_run_and_a_line_that_plays_in_the_battle_is_none() -> None:
    beside = battles.controls(T2I, I2T, PROMPTS)
    plain, with_them = (battles.plan(battles.grid(T2I, I2T), PROMPTS, turns=2, controls=c) for c in ((), beside))
    grown = plain.grown(with_them)
    assert grown.controls == tuple(beside)
    assert grown.grown(plain) is grown
    line = ("fake/sketcher", "fake/captioner")
    more = battles.plan([*battles.grid(T2I, I2T), line], PROMPTS, turns=2)
    assert line not in grown.grown(more).control_lines
    assert line in grown.control_lines
    assert grown.from_json(grown.to_json(), lambda sha: b"").controls == grown.controls
    assert replace(grown, controls=()).identity == grown.identity


def test_each_side_is_charged_with_what_it_loses_and_no_more(tmp_path: Path) -> None:
    drawers, describers = ("fake/sketcher?drop=0.2",), ("fake/teller?drop=0.05",)
    prompts = sets.get("pocket")
    beside = [row for row in battles.controls(drawers, describers, prompts) if row[2] == "oracle"]
    assert len(beside) == 3
    with battles.begin(
        tmp_path / "run", battles.plan(battles.grid(drawers, describers), prompts, turns=1, repeats=5, controls=beside)
    ) as run:
        assert battles.play(run).failed == 0
        score(run, None)
        found = oracle_swaps(game_scores(run.frame()))
    (row,) = found.table[found.table["level"] == "all"].to_dict("records")
    assert row["loss_oracle"] == 0.0
    assert row["loss_drawn"] > row["loss_described"] > 0.0
    assert row["drawing"] + row["describing"] == pytest.approx(row["loss_real"])
    # A fact outlives a call with a chance of 1 - drop, and of (1 - drop) squared where its thing can be dropped too.
    assert 0.2 < row["drawing"] < 0.4
    assert 0.02 < row["describing"] < 0.15
    assert found.significant
    assert found.answer.startswith("Drawing loses more")
