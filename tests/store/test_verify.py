import contextlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from store_runs import DISTANCE, GAMES, SPEC, chain, changed, write

from telephone.core.errors import StoreError
from telephone.core.records import WriteOff
from telephone.store import EmbedderRow, Problem, Run, Score

TABLES = {
    "meta": ("value",),
    "artefact": ("kind", "size", "data"),
    "game": ("key", "conversation", "t2i", "i2t", "prompt_id", "prompt_sha", "seed", "repeat"),
    "call": (
        *("key", "task", "model", "fingerprint", "options", "seed", "outcome", "result", "reason", "raw", "started"),
        *("seconds", "attempts", "cost", "unpriced", "tokens_cut"),
    ),
    "call_parent": ("sha",),
    "hop": ("step", "call", "shared"),
    "spending": ("model", "calls", "cost"),
    "scorer": ("kind", "name", "model", "fingerprint"),
    "score": ("scorer", "subject", "reference", "kind", "item", "value", "unscored", "detail"),
    "embedder": ("name", "fingerprint"),
    "vector": ("sha", "data"),
}
"""Every column that decides what is read from a run."""


def fill(folder: Path) -> Path:
    with Run.create(folder, SPEC, GAMES) as run:
        hops = chain(GAMES[0], [b"picture 1", b"words 1", b"picture 2", b"words 2"])
        write(run, [changed(hops[0], cost=0.5, seconds=1.5, started=2.5, raw="raw", attempts=2), *hops[1:]])
        write(run, chain(GAMES[1], [b"words 3", b"picture 3"]))
        run.write_off([WriteOff("a/painter", 2, 0.25)])
        sha = hops[1].result.sha256
        run.put_scores(DISTANCE, [Score(sha, hops[0].request.parent.sha256, "distance", 0.5, detail={"a": 1})])
        run.put_scores(DISTANCE, [Score(sha, "r", "distance", None, "no words")])
        run.put_vectors(EmbedderRow("clip", "print-c"), {sha: np.array([3.0, 4.0])})
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "run")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("whole") / "run")


def execute(folder: Path, statement: str, *values: object) -> None:
    db = sqlite3.connect(folder / "run.sqlite")
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute(statement, values)
    db.commit()
    db.close()


def tamper(folder: Path, statement: str) -> list[Problem]:
    execute(folder, statement)
    return verify(folder)


def verify(folder: Path) -> list[Problem]:
    with Run.open(folder) as run:
        return run.verify()


def test_an_untouched_run_has_no_problem(folder: Path):
    assert verify(folder) == []


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE artefact SET data = 'forged 1' WHERE data = CAST('words 1' AS BLOB)", "its hash differs"),
        ("UPDATE artefact SET data = NULL WHERE kind = 'text'", "its hash differs"),
        ("UPDATE call_parent SET sha = (SELECT result FROM call WHERE id = 4) WHERE call = 2", "Its input is not"),
        ("UPDATE call SET key = 'x' WHERE id = 3", "The key of its call does not come from the request"),
        ("UPDATE call SET seed = 5 WHERE id = 3", "Its seed does not come from the game's"),
        ("UPDATE call SET fingerprint = 'other' WHERE id = 2", "is not the one of the pair"),
        ("UPDATE call SET task = 'image2text' WHERE id = 1", "where the game is due to make an artefact of the kind"),
        ("UPDATE call SET outcome = 'failed', result = NULL WHERE id = 3", "It comes after a hop that ended the game"),
        ("UPDATE call SET cost = 99", "The call is not what was written"),
        ("UPDATE call SET seconds = 99 WHERE id = 1", "The call is not what was written"),
        ("UPDATE spending SET cost = 99", "The row is not what was written"),
        ("UPDATE score SET value = 0 WHERE value IS NOT NULL", "The row is not what was written"),
        ("UPDATE score SET unscored = '', value = 0 WHERE value IS NULL", "The row is not what was written"),
        ("UPDATE vector SET data = x'003c0000'", "The row is not what was written"),
        ("UPDATE scorer SET fingerprint = 'x'", "The row is not what was written"),
        ("UPDATE hop SET shared = 1 WHERE step = 0", "The row is not what was written"),
        ("UPDATE hop SET step = 9 WHERE step = 3", "Step 3 is missing before it"),
        ("UPDATE game SET prompt_id = 'pear' WHERE id = 1", "'pear' or its models are not among those of the run"),
        ("UPDATE game SET seed = 99 WHERE id = 1", "Its seed does not come from the game's"),
        ("UPDATE game SET repeat = 1 WHERE id = 1", "Its key does not come from its models, prompt, seed and repeat"),
        ("UPDATE game SET conversation = 'cccccc' WHERE id = 1", "The row is not what was written"),
        ("UPDATE meta SET value = replace(value, 'An apple.', 'A pear.')", "The prompt 'apple' is not the one"),
        ("UPDATE meta SET value = replace(value, '\"turns\": 3', '\"turns\": 2')", "The row is not what was written"),
        ("UPDATE meta SET value = 'no JSON'", "The specification of the run cannot be read"),
        ("UPDATE score SET detail = '{'", "The row is not what was written"),
        ("UPDATE call SET reason = CAST(x'ff' AS TEXT) WHERE id = 1", "The call is not what was written"),
        ("DELETE FROM hop WHERE step = 1 AND game = 1", "Step 1 is missing before it"),
        ("DELETE FROM artefact WHERE data = CAST('words 2' AS BLOB)", "points to a row that is not there"),
        ("INSERT INTO artefact VALUES ('abc', 'text', 3, 'abc')", "An artefact that belongs to no call and no prompt"),
    ],
)
def test_what_was_tampered_with_is_found(folder: Path, statement: str, says: str):
    found = tamper(folder, statement)
    assert any(says in problem.what and problem.grave for problem in found), found


