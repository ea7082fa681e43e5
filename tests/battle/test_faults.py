"""Calls that fail: made again where that may help, left alone where a service is down, never paid twice."""

import threading
from pathlib import Path

import pytest
from failing_services import FAST, QUICK, Painter, Reader, Shop, hops, prompts, start
from misbehaving import Server
from PIL import Image

from telephone.battle import CircuitClosed, CircuitOpened, Limits, Retried, Retry, begin, plan, play
from telephone.core.errors import ModelError, ModelRefused, ModelUnavailable
from telephone.core.records import Outcome
from telephone.core.seeds import digest
from telephone.models import Text2Image, Traits


def test_a_thousand_hops_under_faults_end_complete_and_none_is_paid_twice(tmp_path: Path):
    painter, reader = Shop(0.2), Shop(0.2)
    run, roster = start(tmp_path / "run", [Painter(painter)], [Reader(reader)], 50, 10)
    with run:
        summary = play(run, roster, limits=QUICK)
        assert (summary.done, summary.failed, summary.unfinished, summary.hops) == (50, 0, 0, 1000)
        assert run.verify() == []
        assert len(hops(run)) == 1000
        assert sum(painter.paid.values()) + sum(reader.paid.values()) == 1000
        assert {*painter.paid.values(), *reader.paid.values()} == {1}
        assert sum(hop.attempts for hop in hops(run)) == painter.calls + reader.calls == summary.calls
        assert summary.retries == summary.calls - 1000 > 150
        assert summary.cost == pytest.approx(500 * 0.75)
        assert summary.bill.known == pytest.approx(375)


@pytest.mark.slow
def test_a_thousand_hops_through_the_real_client_and_a_real_server(tmp_path: Path):
    with Server(rate=0.2, faults=("drop", "429", "500", "half", "html"), retry_after="0.01") as server:
        end = f"base_url={server.url}&flight=8&price="
        lines = [(f"openai/painter?kind=text2image&{end}0.04", f"openai/reader?kind=image2text&{end}0.01")]
        # The server reads back what it has drawn: a game settles after a turn, so there are as many games as calls / 2.
        run = begin(tmp_path / "run", plan(lines, prompts(500), turns=1))
        with run:
            summary = play(run, limits=QUICK)
            assert (summary.done, summary.failed, summary.refused, summary.hops) == (500, 0, 0, 1000)
            assert run.verify() == []
            assert sum(server.paid.values()) == 1000
            # Half an answer may have been billed: the server sent it and nobody could read it.
            assert len(server.requests) == summary.calls == 1000 + summary.retries
            assert summary.retries == sum(number for fault, number in server.fault_counts.items() if fault != "ok")
            assert server.most_in_flight <= 8
            assert summary.bill.known == pytest.approx(500 * 0.05)


def test_a_result_has_its_cost_and_the_raw_response(tmp_path: Path):
    run, roster = start(tmp_path / "run", [Painter(Shop(), cost=0.07)], [Reader()], 1, 1)
    with run:
        play(run, roster)
        first, second = hops(run)
        assert (first.cost, first.call.raw[:6]) == (0.07, "bought")
        assert second.cost == 0.25


def test_a_cost_that_is_not_reported_is_the_price_or_unknown(tmp_path: Path):
    costs = []
    for name, price in (("priced", 0.5), ("unpriced", None)):
        run, roster = start(tmp_path / name, [Painter(Shop(), cost=None, price=price)], [Reader()], 1, 1)
        with run:
            summary = play(run, roster)
            costs.append((hops(run)[0].cost, summary.cost, summary.bill.known, summary.bill.unknown))
    assert costs == [(0.5, 0.75, 0.75, 0), (None, None, 0.25, 1)]


@pytest.mark.parametrize(
    ("error", "outcome"), [(ModelError("No such model."), "failed"), (ModelRefused("Not this."), "refused")]
)
def test_what_will_not_pass_is_not_tried_again(tmp_path: Path, error, outcome):
    class Sure(Painter):
        def generate_image(self, text):
            self.shop.calls += 1
            raise error

    shop = Shop()
    run, roster = start(tmp_path / "run", [Sure(shop)], [Reader()])
    with run:
        summary = play(run, roster, limits=QUICK)
        assert (shop.calls, summary.retries, getattr(summary, outcome)) == (2, 0, 2)
        assert {hop.outcome for hop in hops(run)} == {Outcome(outcome)}
        assert (summary.bill.known, summary.bill.unknown) == (0.0, 2)


def test_one_request_that_never_passes_fails_while_its_service_answers_others(tmp_path: Path):
    class Choosy(Painter):
        def generate_image(self, text):
            if text.endswith("number 0"):
                raise ModelUnavailable("Not this one.")
            return super().generate_image(text)

    run, roster = start(tmp_path / "run", [Choosy(Shop())], [Reader()], 8, 6)
    with run:
        summary = play(run, roster, limits=Limits(retry=Retry(attempts=4, base=0.0), pause=0.001, circuit=50))
        assert (summary.done, summary.failed) == (7, 1)
        (bad,) = [hop for hop in hops(run) if hop.outcome is Outcome.FAILED]
        assert (bad.attempts >= 4, bad.reason, bad.cost) == (True, "Not this one.", None)


