"""What calls have cost, those included of which no hop tells."""

from dataclasses import replace
from pathlib import Path

import pytest
from store_runs import GAMES, PHOTO, SPEC, chain, changed, write

from telephone.core.records import WriteOff
from telephone.store import ModelSpec, Run, RunExtension, RunSpec, Spending
from telephone.store.spec import _enumeration

DEARER = ModelSpec("a/other", "text2image", "painter", "print-o", service="a", per_minute=30.0)


@pytest.fixture
def run(tmp_path: Path):
    with Run.create(tmp_path / "run", SPEC, GAMES) as made:
        yield made


def test_nothing_has_been_spent(run: Run):
    assert run.spending() == {}


def test_costs_are_summed_by_player_and_unknown_is_not_nothing(run: Run):
    first, second = chain(GAMES[0], [b"picture 1", b"words 1"])
    write(run, [changed(first, cost=0.5, attempts=2, seconds=3.0), changed(second, cost=None, attempts=3)])
    run.write_off([WriteOff("a/painter", 2, None)])
    run.write_off([WriteOff("a/painter", 1, 0.25)])
    found = run.spending()
    assert found["a/painter"] == Spending("a/painter", 5, 0.75, 2, 0.25, 3.0)
    assert found["a/painter"].mean == 0.25
    reader = found["b/reader"]
    assert (reader.calls, reader.known, reader.unknown, reader.highest, reader.mean) == (3, 0.0, 3, None, None)


def test_an_answer_that_was_shared_costs_nothing_and_takes_no_time(run: Run):
    (first,) = chain(GAMES[0], [b"picture 1"])
    write(run, [changed(first, cost=0.0, attempts=0, seconds=0.0)])
    assert run.spending() == {}


def test_a_failure_that_is_mended_stays_in_the_sum(run: Run):
    (bad,) = chain(GAMES[0], [None])
    (good,) = chain(GAMES[0], [b"picture 1"])
    for hop in (
        changed(bad, cost=0.5, attempts=4, started=1.0),
        changed(bad, cost=0.5, attempts=4, started=1.0),  # the same again is the same
        changed(bad, cost=None, attempts=1, started=2.0),
        changed(good, cost=0.25, attempts=1, started=3.0),
    ):
        write(run, [hop])
    painter = run.spending()["a/painter"]
    assert (painter.calls, painter.known, painter.unknown) == (6, 0.75, 1)
    assert run.verify() == []


def test_a_run_that_was_closed_remembers(run: Run):
    run.write_off([WriteOff("a/painter", 1, 2.0)])
    with Run.open(run.folder) as again:
        assert again.spending()["a/painter"].known == 2.0


def test_a_description_with_growth_is_read_back():
    line = (DEARER.ref, "b/reader")
    wish = replace(SPEC, models=(*SPEC.models, DEARER), lines=(*SPEC.lines, line), repeats=2, versions={"python": "4"})
    grown = SPEC.grown(wish)
    assert grown.growth == (RunExtension((line,), (), 3, 2, {"python": "4"}),)
    assert [row.name for row in grown.models] == ["painter", "reader", "a/other"]
    assert grown.versions == {"python": "3"}
    assert RunSpec.from_json(grown.to_json(), lambda sha: PHOTO.image) == grown
    assert grown.grown(wish) is grown
    assert wish.covers(SPEC)
    assert SPEC.lacks(wish) == "models and lines"


def test_what_differs_is_an_enumeration() -> None:
    assert [_enumeration(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