def flipped(value: object, bit: int) -> object:
    """Returns a value one bit of which is changed; None becomes 0."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value ^ (1 << bit % 31)
    if isinstance(value, float):
        data = bytearray(np.float64(value).tobytes())
        data[bit // 8 % 8] ^= 1 << bit % 8
        return float(np.frombuffer(bytes(data))[0])
    data = bytearray(value.encode() if isinstance(value, str) else value)
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(data)


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data())
def test_every_flipped_bit_of_what_is_read_is_found(whole: Path, data: st.DataObject):
    table = data.draw(st.sampled_from(sorted(TABLES)))
    column = data.draw(st.sampled_from(TABLES[table]))
    original = (whole / "run.sqlite").read_bytes()
    db = sqlite3.connect(whole / "run.sqlite", isolation_level=None)
    db.execute("PRAGMA ignore_check_constraints = ON")
    try:
        rows = db.execute(f"SELECT {column}, typeof({column}) FROM {table}").fetchall()
        before, kind = data.draw(st.sampled_from(rows))
        after = flipped(before, data.draw(st.integers(0, 4095))) if before not in ("", b"") else "x"
        assume(after == after and after != before)  # NaN is stored as NULL
        with contextlib.suppress(sqlite3.IntegrityError):  # two rows would be one
            change = f"CAST(? AS {'TEXT' if kind == 'text' else 'BLOB'})" if isinstance(after, bytes) else "?"
            db.execute(f"UPDATE {table} SET {column} = {change} WHERE {column} IS ?", (after, before))
            db.close()
            with contextlib.suppress(StoreError):  # the run cannot be opened, and says why
                assert [problem for problem in verify(whole) if problem.grave], (table, column, before, after)
    finally:
        db.close()
        (whole / "run.sqlite").write_bytes(original)


def test_missing_changed_and_foreign_files_are_found(folder: Path):
    images = sorted((folder / "images").rglob("*.png"))
    images[0].unlink()
    images[1].write_bytes(b"another picture")
    (folder / "images" / "holiday.jpg").write_bytes(b"sand")
    images[2].with_name("0" * 64 + ".png").write_bytes(b"under a wrong name")
    found = {problem.where.rpartition("/")[2]: problem.what for problem in verify(folder)}
    assert "missing or cannot be read" in found[images[0].name]
    assert "its hash differs" in found[images[1].name]
    assert "did not write" in found["holiday.jpg"]
    assert "did not write" in found["0" * 64 + ".png"]
    assert len(found) == 4


def test_what_a_killed_run_leaves_is_no_grave_problem(folder: Path):
    with Run.open(folder) as run:
        run.write_images([chain(GAMES[0], [b"drawn, but its row was never written"])[0].result])
        (run.images.folder / ".abc.tmp").write_bytes(b"half a pic")
        found = run.verify()
    assert len(found) == 2
    assert not any(problem.grave for problem in found)
