import json
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_runs import (
    APPLE,
    DISTANCE,
    GAMES,
    MEMORY,
    PAINTER,
    PHOTO,
    READER,
    SPEC,
    chain,
    changed,
    game_row,
    hop,
    write,
)

from telephone.core.errors import StoreDamaged, StoreError, StoreVersion, UsageError
from telephone.core.records import Artefact, Outcome
from telephone.store import Run, RunSpec, Score, ScorerKind


@pytest.fixture
def run(tmp_path: Path):
    with Run.create(tmp_path / "run", SPEC, GAMES) as made:
        yield made


def test_what_was_written_comes_back(run: Run):
    hops = chain(GAMES[0], [b"picture 1", b"words 1", b"picture 2", None])
    hops[1] = changed(hops[1], started=12.5, seconds=0.5, attempts=2, cost=None, tokens_cut=3, raw="said")
    hops[3] = changed(hops[3], reason="It broke.", outcome=Outcome.REFUSED, cost=0.1)
    write(run, hops)
    with Run.open(run.folder) as again:
        assert again.spec == SPEC
        assert again.games() == GAMES
        assert again.hops(GAMES[0].key) == hops
        assert again.hops(GAMES[1].key) == []
        assert again.count() == {Outcome.OK: 3, Outcome.REFUSED: 1, Outcome.FAILED: 0}
        assert again.progress(GAMES[0].key).steps == 4
        assert again.progress(GAMES[0].key).outcome is Outcome.REFUSED
        assert again.progress(GAMES[1].key).steps == 0
        assert again.find_call(hops[2].request.key) == hops[2].call
        assert again.find_call(hops[3].request.key) is None
        assert again.artefact(hops[0].result.sha256).data == b"picture 1"
        assert again.verify() == []


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_sequence_of_hops_in_any_batches_comes_back(data):
    texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50)
    wanted = []
    for game in GAMES:
        made = data.draw(st.lists(st.binary(min_size=1, max_size=99) | st.none(), max_size=6))
        made = made[: made.index(None) + 1] if None in made else made
        kinds = [h.request.kind for h in chain(game, [b"" for _ in made])]
        given = zip(kinds, made, strict=True)
        words = [each and (data.draw(texts).encode() if kind == "text" else each) for kind, each in given]
        wanted.append(chain(game, words))
    queue = [list(each) for each in wanted]
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, Run.create(folder, SPEC, GAMES) as run:
        while any(queue):
            batch = []
            for waiting in queue:
                size = data.draw(st.integers(0, len(waiting)))
                batch += [waiting.pop(0) for _ in range(size)]
            write(run, batch)
            if data.draw(st.booleans()):
                write(run, batch)  # writing the same again changes nothing
        for game, hops in zip(GAMES, wanted, strict=True):
            assert run.hops(game.key) == hops
        assert run.verify() == []
        frame = run.frame()
        assert len(frame) == sum((len(hops) + 1) // 2 for hops in wanted)


def test_a_batch_is_written_whole_or_not_at_all(run: Run):
    hops = chain(GAMES[0], [b"picture 1", b"words 1"])
    stranger = replace(hops[1], game="0" * 64)
    with pytest.raises(StoreError, match="the game or its call is unknown, or the step is taken"):
        write(run, [hops[0], stranger])
    assert run.hops(GAMES[0].key) == []
    write(run, hops)
    with pytest.raises(StoreError, match="the step is taken"):
        write(run, [hop(GAMES[0], 0, hops[0].request.parent, b"another picture")])
    assert run.hops(GAMES[0].key) == hops


def test_a_failure_may_be_mended(run: Run):
    (bad,) = chain(GAMES[0], [None])
    (good,) = chain(GAMES[0], [b"picture 1"])
    write(run, [bad])
    write(run, [good])
    assert run.hops(GAMES[0].key) == [good]


def test_a_picture_that_is_there_is_not_written_again(run: Run):
    write(run, chain(GAMES[0], [b"same", b"words"]))
    path = run.images.path(Artefact("image", b"same").sha256)
    before = path.stat().st_mtime_ns
    write(run, chain(GAMES[0], [b"same", b"words", b"same"])[2:])
    assert path.stat().st_mtime_ns == before
    assert path.relative_to(run.folder).as_posix() == f"images/{path.stem[:2]}/{path.stem}.png"
    assert not list(run.folder.rglob("*.tmp"))


def test_scores_are_stored_by_scorer_and_pair(run: Run):
    other = replace(DISTANCE, fingerprint="print-d")
    first = [Score("s1", "r", "distance", 0.5), Score("s2", "r", "distance", None, "é", {"é": 1})]
    run.put_scores(DISTANCE, first)
    run.put_scores(other, [Score("s1", "r", "distance", 0.75, item=2)])
    run.put_scores(DISTANCE, [Score("s1", "r", "distance", 0.25), Score("s3", "r", "distance", float("nan"))])
    found = run.scores(DISTANCE)
    assert found[:2] == [replace(first[0], value=0.25), first[1]]
    assert (found[2].value, found[2].unscored) == (None, "The scorer returned no number.")
    assert [(each.value, each.item) for each in run.scores(other)] == [(0.75, 2)]
    assert run.scores(replace(DISTANCE, name="never seen")) == []
    assert run.scorers() == [DISTANCE, other]
    assert run.scorers(ScorerKind.OPINION) == []
    assert DISTANCE.identity == "distance by clip #print-c"
    assert run.verify() == []


def test_a_score_has_a_value_or_a_reason_not_both():
    with pytest.raises(ValueError, match="unscored as well"):
        Score("s", "r", "distance", 0.5, "no words")


def test_the_same_wish_finds_its_run_and_a_longer_one_continues_it(run: Run):
    write(run, chain(GAMES[0], [b"picture 1"]))
    more = game_row("cccccc", APPLE, 13, 1)
    with Run.create(run.folder, replace(SPEC, turns=9, repeats=2), [*GAMES, more]) as longer:
        assert (longer.spec.turns, longer.spec.repeats) == (9, 2)
        assert longer.games() == [*GAMES, more]
        assert len(longer.hops(GAMES[0].key)) == 1
    with Run.create(run.folder, SPEC, GAMES) as same:
        assert same.spec.turns == 9


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (replace(SPEC, seed=1), "seeds differ"),
        (replace(SPEC, prompts=(APPLE,)), "prompts differ"),
        (replace(SPEC, models=(replace(PAINTER, fingerprint="new"), READER)), "models differ"),
    ],
)
def test_a_folder_of_another_run_is_refused(run: Run, other, says):
    with pytest.raises(UsageError, match=f"holds another run .*{says}.*: choose another folder"):
        Run.create(run.folder, other, GAMES)
    assert run.spec == SPEC


