"""The path of each fact of one game, worked by hand from the states that a fact judge stores."""

import pandas as pd
import pytest

from telephone import battle
from telephone.analysis import scored_frame
from telephone.analysis.facts.fact_paths import COLUMNS, fact_paths
from telephone.analysis.facts.fact_tracking import track_facts
from telephone.core.records import Prompt
from telephone.judge import score

SWAPPING = "fake/sketcher?drop=0.1&only=colour&swap=0.5"
PROMPTS = [
    Prompt("A small red boat and a big blue cat.", "easy", "boat-cat"),
    Prompt("A wise old wizard with a purple hat.", "hard", "wizard"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The frame of a run whose drawers swap colours, and the paths of its first game and of its last one."""
    plan = battle.plan(battle.grid([SWAPPING], ["fake/teller"]), PROMPTS, turns=6, seed=5)
    with battle.begin(tmp_path_factory.mktemp("paths") / "run", plan) as run:
        battle.play(run, battle.Roster())
        score(run, None, full=True)
        frame = scored_frame(run)
        games = {name: frame.loc[frame["prompt_id"] == name, "game"].iloc[0] for name in ("boat-cat", "wizard")}
        paths = {name: fact_paths(run, frame, game) for name, game in games.items()}
        return frame, track_facts(run), games["boat-cat"], paths, fact_paths(run, frame, "no such game")


def test_a_row_for_each_fact_and_call_in_order(found):
    _, tracked, game, paths, _ = found
    table = paths["boat-cat"]
    assert list(table.columns) == list(COLUMNS)
    own = tracked[tracked["game"] == game]
    assert len(table) == len(own) == 6 * 12  # two things with kind, size and colour; six turns of two calls
    assert list(table["atom"]) == sorted(table["atom"])
    assert (table.groupby("atom")["generation"].apply(list) == pd.Series([list(range(1, 13))] * 6)).all()
    joined = table.merge(own, on=["atom", "generation"], suffixes=("", "_own"))
    assert (joined["event"] == joined["event_own"]).all()


def test_the_value_of_a_changed_fact_is_the_word_of_the_description(found):
    frame, _, game, paths, _ = found
    table = paths["boat-cat"]
    changed = table[(table["state"] == "wrong") & (table["kind"] == "text")]
    assert len(changed) > 0
    texts = frame[frame["game"] == game].set_index("step_number")["text_after"]
    for row in changed.to_dict("records"):
        thing = "boat" if row["fact"].startswith("boat") else "cat"
        assert row["attribute"] == "colour" and f"{row['value']} {thing}" in texts[row["turn"] - 1]
    assert (table.loc[table["state"] != "wrong", "value"] == "").all()
    assert (table.loc[table["kind"] == "image", "value"] == "").all()


def test_a_prompt_outside_the_world_and_an_unknown_game_have_no_rows(found):
    *_, paths, unknown = found
    assert paths["wizard"].empty and unknown.empty and list(unknown.columns) == list(COLUMNS)
