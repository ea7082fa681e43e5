"""Calls are reserved before they are sent, written once, and shared by the hops of equal requests."""

from dataclasses import replace
from pathlib import Path

import pytest
from store_runs import APPLE, GAMES, SPEC, chain, changed, game_row, hop, write

from telephone.core.errors import StoreError
from telephone.core.records import Artefact, Hop, Outcome, WriteOff
from telephone.store import Run, Spending

MORE = game_row("cccccc", APPLE, 11, repeat=1)


@pytest.fixture
def run(tmp_path: Path):
    with Run.create(tmp_path / "run", replace(SPEC, repeats=2), [*GAMES, MORE]) as made:
        yield made


def calls(run: Run) -> list[tuple[str, int, float | None]]:
    return [tuple(row) for row in run._db.execute("SELECT outcome, attempts, cost FROM call ORDER BY id")]


def test_a_call_is_one_row_for_all_games_that_make_the_request(run: Run):
    (first,) = chain(GAMES[0], [b"picture 1"])
    first = changed(first, cost=0.5, seconds=2.0, attempts=2, tokens_cut=3)
    write(run, [first])
    other = Hop(MORE.key, 0, run.find_call(first.request.key), shared=True)
    run.record([], [other])
    assert calls(run) == [("ok", 2, 0.5)]
    (shared,) = run.hops(MORE.key)
    assert (shared.attempts, shared.seconds, shared.cost, shared.shared) == (0, 0.0, 0.0, True)
    assert shared.call == first.call
    assert run.spending()["a/painter"] == Spending("a/painter", 2, 0.5, 0, 0.25, 2.0)
    frame = run.frame()
    assert list(frame["cost"]) == [0.5, 0.0]
    assert list(frame["attempts"]) == [2, 0]
    assert run.verify() == []


def test_a_reservation_is_a_call_of_unknown_cost_until_it_is_recorded(run: Run):
    (first,) = chain(GAMES[0], [b"picture 1"])
    run.reserve([first.request])
    assert calls(run) == [("reserved", 1, None)]
    assert run.spending()["a/painter"] == Spending("a/painter", 1, 0.0, 1, None, None)
    assert run.find_call(first.request.key) is None
    assert run.count() == dict.fromkeys(Outcome, 0)
    run.reserve([first.request])
    assert calls(run) == [("reserved", 2, None)]
    write(run, [changed(first, cost=0.5, attempts=2, unpriced=1)])
    assert calls(run) == [("ok", 2, 0.5)]
    assert run.spending()["a/painter"] == Spending("a/painter", 2, 0.5, 1, 0.5, 0.0)
    assert run.frame()["cost"].isna().all()
    assert run.verify() == []


def test_a_reservation_of_a_killed_session_stays_in_the_sum(run: Run):
    (first,) = chain(GAMES[0], [b"picture 1"])
    run.reserve([first.request])
    with Run.open(run.folder) as later:
        later.recover()
        assert calls(later) == [("failed", 1, None)]
        later.reserve([first.request])
        later.recover()
        write(later, [changed(first, cost=0.5)])
        assert calls(later) == [("failed", 1, None), ("ok", 1, 0.5)]
        assert later.spending()["a/painter"].unknown == 1
        assert later.verify() == []


def test_a_reservation_that_is_written_off_is_counted_once(run: Run):
    first, second = chain(GAMES[0], [b"picture 1", b"words 1"])
    run.write_images([first.result])
    run.reserve([first.request, second.request])
    run.write_off([WriteOff("a/painter", 3, 0.5, first.request.key), WriteOff("b/reader", 0, None, second.request.key)])
    assert calls(run) == []
    assert run.spending() == {"a/painter": Spending("a/painter", 3, 0.5, 0, 0.5 / 3, None)}
    assert [problem for problem in run.verify() if problem.grave and "belongs to no call" not in problem.what] == []


def test_a_failed_write_leaves_the_reservation(run: Run):
    (first,) = chain(GAMES[0], [b"picture 1"])
    run.reserve([first.request])
    with pytest.raises(StoreError, match="the game or its call is unknown"):
        run.record([first.call], [replace(first, game="0" * 64)])
    assert calls(run) == [("reserved", 1, None)]
    write(run, [first])
    assert calls(run) == [("ok", 1, None)]


def test_a_failure_that_is_retried_stays_a_call_of_its_own(run: Run):
    (bad,), (good,) = chain(GAMES[0], [None]), chain(GAMES[0], [b"picture 1"])
    write(run, [changed(bad, cost=0.5, started=1.0)])
    write(run, [changed(good, cost=0.25, started=2.0)])
    assert calls(run) == [("failed", 1, 0.5), ("ok", 1, 0.25)]
    assert [each.outcome for each in run.hops(GAMES[0].key)] == [Outcome.OK]
    assert run.spending()["a/painter"].known == 0.75
    assert run.verify() == []


def test_a_call_that_no_game_asks_for_is_kept(run: Run):
    lone = hop(GAMES[0], 0, Artefact("text", b"a text of no prompt"), b"its picture")
    run.record([lone.call])
    assert run.find_call(lone.request.key) == lone.call
    assert run.verify() == []
