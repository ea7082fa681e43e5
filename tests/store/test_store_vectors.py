"""Vectors of contents: what comes back is what went in, but for the last digits that no judgement hangs on."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_runs import GAMES, SPEC

from telephone.store import Run
from telephone.store.vectors import add_vectors, read_vectors


def test_vectors_come_back(tmp_path: Path) -> None:
    with Run.create(tmp_path / "run", SPEC, GAMES) as run:
        run.put_vectors("one", {"aa": np.array([3.0, 4.0]), "bb": np.zeros(2), "cc": np.array([np.nan, 1.0])})
        run.put_vectors("other", {"aa": np.array([0.0, 2.0, 0.0], np.float32)})
    with Run.open(tmp_path / "run") as run:
        assert run.embedders() == ["one", "other"]
        assert run.embedded("one") == {"aa", "bb", "cc"}
        found = run.vectors("one")
        assert list(found) == ["aa"]
        assert found["aa"] == pytest.approx([0.6, 0.8], abs=5e-4)
        assert run.vectors("other")["aa"].tolist() == [0.0, 1.0, 0.0]
        assert run.vectors("nobody") == {}
        assert run.verify() == []


@given(st.integers(0, 2**32 - 1), st.sampled_from([64, 384, 1024]))
def test_half_precision_moves_no_cosine(seed: int, width: int) -> None:
    import sqlite3

    one, other = np.random.default_rng(seed).standard_normal((2, width)) + 0.5
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE embedder (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    db.execute("CREATE TABLE vector (embedder INTEGER, sha TEXT, data BLOB)")
    add_vectors(db, "x", {"one": one, "other": other})
    kept = read_vectors(db.execute("SELECT sha, data FROM vector"))
    db.close()
    true = float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    assert float(kept["one"] @ kept["other"]) == pytest.approx(true, abs=3e-4)
    assert float(np.linalg.norm(kept["one"])) == pytest.approx(1.0, abs=1e-6)
