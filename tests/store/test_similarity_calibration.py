import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_runs import played

from telephone.core.records import Prompt
from telephone.models import embedder
from telephone.store import ScorerKind, ScorerRow
from telephone.store.similarity_calibration import (
    QUANTILES,
    as_json,
    calibration_for,
    fit,
    shipped_calibrations,
    store_calibration,
)

SHIPPED = ("use/multilingual", "minilm/all-MiniLM-L6-v2", "pocket/clip", "fake/embedder")


@given(
    st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=200),
    st.floats(0.01, 1.9),
    st.lists(st.floats(0, 2), min_size=2, max_size=50),
)
def test_a_curve_never_rises_and_is_one_up_to_the_typical_rewording(pairs, reworded, asked):
    distances, kept = (np.array(column) for column in zip(*pairs, strict=True))
    knots, shares = fit(distances, kept, round(reworded, 5))
    values = np.interp(np.sort(asked), knots, shares)
    assert np.all(np.diff(values) <= 1e-12)
    assert np.all((values >= 0) & (values <= 1))
    assert np.all(values[np.sort(asked) <= knots[1]] == 1)
    assert np.all(np.diff(knots) >= 0)


def test_a_curve_follows_known_shares():
    draw = np.random.default_rng(0)
    kept = draw.uniform(0, 1, 4000)
    distances = 1 - kept + draw.normal(0, 0.02, 4000)
    knots, shares = fit(distances.clip(0), kept, 0.1)
    for at in (0.2, 0.5, 0.8):
        assert np.interp(at, knots, shares) == pytest.approx(1 - at, abs=0.02)


@pytest.mark.parametrize("ref", SHIPPED)
def test_every_judge_of_the_package_has_a_table_under_its_fingerprint(ref):
    found = shipped_calibrations()[embedder(ref).traits().fingerprint]
    assert found.distances[0] == 0
    assert found.similarities[:2] == (1, 1)
    assert list(found.similarities) == sorted(found.similarities, reverse=True)
    assert len(found.rewordings) == len(found.one_fact) == len(found.two_facts) == len(QUANTILES)
    shares = found.nearer(found.reworded)
    assert shares["nothing"] >= 0.95
    assert shares["nothing"] > shares["one fact"] > shares["two facts"] > shares["half"]
    assert set(found.nearer(2.0).values()) == {1}
    assert max(found.nearer(0.0).values()) < 0.1
    assert np.isnan(found.similarity([np.nan])[0])
    assert found.similarity(np.zeros((2, 3))).shape == (2, 3)


def test_the_sentence_states_the_measured_error():
    found = next(iter(shipped_calibrations().values()))
    share = found.nearer(found.reworded)
    assert f"{share['one fact']:.0%} of the texts that lost one fact" in found.sentence()
    assert f"nearer than {found.reworded:.2f}" in found.sentence()


def test_a_stored_calibration_comes_before_the_shipped_one(tmp_path: Path) -> None:
    run = played(tmp_path / "run", [Prompt("a red apple", "easy", "red")], turns=1)
    shipped = shipped_calibrations()[embedder("fake/embedder").traits().fingerprint]
    row = ScorerRow(ScorerKind.DISTANCE, "distance by fake/embedder", shipped.fingerprint, "fake/embedder")
    assert calibration_for(run, row) == shipped
    own = replace(shipped, pairs=7)
    store_calibration(run, own)
    assert calibration_for(run, row) == own
    assert calibration_for(run, replace(row, fingerprint="another")) is None
    assert run.verify() == []
    assert json.loads(as_json(own))["pairs"] == 7