def test_a_run_is_continued_with_its_own_noise_alone(run: Run):
    asked = replace(SPEC, noise="fresh", turns=9)
    assert asked.identity != SPEC.identity
    assert asked.lacks(SPEC) == "noise"
    says = "has fixed noise, and fresh noise is requested: request --noise fixed to continue it, or choose another"
    with pytest.raises(UsageError, match=says):
        Run.create(run.folder, asked, GAMES)


def test_a_run_that_states_no_noise_has_fixed_noise():
    plain = json.loads(SPEC.to_json())
    del plain["noise"]
    for row in plain["players"]:
        del row["deterministic"]
    assert RunSpec.from_json(json.dumps(plain), lambda sha: PHOTO.image) == SPEC
    fresh = replace(SPEC, noise="fresh")
    assert RunSpec.from_json(fresh.to_json(), lambda sha: PHOTO.image) == fresh


def test_a_folder_of_other_things_is_refused(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(UsageError, match="holds files that are no run"):
        Run.create(tmp_path, SPEC, GAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_no_run_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="There is no run in .*: give the folder that holds run.sqlite"):
        Run.open(tmp_path / "nothing")


def test_what_is_no_database_is_damage(tmp_path: Path):
    (tmp_path / "run.sqlite").write_bytes(b"certainly not a database, but long enough to look at" * 50)
    with pytest.raises(StoreDamaged, match="run.sqlite is damaged .file is not a database.: restore it from a copy"):
        Run.open(tmp_path)


def test_an_empty_file_is_damage(tmp_path: Path):
    (tmp_path / "run.sqlite").write_bytes(b"")
    with pytest.raises(StoreDamaged, match="is damaged .it is empty"):
        Run.open(tmp_path)


def test_somebody_elses_database_is_left_alone(tmp_path: Path):
    db = sqlite3.connect(tmp_path / "run.sqlite")
    db.execute("CREATE TABLE recipes (name)")
    db.commit()
    db.close()
    for attempt in (lambda: Run.open(tmp_path), lambda: Run.create(tmp_path, SPEC, GAMES)):
        with pytest.raises(StoreDamaged, match="is not a telephone run"):
            attempt()
    db = sqlite3.connect(tmp_path / "run.sqlite")
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    db.close()


def big_run(folder: Path) -> Path:
    with Run.create(folder, SPEC, GAMES) as run:
        write(run, chain(GAMES[0], [b"p" * 50, b"w" * 30_000, b"q", b"v" * 30_000]))
    return folder / "run.sqlite"


def test_a_truncated_database_is_damage(tmp_path: Path):
    path = big_run(tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreDamaged, match="run.sqlite is damaged .*restore it from a copy, or start a new run"):
        Run.open(tmp_path)


def test_a_malformed_database_is_damage(tmp_path: Path):
    path = big_run(tmp_path)
    data = bytearray(path.read_bytes())
    data[4096:20480] = b"\xff" * 16384
    path.write_bytes(data)
    with pytest.raises(StoreDamaged, match="run.sqlite is damaged"):
        Run.open(tmp_path)


def test_a_newer_format_is_told(tmp_path: Path):
    path = big_run(tmp_path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreVersion, match="has format 99 and this version reads up to [0-9]+: upgrade ai-telephone"):
        Run.open(tmp_path)


@pytest.mark.parametrize("value", ['{"format": 1}', "not even JSON", "[]", "null"])
def test_a_damaged_description_is_told(tmp_path: Path, value: str):
    path = big_run(tmp_path)
    db = sqlite3.connect(path)
    db.execute("UPDATE meta SET value = ?", (value,))
    db.commit()
    db.close()
    with Run.open(tmp_path) as run, pytest.raises(StoreDamaged, match="The specification of the run cannot be read"):
        run.spec  # noqa: B018


def test_a_missing_and_a_changed_picture_are_told(run: Run):
    hops = chain(GAMES[0], [b"picture 1", b"words 1"])
    write(run, hops)
    path = run.images.path(hops[0].result.sha256)
    path.write_bytes(b"another")
    with pytest.raises(StoreDamaged, match="is not what was written"):
        run.artefact(path.stem)
    path.unlink()
    with pytest.raises(StoreDamaged, match="is missing: restore it from a copy"):
        run.hops(GAMES[0].key)
    with pytest.raises(StoreDamaged, match="has no artefact ffff"):
        run.artefact("f" * 64)


def test_a_finished_run_can_be_read_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    big_run(tmp_path)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with Run.open(tmp_path) as run:
        assert len(run.hops(GAMES[0].key)) == 4
        with pytest.raises(StoreError, match="the folder is read-only"):
            run.put_scores(DISTANCE, [])


HOLDER = """
import sys, time
from telephone.store import Run
with Run.open(sys.argv[1]).playing():
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_processes_cannot_play_one_run(run: Run):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, run.folder], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"is being played by process {holder.pid}: wait"), run.playing():
            pass
        assert run.count()[Outcome.OK] == 0  # reading is free
    finally:
        holder.kill()
        holder.communicate()
    with run.playing(), pytest.raises(StoreError, match="is being played"), run.playing():
        pass  # the dead process's lock is gone, and our own holds
