"""A folder whose creation is killed at any point is created by the same command; the lock comes before any change."""

import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from store_runs import APPLE, GAMES, SPEC, chain, game_row, write

from telephone.core.errors import StoreDamaged, StoreError
from telephone.store import Run, migrations

HERE = str(Path(__file__).parents[1] / "support")
KILLED = """
import itertools, os, shutil, sys
sys.path.insert(0, sys.argv[2])
from store_runs import GAMES, SPEC
from telephone.store import Run, database

def killed_at(number, folder):
    count = itertools.count()
    def step(*_):
        if next(count) == number:
            os._exit(9)
    def connect(path, original=database._connect):
        step()
        db = original(path)
        step()
        db.set_trace_callback(step)
        return db
    database._connect = connect
    sys.addaudithook(lambda event, _: step() if event in ("open", "os.mkdir", "os.rename", "os.remove") else None)
    Run.create(folder, SPEC, GAMES).close()
    os._exit(0)

points = 0
while True:
    folder = os.path.join(sys.argv[1], str(points))
    child = os.fork()
    if not child:
        killed_at(points, folder)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
    exists = os.path.isdir(folder) and Run.exists(folder)
    with Run.create(folder, SPEC, GAMES) as run:
        grave = [problem for problem in run.verify() if problem.grave]
        assert run.games() == GAMES and not grave, (points, grave)
    shutil.rmtree(folder)
    points += 1
print(points)
"""
STARTED = """
import sys
sys.path.insert(0, sys.argv[2])
from store_runs import GAMES, SPEC
from telephone.core.errors import StoreError
from telephone.store import Run
try:
    with Run.create(sys.argv[1], SPEC, GAMES) as run:
        assert run.games() == GAMES
except StoreError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_creation_that_is_killed_anywhere_is_repeated(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path, HERE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40


@pytest.mark.parametrize(
    "leave",
    [
        lambda folder: (folder / "run.sqlite-journal").write_bytes(b"\xd9\xd5\x05\xf9 half a journal"),
        lambda folder: sqlite3.connect(folder / "run.sqlite").execute("PRAGMA journal_mode = WAL").connection.close(),
        lambda folder: (folder / "lock").write_text("123\n"),
        lambda folder: migrations.migrate(sqlite3.connect(folder / "run.sqlite", isolation_level=None), ""),
    ],
    ids=["journal", "journal mode", "lock", "tables"],
)
def test_what_a_killed_creation_leaves_is_no_run(tmp_path: Path, leave):
    (tmp_path / "run.sqlite").touch()
    leave(tmp_path)
    assert not Run.exists(tmp_path)
    with Run.create(tmp_path, SPEC, GAMES) as run:
        assert run.verify() == []
    assert Run.exists(tmp_path)


def test_simultaneous_starts_make_one_run(tmp_path: Path):
    command = [sys.executable, "-c", STARTED, tmp_path / "run", HERE]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    said = [each.communicate() for each in started]
    assert [each.returncode for each in started] == [0] * 6, said
    assert all(not out or "is being played" in out for out, _ in said), said
    with Run.open(tmp_path / "run") as run:
        assert run.games() == GAMES
        assert run.verify() == []


def test_a_run_that_is_played_is_not_extended(tmp_path: Path):
    longer = replace(SPEC, turns=9, repeats=2)
    more = [*GAMES, game_row("cccccc", APPLE, 13, 1)]
    with Run.create(tmp_path, SPEC, GAMES) as run:
        with run.playing():
            with pytest.raises(StoreError, match="is being played"):
                Run.create(tmp_path, longer, more)
            Run.create(tmp_path, SPEC, GAMES).close()  # nothing to change, nothing to lock
        with Run.open(tmp_path) as same:
            assert (same.spec, same.games()) == (SPEC, GAMES)
    with Run.create(tmp_path, longer, more) as extended:
        assert extended.spec.turns == 9


def test_a_database_that_is_removed_under_a_session_is_an_error(tmp_path: Path):
    with Run.create(tmp_path / "run", SPEC, GAMES) as run:
        first = chain(GAMES[0], [b"picture 1", b"words 1"])
        write(run, first[:1])
        for file in (tmp_path / "run").glob("run.sqlite*"):
            file.unlink()
        with pytest.raises(StoreError, match="was removed, replaced or moved while the run was open"):
            write(run, first[1:])


def test_a_folder_that_is_moved_under_a_session_is_an_error(tmp_path: Path):
    with Run.create(tmp_path / "run", SPEC, GAMES) as run:
        shutil.move(tmp_path / "run", tmp_path / "moved")
        for attempt in (
            lambda: write(run, chain(GAMES[0], [b"picture 1"])),
            lambda: run.write_images([chain(GAMES[0], [b"picture 1"])[0].result]),
        ):
            with pytest.raises(StoreError, match="was removed, replaced or moved"):
                attempt()
    assert not (tmp_path / "run").exists()


def test_text_that_is_no_utf_8_and_a_detail_that_is_no_json_are_damage(tmp_path: Path):
    with Run.create(tmp_path, SPEC, GAMES) as run:
        write(run, chain(GAMES[0], [None]))
        run._db.execute("UPDATE call SET reason = CAST(x'ff' AS TEXT)")
        with pytest.raises(StoreDamaged, match="is damaged .*UTF-8.*restore it from a copy"):
            run.hops(GAMES[0].key)


def test_a_full_disk_is_named_and_a_finished_run_can_be_read_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Run.create(tmp_path, SPEC, GAMES) as run:
        write(run, chain(GAMES[0], [b"picture 1"]))

    def fail(db: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    monkeypatch.setattr("telephone.store.database._prepare", fail)
    with pytest.raises(StoreError, match="cannot be used .disk I/O error.: check the disk"):
        Run.open(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: shutil._ntuple_diskusage(100, 100, 0))
    with Run.open(tmp_path) as run:
        assert len(run.hops(GAMES[0].key)) == 1
        with pytest.raises(StoreError, match="The disk of .* is full"):
            write(run, chain(GAMES[0], [b"picture 1", b"words 1"])[1:])


def test_a_command_continues_no_run_where_the_creation_was_killed(tmp_path: Path):
    from telephone.pipeline.battle_config import existing_run

    migrations.migrate(sqlite3.connect(tmp_path / "run.sqlite", isolation_level=None), "")
    assert existing_run(tmp_path, SPEC) is None
    Run.create(tmp_path, SPEC, GAMES).close()
    with existing_run(tmp_path, SPEC) as run:
        assert run.games() == GAMES
