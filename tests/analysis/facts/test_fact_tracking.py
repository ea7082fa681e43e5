"""Facts followed through games of forgetful fakes: their known rates are found again, and events worked by hand."""

import numpy as np
import pandas as pd
import pytest

from telephone import battle
from telephone.analysis.facts.fact_tracking import count_invented_facts, track_facts
from telephone.analysis.facts.hazards import hazard_rates
from telephone.analysis.facts.omissions import omission_rates, probe_answers
from telephone.analysis.facts.survival import half_lives, survival_curves, survival_test
from telephone.analysis.inference.share_interval import clustered_proportion
from telephone.core.errors import UsageError
from telephone.core.records import Prompt
from telephone.judge import collect_opinions, probe_omissions, score

DROP, SWAP, LEFT_OUT = 0.10, 0.05, 0.25
"""The sketcher's rates for colours, and the teller's for sizes: what one loses the other keeps."""


THINGS = ("boat", "cat", "key", "robot", "hat", "cup")
PROMPTS = [
    Prompt(f"A small red {one} and a big blue {two}.", "easy", f"{one}-{two}")
    for one, two in zip(THINGS, THINGS[1:], strict=False)
]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    drawers = [f"fake/sketcher?drop={DROP}&only=colour&swap={SWAP}", "fake/sketcher?drop=0.3&invent=0.5&only=colour"]
    lines = battle.grid(drawers, [f"fake/teller?drop={LEFT_OUT}&only=size"])
    prompts = [*PROMPTS, Prompt("A wise old wizard with a purple hat.", "hard", "wizard")]
    with battle.begin(
        tmp_path_factory.mktemp("facts") / "run", battle.plan(lines, prompts, turns=3, repeats=6, seed=3)
    ) as run:
        battle.play(run, battle.Roster())
        score(run, None, full=True)
        probe_omissions(run, most=40)
        collect_opinions(run, f"fake/teller?drop={LEFT_OUT}&only=size")
        own = track_facts(run), count_invented_facts(run), probe_answers(run)
        return *own, track_facts(run, opinion="teller")


def test_known_rates_are_found_again(facts) -> None:
    found = hazard_rates(facts[0], ("kind", "attribute", "t2i_model")).set_index(["kind", "attribute", "t2i_model"])
    careful = next(name for name in facts[0]["t2i_model"].unique() if "invent" not in name)
    drawn = found.loc[("image", "colour", careful)]
    truth = DROP + (1 - DROP) * SWAP
    assert drawn["low"] <= truth <= drawn["high"]
    assert drawn["hazard"] == pytest.approx(truth, abs=0.06)
    assert drawn["corrupted"] < drawn["lost"]
    kept = found.loc[("text", "size", careful)]
    assert kept["low"] <= LEFT_OUT <= kept["high"]
    # Neither is blamed for what the other does.
    assert found.loc[("text", "colour", careful), "hazard"] == 0
    assert found.loc[("image", "size", careful), "hazard"] == 0


def test_who_invents(facts) -> None:
    by = facts[1].groupby(["t2i_model", "kind"])["new"].mean()
    careful, other = sorted(facts[1]["t2i_model"].unique(), key=lambda name: "invent" in name)
    assert by[careful, "image"] == by[careful, "text"] == 0
    assert by[other, "image"] > 0.3
    assert by[other, "text"] == 0


def test_events_hang_together(facts) -> None:
    table = facts[0]
    assert set(table["kind"]) == {"image", "text"}
    assert set(table.loc[table["before"] == "kept", "event"]) <= {"kept", "lost", "corrupted"}
    assert set(table.loc[table["before"] != "kept", "event"]) <= {"back", "gone"}
    assert "wizard" not in set(table["prompt_id"])
    ordered = table.sort_values(["game", "atom", "generation"])
    same = ordered["game"].eq(ordered["game"].shift(1)) & ordered["atom"].eq(ordered["atom"].shift(1))
    assert (ordered["before"] == ordered["state"].shift(1))[same].all()
    assert (ordered.loc[~same, "before"] == "kept").all()


def test_all_that_was_not_said_was_seen(facts) -> None:
    found = omission_rates(facts[2])
    assert list(found["attribute"]) == ["size"]
    assert found["not_seen"].sum() == 0
    assert found["share_not_said"].iloc[0] == 1.0


def test_an_opinion_has_the_form_of_facts(facts) -> None:
    table = facts[3]
    assert set(table["prompt_id"]) == {"wizard"}
    assert set(table["attribute"]) <= {"object", "attribute", "count", "relation"}
    assert set(table["kind"]) == {"image", "both"}
    assert len(hazard_rates(table, ("kind",)))
    assert len(survival_curves(table))


