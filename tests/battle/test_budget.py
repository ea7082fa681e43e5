"""Budgets, forecasts and runs that grow: nothing is paid twice, and nothing is paid that was not allowed."""

import threading
from pathlib import Path

import pytest
from failing_services import FAST, QUICK, Painter, Reader, Shop, hops, prompts

from telephone.battle import HopDone, Limits, Roster, begin, forecast, games, grid, plan, play
from telephone.core.errors import ModelError, UsageError
from telephone.models import Image2Text, Text2Image, Traits
from telephone.store import Run


def spec_of(roster, drawers, describers, number=2, **more):
    lines = grid([roster.add(one) for one in drawers], [roster.add(one) for one in describers])
    return plan(lines, prompts(number), models=roster, **({"turns": 2} | more))


def test_a_budget_is_never_passed_and_a_bigger_one_goes_on(tmp_path: Path):
    shop, roster = Shop(), Roster()
    with begin(tmp_path / "run", spec_of(roster, [Painter(shop)], [Reader(shop)], 4)) as run:
        spent = []
        for budget in (0.0, 1.0, 2.6, 5.9):
            summary = play(run, roster, limits=QUICK, budget=budget)
            assert summary.bill.known <= budget
            assert budget - summary.bill.known < 0.5
            assert (summary.unfinished >= 1, summary.failed, summary.interrupted) == (True, 0, False)
            (halt,) = summary.halts
            assert (halt.why, f"{budget:.2f} US dollars" in halt.message) == ("budget", True)
            spent.append(summary.bill.known)
        assert spent == sorted(spent)
        whole = play(run, roster, limits=QUICK, budget=6.0)
        assert (whole.done, whole.halts, whole.bill.known) == (4, (), pytest.approx(6.0))
        assert {*shop.paid.values()} == {1}


def test_a_free_pair_goes_on_when_the_money_is_spent(tmp_path: Path):
    roster = Roster()
    free = Painter(Shop(), "free", cost=0.0, price=0.0)

    class Watcher(Reader):
        def generate_text(self, image):
            return super().generate_text(image).value

        def traits(self):
            return Traits("watcher", "remote", 1, 8, seeds=True, price=0.0)

    with begin(tmp_path / "run", spec_of(roster, [Painter(Shop(), "dear"), free], [Watcher()], 5)) as run:
        summary = play(run, roster, limits=Limits(side_by_side=2), budget=1.0)
        assert summary.bill.known == 1.0
        tails = {t2i: [run.progress(game.key).steps for game in run.games() if game.t2i == t2i] for t2i in roster._own}
        assert tails["own/free"] == [4] * 5
        assert sum(tails["own/dear"]) <= 4


def test_a_call_that_costs_more_than_its_price_is_reckoned_with(tmp_path: Path):
    roster = Roster()
    with begin(
        tmp_path / "run", spec_of(roster, [Painter(Shop(), cost=0.5, price=0.1)], [Reader()], 1, turns=9)
    ) as run:
        summary = play(run, roster, budget=3.0)
        assert 2.0 < summary.bill.known <= 3.0


def test_calls_that_are_given_up_count_as_unknown(tmp_path: Path):
    class Hangs(Painter):
        def generate_image(self, text):
            threading.Event().wait(5)

    roster, stop = Roster(), threading.Event()
    with begin(tmp_path / "run", spec_of(roster, [Hangs(Shop())], [Reader()])) as run:
        threading.Timer(0.1, stop.set).start()
        summary = play(run, roster, stop=stop, limits=Limits(grace=0.05))
        assert (summary.interrupted, summary.bill.known, summary.bill.unknown) == (True, 0.0, 2)
        assert run.spending()["own/painter"].unknown == 2


def test_a_failure_that_is_mended_has_still_cost_what_it_has(tmp_path: Path):
    class Moody(Painter):
        mood = "bad"

        def generate_image(self, text):
            answer = super().generate_image(text)
            from dataclasses import replace

            return replace(answer, value=ModelError("Spoilt.")) if self.mood == "bad" else answer

    moody, roster = Moody(Shop()), Roster()
    with begin(tmp_path / "run", spec_of(roster, [moody], [Reader()], turns=1)) as run:
        assert play(run, roster).bill.known == 1.0
        moody.mood = "good"
        summary = play(run, roster, retry_failed=True)
        assert (summary.done, summary.bill.known) == (2, 1.0 + 1.0 + 0.5)
        assert run.verify() == []


