import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.battle import Limits, Retry
from telephone.battle.budget import Budget
from telephone.battle.circuit_breaker import LONGEST, Circuit
from telephone.battle.model_calls import Reply
from telephone.battle.rate_limits import Gates, PerMinute
from telephone.battle.retries import Attempts
from telephone.core.errors import ModelUnavailable, UsageError
from telephone.core.records import Artefact, Hop, Outcome, Request
from telephone.models import Traits
from telephone.store import Spending

ASK = Request("g" * 64, 0, 0, "image", "a/painter", 1, Artefact("text", b"words"), "key")


def missed(cost: float | None = None) -> Reply:
    return Reply(Hop(ASK, Outcome.FAILED, None, "Later.", cost=cost), ModelUnavailable("Later."))


def good(cost: float | None = 0.5) -> Reply:
    return Reply(Hop(ASK, Outcome.OK, Artefact("image", b"png"), cost=cost))


@given(st.text(), st.integers(1, 100))
def test_a_pause_is_jittered_bounded_and_always_the_same(key, attempts):
    policy = Retry(base=0.5, cap=30)
    pause = policy.pause(key, attempts)
    assert 0 <= pause < min(30, 0.5 * 2 ** (attempts - 1))
    assert pause == policy.pause(key, attempts)


@given(st.text(), st.integers(1, 9), st.floats(0, 1000))
def test_a_provider_s_pause_is_obeyed_up_to_a_limit(key, attempts, asked):
    pause = Retry(obey=600).pause(key, attempts, asked)
    assert min(asked, 600) <= pause <= min(asked, 600) + 0.5


def test_pauses_spread_and_grow():
    policy = Retry(base=1, cap=1000)
    shares = [policy.pause(f"key {n}", 1) for n in range(200)]
    assert 0.4 < sum(shares) / 200 < 0.6
    means = [sum(policy.pause(f"key {n}", k) for n in range(200)) / 200 for k in range(1, 8)]
    assert all(1.5 < later / earlier < 2.5 for earlier, later in zip(means, means[1:], strict=False))


def test_attempts_and_known_costs_are_added_up():
    attempts = Attempts(Retry(attempts=3))
    assert attempts.again(missed(0.125), answered=0) is not None
    assert attempts.again(missed(None), answered=0) is not None
    (left,) = attempts.left()
    assert (left.player, left.attempts, left.known, left.unknown) == ("a/painter", 2, 0.125, 1)
    hop = attempts.settle(good(0.5))
    assert (hop.attempts, hop.cost) == (3, 0.625)
    assert attempts.settle(good(None)).attempts == 1
    assert attempts.left() == []


def test_an_outage_ends_no_ask_but_one_that_never_passes_ends():
    attempts = Attempts(Retry(attempts=3))
    assert all(attempts.again(missed(), answered=7) is not None for _ in range(20))
    assert attempts.again(missed(), answered=8) is None
    hop = attempts.settle(missed())
    assert (hop.attempts, hop.cost, hop.outcome) == (21, None, Outcome.FAILED)


def test_an_unknown_cost_stays_unknown():
    attempts = Attempts(Retry(attempts=1))
    attempts.again(missed(0.5), answered=0)
    assert attempts.settle(good(None)).cost is None


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"base": -1.0}, {"cap": -1.0}])
def test_a_policy_that_cannot_be_is_told(wrong):
    with pytest.raises(UsageError, match="1 or more attempts"):
        Retry(**wrong)


@pytest.mark.parametrize("wrong", [{"side_by_side": 0}, {"in_flight": 0}, {"probes": 0}, {"circuit": 0}])
def test_limits_that_cannot_be_are_told(wrong):
    with pytest.raises(UsageError, match="give 1 or more"):
        Limits(**wrong)


