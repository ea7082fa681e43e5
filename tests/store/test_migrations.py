import sqlite3
from pathlib import Path

import pytest
from store_runs import GAMES, SPEC, chain, write

from telephone.core.errors import StoreError
from telephone.store import Run, migrations


def add_colour(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE game ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")


def break_off(db: sqlite3.Connection) -> None:
    add_colour(db)
    db.execute("SELECT * FROM nowhere")


NOW = len(migrations.MIGRATIONS)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with Run.create(tmp_path / "run", SPEC, GAMES) as run:
        write(run, chain(GAMES[0], [b"picture 1", b"words 1"]))
    return tmp_path / "run"


def state(folder: Path) -> tuple[int, bool]:
    """Returns the format and whether the new column is there."""
    db = sqlite3.connect(folder / "run.sqlite")
    columns = [row[1] for row in db.execute("PRAGMA table_info(game)")]
    found = migrations.version(db), "colour" in columns
    db.close()
    return found


def test_an_older_run_is_brought_up_to_date_when_it_is_opened(old: Path, monkeypatch: pytest.MonkeyPatch):
    assert state(old) == (NOW, False)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, add_colour))
    for _ in range(2):
        with Run.open(old) as run:
            assert len(run.hops(GAMES[0].key)) == 2
            assert run.verify() == []
        assert state(old) == (NOW + 1, True)


def test_a_step_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, break_off))
    with pytest.raises(StoreError, match="no such table: nowhere"):
        Run.open(old)
    assert state(old) == (NOW, False)


def test_the_numbers_of_the_steps_are_their_places():
    assert [step.__name__[:4] for step in migrations.MIGRATIONS] == [
        f"m{number:03}" for number in range(1, len(migrations.MIGRATIONS) + 1)
    ]
