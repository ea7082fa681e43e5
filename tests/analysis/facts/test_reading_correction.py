"""The correction of image readings is reported beside the rates without it, and a half-life contains its estimate."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephone import battle
from telephone.analysis.facts.fact_tracking import track_facts
from telephone.analysis.facts.hazards import hazard_rates
from telephone.analysis.facts.reading_correction import correction_effect
from telephone.analysis.facts.survival import half_lives, survival_curves
from telephone.core.records import Prompt
from telephone.judge import score


@pytest.mark.slow
def test_rates_with_and_without_the_correction_of_readings(tmp_path: Path) -> None:
    things = ("boat", "cat", "key", "robot")
    prompts = [Prompt(f"A small red {one} on a beach.", "easy", one) for one in things]
    lines = battle.grid(["fake/sketcher?drop=0.2&only=colour"], ["fake/teller?drop=0.2&only=size"])
    with battle.begin(tmp_path / "run", battle.plan(lines, prompts, turns=3, repeats=2, seed=3)) as run:
        battle.play(run, battle.Roster())
        score(run, None, full=True)
        found = correction_effect(run).set_index("kind")
        raw = hazard_rates(track_facts(run, mend=False), ("kind", "player")).set_index("kind")
        both = [track_facts(run, mend=mend) for mend in (True, False)]
    for kind in ("image", "text"):
        assert found.loc[kind, "raw_hazard"] == raw.loc[kind, "hazard"]
    drawn = [table[table["kind"] == "image"]["state"].to_numpy() for table in both]
    assert found.loc["image", "corrected"] == (drawn[0] != drawn[1]).sum()
    assert found.loc["image", "states"] == len(drawn[0])
    assert found.loc["text", "corrected"] == 0


def fallen(prompt: str, at: int, falls: list[int], turns: int) -> list[dict[str, object]]:
    return [
        {"game": prompt, "prompt_id": prompt, "level": "easy", "t2i_model": "d", "i2t_model": "w", "first": "text",
         "generation": 2 * turn, "turn": turn, "kind": "text", "player": "w", "atom": atom, "attribute": "kind",
         "before": "kept", "state": "missing" if fall and turn >= fall else "kept", "event": "kept"}
        for atom, fall in enumerate(falls) for turn in range(1, turns + 1)
    ]  # fmt: skip


FALLS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(falls=FALLS)
def test_intervals_of_survival_contain_their_estimates(falls: list[list[int]]) -> None:
    rows = [row for at, own in enumerate(falls) for row in fallen(f"p{at}", at, own, 3)]
    table = pd.DataFrame(rows)
    life = half_lives(table, ()).iloc[0]
    estimate = np.inf if life["beyond"] else life["half_life"]
    assert np.isnan(life["low"]) == (len(falls) < 3)
    assert np.isnan(life["low"]) or life["low"] <= estimate <= life["high"]
    curve = survival_curves(table, ()).iloc[1:]
    if len(falls) > 1:
        assert ((curve["low"] <= curve["survival"]) & (curve["survival"] <= curve["high"])).all()
        assert (curve["high"] > curve["low"]).all()