def test_a_circuit_opens_probes_and_closes():
    circuit = Circuit(after=3, pause=4.0)
    assert [circuit.miss("no", 0.0, probe=circuit.leave()) for _ in range(3)] == [False, False, True]
    assert (circuit.is_open, circuit.lets(3.9), circuit.lets(4.0)) == (True, False, True)
    assert circuit.leave()
    assert not circuit.lets(100.0)  # one probe at a time
    assert not circuit.miss("a straggler", 4.0, probe=False)
    assert circuit.miss("still no", 5.0, probe=True)
    assert (circuit.due, circuit.probes) == (5.0 + 8.0, 1)
    assert circuit.leave()
    assert circuit.answer(probe=True)
    assert (circuit.is_open, circuit.probes, circuit.lets(0.0), circuit.leave()) == (False, 0, True, False)
    assert not circuit.answer(probe=False)


def test_a_probe_waits_as_long_as_the_provider_asks_but_not_for_ever():
    circuit = Circuit(after=1, pause=1.0)
    circuit.miss("no", 0.0, False, retry_after=60.0)
    assert circuit.due == 60.0
    circuit.miss("no", 60.0, True, retry_after=1e9)
    assert circuit.due == 60.0 + LONGEST


def test_answers_between_misses_keep_it_closed():
    circuit = Circuit(after=2)
    for _ in range(20):
        circuit.miss("no", 0.0, False)
        circuit.answer(False)
    assert not circuit.is_open


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.floats(0.2, 8))
def test_no_minute_holds_more_starts_than_allowed(gaps, rate):
    bucket, now, starts = PerMinute(rate), 0.0, []
    for gap in gaps:
        now = max(now + gap, bucket.free_at())
        bucket.start(now)
        starts.append(now)
    most = max(1, int(rate))
    window = 60 * most / rate
    assert all(sum(start <= other < start + window - 1e-6 for other in starts) <= most for start in starts)


def test_the_narrowest_limits_of_a_service_hold():
    gates = Gates(Limits(in_flight=5))
    one = gates.of("x/a", Traits("a", "remote", 1, 8, service="x", per_minute=60))
    same = gates.of("x/b", Traits("b", "remote", 1, 3, service="x", per_minute=30))
    assert one is same is gates.known("x/a")
    assert (one.width, one.per_minute.rate, one.name) == (3, 30, "x")
    assert gates.of("y/c", Traits("c", "remote", 1, 9)).width == 5
    assert gates.of("z/d", Traits("d", "cpu")) is gates.of("z/e", Traits("e", "cpu"))
    with pytest.raises(UsageError, match="above 0"):
        PerMinute(0.0)


def test_a_purse_counts_what_is_on_its_way():
    purse = Budget(1.0, {"a": 0.25, "free": 0.0}, {"a": Spending("a", 1, 0.25, 0, 0.25)})
    assert (purse.left, purse.afford("a", 9), purse.afford("free", 9)) == (0.75, 3, 9)
    held = purse.reserve("a", 2)
    assert (held, purse.afford("a", 9)) == (0.5, 1)
    purse.release("a", 2, held)
    purse.pay("a", Hop(ASK, Outcome.OK, None, cost=0.5))
    assert (purse.left, purse.estimate("a"), purse.afford("a", 9)) == (0.25, 0.5, 0)


def test_a_call_of_unknown_cost_counts_with_the_estimate():
    purse = Budget(1.0, {"a": 0.25}, {"a": Spending("a", 2, 0.0, 2)})
    assert purse.left == 0.5


def test_a_purse_feels_its_way_where_nothing_is_known():
    purse = Budget(1.0, {"a": None}, {})
    assert purse.afford("a", 9) == 1
    held = purse.reserve("a", 1)
    assert purse.afford("a", 9) == 0
    purse.release("a", 1, held)
    purse.pay("a", Hop(ASK, Outcome.OK, None, cost=0.4))
    assert purse.afford("a", 9) == 1
    silent = Budget(1.0, {"a": None}, {"a": Spending("a", 1, 0.0, 1)})
    assert silent.afford("a", 9) == 9  # it never tells, and somebody has allowed that


def test_no_budget_is_no_limit_and_a_wrong_one_is_told():
    assert Budget(None, {"a": 5.0}, {}).afford("a", 9) == 9
    for wrong in (-1.0, float("nan")):
        with pytest.raises(UsageError, match="give 0 or more"):
            Budget(wrong, {}, {})