def test_only_the_pair_that_was_added_is_played(tmp_path: Path):
    old, new, reader, roster = Shop(), Shop(), Shop(), Roster()
    first, describer = Painter(old, "first"), Reader(reader)
    with begin(tmp_path / "run", spec_of(roster, [first], [describer], 3)) as run:
        play(run, roster)
        before = {game.key: (game.conversation, run.hops(game.key)) for game in run.games()}
    paid, read = sum(old.paid.values()), sum(reader.paid.values())
    larger = spec_of(roster, [first, Painter(new, "second")], [describer], 4)
    with begin(tmp_path / "run", larger) as run:
        summary = play(run, roster)
        assert (summary.done, summary.games) == (8, 8)
        assert run.verify() == []
        after = {game.key: (game.conversation, run.hops(game.key)) for game in run.games()}
        assert all(after[key] == value for key, value in before.items())
        assert list(after)[:3] == list(before)
        assert sum(old.paid.values()) - paid == 2  # the fourth prompt on the first line
        assert sum(new.paid.values()) == 8
        assert sum(reader.paid.values()) - read <= 10
        (growth,) = run.spec.growth
        assert growth.lines == (("own/second", "own/reader"),)
        assert len(growth.prompts) == 1
        assert growth.versions["python"]
        assert len(run.frame()) == 16


@pytest.fixture
def roster():
    made = Roster()
    made.add(Painter(Shop(), "second"))
    return made


def test_the_larger_specification_adds_nothing_twice_and_the_smaller_one_is_refused(tmp_path: Path, roster):
    small = spec_of(roster, [Painter(Shop(), "first")], [Reader()], 3)
    large = spec_of(roster, [roster("own/second"), roster("own/first")], [roster("own/reader")], 4)
    begin(tmp_path / "run", small).close()
    for _ in range(2):
        with begin(tmp_path / "run", large) as run:
            assert len(run.games()) == 8
            assert len(run.spec.growth) == 1
    with pytest.raises(UsageError, match=r"holds another run \((models, )?lines and prompts differ\)"):
        begin(tmp_path / "run", small)


def test_new_lines_play_all_repeats_that_are_there(tmp_path: Path, roster):
    begin(tmp_path / "run", spec_of(roster, [Painter(Shop(), "first")], [Reader()], repeats=3)).close()
    large = spec_of(roster, [roster("own/first"), roster("own/second")], [roster("own/reader")])
    with begin(tmp_path / "run", large) as run:
        assert len(run.games()) == 2 * 2 * 3
        assert run.spec.repeats == 3


def test_a_new_model_of_a_name_that_is_taken_is_named_by_its_address(tmp_path: Path):
    roster = Roster()
    begin(tmp_path / "run", plan([("fake/painter", "fake/captioner")], prompts(2))).close()
    twin = Painter(Shop(), "fake/painter")
    roster.add(twin)
    lines = [("fake/painter", "fake/captioner"), ("own/fake/painter", "fake/captioner")]
    with begin(tmp_path / "run", plan(lines, prompts(2), models=roster)) as run:
        assert [row.name for row in run.spec.models] == ["fake/painter", "fake/captioner", "own/fake/painter"]
        assert len({game.conversation for game in run.games()}) == 4


def test_short_names_stay_unique_when_a_run_grows(tmp_path: Path):
    many = [("fake/painter", "fake/captioner"), ("fake/painter?loss=0.1", "fake/captioner")]
    begin(tmp_path / "run", plan(many[1:], prompts(1500), turns=1)).close()
    with begin(tmp_path / "run", plan(many, prompts(1500), turns=1)) as run:
        assert len({game.conversation for game in run.games()}) == 3000
        assert {game.key for game in run.games()} == {game.key for game in games(run.spec)}


