"""A run folder of format 3 is brought over whole: tables, scores, vectors, and what may still be added to it."""

import io
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from store_runs import FORMAT_3, format_3

from telephone.core.errors import StoreError
from telephone.store import Run, ScorerKind, migrations


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return format_3(tmp_path / "run")


def table(run: Run) -> pd.DataFrame:
    text = run.frame().to_csv(index=False, lineterminator="\n")
    found = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    found["filepath"] = found["filepath"].str.removeprefix(f"{run.folder.absolute()}/")
    return found


def expected() -> pd.DataFrame:
    return pd.read_csv(FORMAT_3 / "table.csv", dtype=str, keep_default_na=False)


def version(folder: Path) -> int:
    db = sqlite3.connect(folder / "run.sqlite")
    found = migrations.version(db)
    db.close()
    return found


def test_the_table_is_the_one_that_format_3_gave(folder: Path) -> None:
    with Run.open(folder) as run:
        pd.testing.assert_frame_equal(table(run), expected())
    assert version(folder) == 4


def test_nothing_is_wrong_with_it(folder: Path) -> None:
    with Run.open(folder) as run:
        assert run.verify() == []


def test_every_score_and_vector_is_there(folder: Path) -> None:
    old = sqlite3.connect(":memory:")
    old.executescript((FORMAT_3 / "run.sql").read_text(encoding="utf-8"))
    with Run.open(folder) as run:
        scores = {row.identity: run.scores(row) for row in run.scorers()}
        assert {kind: len(run.scorers(kind)) for kind in ScorerKind if run.scorers(kind)} == {
            "distance": 2, "text_facts": 1, "image_facts": 1, "floor": 2, "repeat_caption": 2, "omission_probe": 1,
            "opinion": 1,
        }  # fmt: skip
        assert sum(map(len, scores.values())) == old.execute("SELECT count(*) FROM score").fetchone()[0]
        assert all((each.value is None) == bool(each.unscored) for found in scores.values() for each in found)
        vectors = {row.identity: run.embedded(row) for row in run.embedders()}
        assert list(vectors) == [row[0] for row in old.execute("SELECT name FROM embedder ORDER BY id")]
        assert sum(map(len, vectors.values())) == old.execute("SELECT count(*) FROM vector").fetchone()[0]
        hops = [hop for game in run.games() for hop in run.hops(game.key)]
        kept = old.execute("SELECT outcome, attempts, cost, seconds, result FROM hop ORDER BY game, step").fetchall()
        assert [
            (hop.outcome, hop.attempts, hop.cost, hop.seconds, hop.result.sha256 if hop.result else None)
            for hop in hops
        ] == kept
        assert {hop.outcome for hop in hops} >= {"ok", "failed"}
        assert any(hop.shared for hop in hops)
    old.close()


def test_a_migration_that_is_killed_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os, sys\n"
        "from telephone.store import Run, format_4\n"
        "format_4._convert_vectors = lambda db: os._exit(9)\n"
        "Run.open(sys.argv[1])\n"
    )
    assert subprocess.run([sys.executable, "-c", code, folder]).returncode == 9
    assert version(folder) == 3
    with Run.open(folder) as run:
        pd.testing.assert_frame_equal(table(run), expected())


def test_a_folder_that_cannot_be_written_is_migrated_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "run.sqlite").read_bytes()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with Run.open(folder) as run:
        pd.testing.assert_frame_equal(table(run), expected())
        with pytest.raises(StoreError, match="read-only"):
            run.recover() or run.put_scores(run.scorers()[0], [])
    assert (folder / "run.sqlite").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["images", "run.sqlite"]
