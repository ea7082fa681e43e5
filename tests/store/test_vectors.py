"""Vectors of artefacts: they are read back as they were written, except for the last digits."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_runs import GAMES, SPEC

from telephone.store import EmbedderRow, Run
from telephone.store.vectors import as_stored

ONE, OTHER = EmbedderRow("one", "print-1"), EmbedderRow("other", "print-2")


def test_vectors_come_back(tmp_path: Path) -> None:
    with Run.create(tmp_path / "run", SPEC, GAMES) as run:
        run.put_vectors(ONE, {"aa": np.array([3.0, 4.0]), "bb": np.zeros(2), "cc": np.array([np.nan, 1.0])})
        run.put_vectors(OTHER, {"aa": np.array([0.0, 2.0, 0.0], np.float32)})
    with Run.open(tmp_path / "run") as run:
        assert run.embedders() == [ONE, OTHER]
        assert run.embedded(ONE) == {"aa", "bb", "cc"}
        found = run.vectors(ONE)
        assert list(found) == ["aa"]
        assert found["aa"] == pytest.approx([0.6, 0.8], abs=5e-4)
        assert run.vectors(OTHER)["aa"].tolist() == [0.0, 1.0, 0.0]
        assert run.vectors(EmbedderRow("unknown")) == {}
        assert run.verify() == []


@given(st.integers(0, 2**32 - 1), st.sampled_from([64, 384, 1024]))
def test_half_precision_moves_no_cosine(seed: int, width: int) -> None:
    one, other = np.random.default_rng(seed).standard_normal((2, width)) + 0.5
    kept = as_stored({"one": one, "other": other})
    true = float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    assert float(kept["one"] @ kept["other"]) == pytest.approx(true, abs=3e-4)
    assert float(np.linalg.norm(kept["one"])) == pytest.approx(1.0, abs=1e-6)