def lives(falls: dict[str, list[int]], turns: int = 4) -> pd.DataFrame:
    """Facts of one game a prompt, each lost in a given turn, 0 is never; drawn and described, lost in the text."""
    rows = []
    for prompt, own in falls.items():
        for generation in range(1, 2 * turns + 1):
            turn = (generation + 1) // 2
            for atom, fall in enumerate(own):
                gone = bool(fall) and generation >= 2 * fall
                went = bool(fall) and generation > 2 * fall
                state, before = ("missing" if gone else "kept"), ("missing" if went else "kept")
                event = "gone" if went else "lost" if gone else "kept"
                kind = "image" if generation % 2 else "text"
                rows.append({
                    "game": prompt, "prompt_id": prompt, "level": "easy", "t2i_model": prompt[0], "i2t_model": "w",
                    "first": "text", "generation": generation, "turn": turn, "kind": kind, "player": kind,
                    "atom": atom, "attribute": "kind", "before": before, "state": state, "event": event,
                })  # fmt: skip
    return pd.DataFrame(rows)


def test_survival_by_hand() -> None:
    table = lives({"a1": [1, 2, 0, 0], "a2": [2, 2, 0, 0]})
    found = survival_curves(table, ())
    assert list(found["survival"]) == pytest.approx([1, 7 / 8, 4 / 8, 4 / 8, 4 / 8])
    assert list(found["at_risk"]) == [8, 8, 7, 4, 4]
    life = half_lives(table, ()).iloc[0]
    assert life["half_life"] == pytest.approx(2.0)
    assert not life["beyond"]
    longer = half_lives(lives({"a1": [1, 0, 0, 0], "a2": [0, 0, 0, 0]}), ()).iloc[0]
    assert np.isnan(longer["half_life"])
    assert longer["beyond"]


def test_a_half_life_lies_between_two_turns() -> None:
    life = half_lives(lives({"a1": [1, 2, 2, 2]}), ()).iloc[0]
    # From 3/4 after turn 1 to 0 after turn 2: a half is reached a third of the way.
    assert life["half_life"] == pytest.approx(1 + 1 / 3)


def test_a_game_that_broke_off_leaves_the_risk() -> None:
    table = lives({"a1": [0, 0], "a2": [0, 3]})
    found = survival_curves(table[(table["prompt_id"] != "a1") | (table["turn"] <= 2)], ())
    assert list(found["at_risk"]) == [4, 4, 4, 2, 1]
    assert list(found["survival"]) == pytest.approx([1, 1, 1, 0.5, 0.5])


def test_who_keeps_longer() -> None:
    falls = {f"{side}{at}": [4, 4, 0] if side == "a" else [1, 1, 2] for side in "ab" for at in range(8)}
    table = lives(falls)
    table["prompt_id"] = table["prompt_id"].str[1:]
    found = survival_test(table, "t2i_model").iloc[0]
    assert found["difference"] == pytest.approx((3 + 3 + 4) / 3 - (0 + 0 + 1) / 3)
    assert found["p"] == pytest.approx(2 / 2**8)
    assert found["prompts"] == 8


def test_hazards_by_hand() -> None:
    found = hazard_rates(lives({"a1": [1, 2, 0, 0], "a2": [2, 2, 0, 0]}), ("kind",)).set_index("kind")
    assert found.loc["image", "hazard"] == 0
    assert found.loc["text", "at_risk"] == 8 + 7 + 4 + 4
    assert found.loc["text", "hazard"] == pytest.approx(4 / 23)
    assert 0 < found.loc["image", "high"] < 1
    with pytest.raises(UsageError, match="smell"):
        hazard_rates(lives({"a1": [0]}), ("smell",))


@pytest.mark.slow
@pytest.mark.parametrize("truth", [0.03, 0.15, 0.5])
def test_intervals_cover_the_truth(truth: float) -> None:
    """500 battles of 30 prompts whose own rates scatter about the truth: 93 to 97 intervals in 100 hold it."""
    generator = np.random.default_rng(5)
    risks = generator.integers(40, 120, size=(500, 30)).astype(float)
    own = generator.beta(20 * truth, 20 * (1 - truth), size=risks.shape)
    events = generator.binomial(risks.astype(int), own).astype(float)
    found = [
        clustered_proportion(one, other, ["easy"] * 15 + ["hard"] * 15)
        for one, other in zip(events, risks, strict=True)
    ]
    assert 0.93 <= np.mean([low <= truth <= high for _, low, high in found]) <= 0.975
