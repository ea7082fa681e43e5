"""What happens on a full disk, tried with real limits: of the database's pages, and of the process's file sizes."""

import subprocess
import sys
from pathlib import Path

import pytest
from store_runs import GAMES, SPEC, chain, write

from telephone.core.errors import StoreError
from telephone.store import Run, write_whole

LIMITED = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from store_runs import GAMES, chain, write
from telephone.core.errors import StoreError
from telephone.store import Run
run = Run.open(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    write(run, chain(GAMES[0], [b"x" * 300_000, b"words"]))
except StoreError as error:
    print(error)
"""


def test_a_full_database_says_so_and_loses_nothing(tmp_path: Path):
    with Run.create(tmp_path, SPEC, GAMES) as run:
        first = chain(GAMES[0], [b"picture 1", b"words 1"])
        write(run, first)
        pages = run._db.execute("PRAGMA page_count").fetchone()[0]
        run._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="The disk of .* is full: free some space and play again"):
            write(run, chain(GAMES[0], [b"picture 1", b"words 1", b"picture 2", b"w" * 100_000])[2:])
        assert run.hops(GAMES[0].key) == first
        assert [problem for problem in run.verify() if problem.grave] == []


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit on this system")
def test_a_picture_that_does_not_fit_leaves_nothing_behind(tmp_path: Path):
    Run.create(tmp_path, SPEC, GAMES).close()
    here = str(Path(__file__).parents[1] / "support")
    made = subprocess.run([sys.executable, "-c", LIMITED, tmp_path, here], capture_output=True, text=True, check=True)
    assert "is full: free some space and play again" in made.stdout
    with Run.open(tmp_path) as run:
        assert run.hops(GAMES[0].key) == []
        assert run.verify() == []
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_file_is_replaced_whole(tmp_path: Path):
    target = tmp_path / "a.txt"
    write_whole(target, b"old")
    write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "nowhere" / "a.txt", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="check the folder and its permissions"):
        Run.create(tmp_path / "file" / "run", SPEC, GAMES)
