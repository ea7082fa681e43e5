import sqlite3
from pathlib import Path

import pytest
from store_runs import GAMES, SPEC, chain, write

from telephone.core.records import Artefact
from telephone.store import Problem, Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Run.create(tmp_path / "run", SPEC, GAMES) as run:
        write(run, chain(GAMES[0], [b"picture 1", b"words 1", b"picture 2", b"words 2"]))
        write(run, chain(GAMES[1], [b"words 3", b"picture 3"]))
    return tmp_path / "run"


def tamper(folder: Path, statement: str) -> list[Problem]:
    db = sqlite3.connect(folder / "run.sqlite")
    db.execute(statement)
    db.commit()
    db.close()
    return verify(folder)


def verify(folder: Path) -> list[Problem]:
    with Run.open(folder) as run:
        return run.verify()


def test_an_untouched_run_has_no_problem(folder: Path):
    assert verify(folder) == []


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE content SET data = 'forged 1' WHERE data = CAST('words 1' AS BLOB)", "its hash differs"),
        ("UPDATE content SET data = NULL WHERE kind = 'text'", "its hash differs"),
        (
            "UPDATE hop SET parent = (SELECT result FROM hop WHERE step = 3) WHERE step = 1 AND game = 1",
            "Its parent is not",
        ),
        ("UPDATE hop SET ask = 'x' WHERE step = 2", "Its ask key does not come"),
        ("UPDATE hop SET seed = 5 WHERE step = 2", "Its seed does not come"),
        ("UPDATE hop SET player = 'c/other' WHERE step = 1 AND game = 1", "'c/other' is not the one of the line"),
        ("UPDATE hop SET turn = 5 WHERE step = 2", "It is counted to turn 5 in place of 1"),
        ("UPDATE hop SET kind = 'text' WHERE step = 0 AND game = 1", "where the game is due to make the kind image"),
        ("UPDATE hop SET outcome = 'failed', result = NULL WHERE step = 2", "It comes after a hop that ended the game"),
        ("UPDATE game SET prompt_id = 'pear' WHERE id = 1", "'pear' is not among those of the run"),
        ("UPDATE game SET seed = 99 WHERE id = 1", "Its seed does not come from the game's"),
        ("DELETE FROM hop WHERE step = 1 AND game = 1", "Step 1 is missing before it"),
        ("DELETE FROM content WHERE data = CAST('words 2' AS BLOB)", "points to a row that is not there"),
        ("INSERT INTO content VALUES ('abc', 'text', 3, 'abc')", "A content that no hop has made"),
    ],
)
def test_what_was_tampered_with_is_found(folder: Path, statement: str, says: str):
    found = tamper(folder, statement)
    assert any(says in problem.what and problem.grave for problem in found), found


def test_missing_changed_and_foreign_files_are_found(folder: Path):
    pictures = sorted((folder / "images").rglob("*.png"))
    pictures[0].unlink()
    pictures[1].write_bytes(b"another picture")
    (folder / "images" / "holiday.jpg").write_bytes(b"sand")
    pictures[2].with_name("0" * 64 + ".png").write_bytes(b"under a wrong name")
    told = {problem.where.rpartition("/")[2]: problem.what for problem in verify(folder)}
    assert "missing or cannot be read" in told[pictures[0].name]
    assert "its hash differs" in told[pictures[1].name]
    assert "did not write" in told["holiday.jpg"]
    assert "did not write" in told["0" * 64 + ".png"]
    assert len(told) == 4


def test_what_a_killed_run_leaves_is_no_grave_problem(folder: Path):
    with Run.open(folder) as run:
        run.pictures.write([Artefact("image", b"drawn, but its row was never written")])
        (run.pictures.folder / ".abc.tmp").write_bytes(b"half a pic")
        found = run.verify()
    assert len(found) == 2
    assert not any(problem.grave for problem in found)