def test_a_service_that_is_down_fails_no_game_and_others_go_on(tmp_path: Path):
    closed, events = Shop(), []
    closed.down = True
    run, roster = start(tmp_path / "run", [Painter(closed, "closed"), Painter(Shop(), "open")], [Reader()], 6, 2)
    with run:
        limits = Limits(retry=FAST, pause=0.002, probes=3, side_by_side=2)
        summary = play(run, roster, limits=limits, progress=events.append)
        assert (summary.done, summary.failed, summary.unfinished, summary.interrupted) == (6, 0, 6, False)
        (halt,) = summary.halts
        assert halt.why == "service"
        assert "closed's shop failed " in halt.message
        assert "The shop is closed." in halt.message
        told = [event for event in events if isinstance(event, CircuitOpened)]
        assert [event.service for event in told] == ["closed's shop"] * len(told)
        assert len(told) >= 4
        assert closed.calls <= 8 + 3 + 5
        assert any(isinstance(event, Retried) for event in events)
        assert {game.t2i for game in run.games() if run.hops(game.key)} == {"own/open"}

        closed.down = False
        rest = play(run, roster, limits=limits)
        assert (rest.done, rest.unfinished, rest.halts) == (12, 0, ())
        assert {*closed.paid.values()} == {1}


def test_a_service_that_comes_back_is_used_again(tmp_path: Path):
    shop, events = Shop(), []

    def report(event):
        events.append(event)
        if isinstance(event, CircuitOpened) and len([e for e in events if isinstance(e, CircuitOpened)]) == 2:
            shop.down = False

    shop.down = True
    run, roster = start(tmp_path / "run", [Painter(shop)], [Reader()], 8, 3)
    with run:
        summary = play(run, roster, limits=Limits(retry=FAST, pause=0.01), progress=report)
        assert (summary.done, summary.unfinished) == (8, 0)
        assert [type(e) for e in events if isinstance(e, CircuitOpened | CircuitClosed)] == [
            CircuitOpened, CircuitOpened, CircuitClosed,
        ]  # fmt: skip


def test_models_of_one_service_share_its_limits(tmp_path: Path):
    house, now, most = threading.Condition(), [0], [0]

    class Shared(Painter):
        def generate_image(self, text):
            with house:
                now[0] += 1
                most[0] = max(most[0], now[0])
                house.notify_all()
                house.wait_for(lambda: most[0] >= 3, timeout=0.1)  # lets the others come, if they may
            with house:
                now[0] -= 1
            return super().generate_image(text)

        def traits(self):
            width = 3 if self.name == "narrow" else 8
            return Traits(digest(self.name), "remote", 1, width, seeds=True, price=0.5, service="one house")

    for limits, wanted in ((Limits(), 3), (Limits(in_flight=2), 2)):
        now[0] = most[0] = 0
        pair = [Shared(Shop(), "narrow"), Shared(Shop(), "wide")]
        run, roster = start(tmp_path / str(wanted), pair, [Reader()], 4, 1)
        with run:
            assert play(run, roster, limits=limits).done == 8
        assert most[0] == wanted


def test_equal_requests_in_flight_are_one_call(tmp_path: Path):
    shop = Shop(0.3)
    run, roster = start(tmp_path / "run", [Painter(shop)], [Reader(name=f"reader-{n}") for n in range(6)], 5, 2)
    with run:
        summary = play(run, roster, limits=QUICK)
        assert summary.done == 30
        assert {*shop.paid.values()} == {1}
        assert summary.reused == 5 * 5


def test_a_call_given_up_that_comes_back_late_is_not_lost(tmp_path: Path):
    """The first call takes longer than the limit and answers while its ask waits to be asked again."""
    slow = threading.Event()

    class Slow(Painter):
        def generate_image(self, text):
            if not slow.is_set():
                slow.set()
                threading.Event().wait(0.3)
            return super().generate_image(text)

    shop = Shop()
    run, roster = start(tmp_path / "run", [Slow(shop)], [Reader()], 1, 1)
    with run:
        summary = play(run, roster, limits=Limits(timeout=0.1, retry=Retry(base=1000.0, cap=1000.0)))
        assert (summary.done, sum(shop.paid.values())) == (1, 1)


def test_batches_that_are_unavailable_are_not_split(tmp_path: Path):
    class Batch(Text2Image):
        calls: list[int] = []

        def generate_images(self, texts, seeds=None):
            self.calls.append(len(texts))
            if len(self.calls) == 1:
                raise ModelUnavailable("Later.")
            return [
                Image.new("RGB", (8, 8), (len(text), seed % 256, 0)) for text, seed in zip(texts, seeds, strict=True)
            ]

        def traits(self):
            return Traits("batch", "cpu", 16, seeds=True, price=0.0)

    run, roster = start(tmp_path / "run", [Batch()], [Reader(name="words")], 6, 1)
    with run:
        limits = Limits(retry=Retry(base=0.0))
        summary = play(run, roster, limits=limits)
        assert summary.hops == 12
        assert Batch.calls[0] == 6
        assert {hop.attempts for hop in hops(run) if hop.request.kind == "image"} == {2}
        assert summary.retries == 6