def test_a_forecast_counts_what_is_left(tmp_path: Path):
    roster = Roster()
    pair = [Reader(name="one"), Reader(name="two")]
    description = spec_of(roster, [Painter(Shop())], pair, 3)
    ahead = forecast(description)
    # Two lines share the drawer, so the first picture of each prompt is drawn once.
    assert [share.calls for share in ahead.models] == [2 * 3 * 2 - 3, 6, 6]
    assert (ahead.games, ahead.calls, ahead.cost, ahead.seconds) == (6, 21, 9 * 0.5 + 12 * 0.25, None)
    with begin(tmp_path / "run", description) as run:
        stop = threading.Event()
        play(run, roster, stop=stop, progress=lambda event: stop.set() if isinstance(event, HopDone) else None)
        half = forecast(description, run)
        assert 0 < half.calls < ahead.calls
        assert half.spent == sum(row.known for row in run.spending().values()) > 0
        play(run, roster)
        done = forecast(description, run)
        assert (done.games, done.calls, done.cost, done.seconds) == (0, 0, 0.0, 0.0)
        longer = forecast(
            spec_of(roster, [roster("own/painter")], [roster("own/one"), roster("own/two")], 3, turns=4), run
        )
        assert (longer.games, longer.calls) == (6, 24)
        assert longer.seconds is not None


def test_what_is_unknown_is_not_nothing(tmp_path: Path):
    roster = Roster()
    description = spec_of(roster, [Painter(Shop(), price=None)], [Reader()], 2)
    ahead = forecast(description)
    assert (ahead.cost, ahead.known, [share.model for share in ahead.unpriced]) == (None, 4 * 0.25, ["own/painter"])
    with begin(tmp_path / "runs" / "first", description) as run:
        play(run, roster)
    # Another run nearby has learned what the player costs and how long it takes.
    near = forecast(description, near=tmp_path / "runs")
    assert (near.cost, near.models[0].price) == (4 * 0.5 + 1.0, 0.5)
    assert near.seconds is not None
    assert forecast(description, near=tmp_path / "nowhere").cost is None


def test_time_is_the_longest_of_chain_lane_and_limit(tmp_path: Path):
    class Slow(Text2Image):
        name = "slow"

        def generate_image(self, text):
            raise NotImplementedError

        def traits(self):
            return Traits("slow", "remote", 1, 4, price=0.0, service="s", per_minute=self.rate)

        rate = None

    class Quick(Image2Text):
        name = "quick"

        def generate_text(self, image):
            raise NotImplementedError

        def traits(self):
            return Traits("quick", "cpu", price=0.0)

    def seconds(number, rate=None, in_flight=None):
        roster = Roster()
        slow = Slow()
        slow.rate = rate
        description = spec_of(roster, [slow], [Quick()], number, turns=5)
        with begin(tmp_path / f"{number} {rate} {in_flight}", description) as run:
            from telephone.battle import Conversation, game_of
            from telephone.core.records import Artefact, Call, Outcome

            (row, *_) = run.games()
            chat = Conversation(game_of(description, row, description.prompts[0]), 5)
            for made, took in ((Artefact("image", b"p"), 2.0), (Artefact("text", b"t"), 1.0)):
                call = Call(chat.next_request(), Outcome.OK, made, seconds=took, cost=0.0)
                run.record([call], [chat.accept(call)])
            return forecast(description, run, limits=Limits(in_flight=in_flight)).seconds

    assert seconds(2) == 5 * (2 + 1)  # a chain
    assert seconds(40) == (40 * 5 - 1) * 1.0  # the one device
    assert seconds(40, in_flight=1) == (40 * 5 - 1) * 2.0  # the service, one call at a time
    assert seconds(40, rate=10) == (40 * 5 - 1) * 6.0  # ten calls a minute


def test_a_game_that_failed_is_left_unless_it_is_tried_again(tmp_path: Path):
    description = plan([("fake/broken?how=raise", "fake/captioner")], prompts(3), turns=2)
    with begin(tmp_path / "run", description) as run:
        play(run, limits=Limits(retry=FAST))
        assert forecast(description, run).calls == 0
        again = forecast(description, run, retry_failed=True)
        assert (again.games, again.calls) == (3, 12)


def test_growth_survives_on_disk(tmp_path: Path, roster):
    begin(tmp_path / "run", spec_of(roster, [Painter(Shop(), "first")], [Reader()])).close()
    large = spec_of(roster, [roster("own/first"), roster("own/second")], [roster("own/reader")])
    with begin(tmp_path / "run", large) as run:
        kept = run.spec
    with Run.open(tmp_path / "run") as run:
        assert run.spec == kept
        assert hops(run) == []
