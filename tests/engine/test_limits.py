import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.core.errors import UsageError
from telephone.core.records import Artefact, Call, Outcome, Request, Spending, WriteOff
from telephone.engine.budget import Budget
from telephone.engine.limits import LONGEST, Channels, CircuitBreaker, Limits, RateLimit, Retry, RetryTracker
from telephone.models import Traits

REQUEST = Request("a", "print", "text2image", (Artefact("text", b"words"),), 1, "key")


def missed(cost: float | None = None) -> Call:
    return Call(REQUEST, Outcome.FAILED, None, "Later.", cost=cost)


def good(cost: float | None = 0.5) -> Call:
    return Call(REQUEST, Outcome.OK, Artefact("image", b"png"), cost=cost)


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
    tracker = RetryTracker(Retry(attempts=3))
    assert tracker.pause(missed(0.125), None, answered=0) is not None
    assert tracker.pause(missed(None), None, answered=0) is not None
    assert tracker.left() == [WriteOff("a", 1, 0.125, "key"), WriteOff("a", 1, None, "key")]
    call = tracker.settle(good(0.5))
    assert (call.attempts, call.cost, call.unpriced) == (3, 0.625, 1)
    assert tracker.settle(good(None)).attempts == 1
    assert tracker.left() == []


def test_an_outage_ends_no_request_but_one_that_never_passes_ends():
    tracker = RetryTracker(Retry(attempts=3))
    assert all(tracker.pause(missed(), None, answered=7) is not None for _ in range(20))
    assert tracker.pause(missed(), None, answered=8) is None
    call = tracker.settle(missed())
    assert (call.attempts, call.cost, call.outcome) == (21, None, Outcome.FAILED)


def test_a_known_part_of_the_cost_stays_known_and_the_rest_is_counted():
    tracker = RetryTracker(Retry(attempts=1))
    tracker.pause(missed(0.5), None, answered=0)
    call = tracker.settle(good(None))
    assert (call.attempts, call.cost, call.unpriced) == (2, 0.5, 1)


def test_a_result_that_comes_after_its_timeout_is_one_attempt():
    tracker = RetryTracker(Retry())
    tracker.pause(missed(None), None, answered=0)
    call = tracker.settle(good(0.5), late=True)
    assert (call.attempts, call.cost, call.unpriced) == (1, 0.5, 0)


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"base": -1.0}, {"cap": -1.0}])
def test_a_policy_out_of_range_is_refused(wrong):
    with pytest.raises(UsageError, match="1 or more attempts"):
        Retry(**wrong)


@pytest.mark.parametrize("wrong", [{"side_by_side": 0}, {"in_flight": 0}, {"probes": 0}, {"circuit": 0}])
def test_limits_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError, match="give 1 or more"):
        Limits(**wrong)


def test_a_circuit_opens_probes_and_closes():
    circuit = CircuitBreaker(after=3, pause=4.0)
    assert [circuit.on_silence("no", 0.0, probe=circuit.on_sent()) for _ in range(3)] == [False, False, True]
    assert (circuit.is_open, circuit.allows(3.9), circuit.allows(4.0)) == (True, False, True)
    assert circuit.on_sent()
    assert not circuit.allows(100.0)  # one probe at a time
    assert not circuit.on_silence("a straggler", 4.0, probe=False)
    assert circuit.on_silence("still no", 5.0, probe=True)
    assert (circuit.due, circuit.probes) == (5.0 + 8.0, 1)
    assert circuit.on_sent()
    assert circuit.on_answer(probe=True)
    assert (circuit.is_open, circuit.probes, circuit.allows(0.0), circuit.on_sent()) == (False, 0, True, False)
    assert not circuit.on_answer(probe=False)


def test_a_probe_waits_as_long_as_the_provider_asks_but_not_for_ever():
    circuit = CircuitBreaker(after=1, pause=1.0)
    circuit.on_silence("no", 0.0, False, retry_after=60.0)
    assert circuit.due == 60.0
    circuit.on_silence("no", 60.0, True, retry_after=1e9)
    assert circuit.due == 60.0 + LONGEST


def test_answers_between_misses_keep_it_closed():
    circuit = CircuitBreaker(after=2)
    for _ in range(20):
        circuit.on_silence("no", 0.0, False)
        circuit.on_answer(False)
    assert not circuit.is_open


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.floats(0.2, 8))
def test_no_minute_holds_more_starts_than_allowed(gaps, rate):
    limit, now, starts = RateLimit(rate), 0.0, []
    for gap in gaps:
        now = max(now + gap, limit.free_at())
        limit.start(now)
        starts.append(now)
    most = max(1, int(rate))
    window = 60 * most / rate
    assert all(sum(start <= other < start + window - 1e-6 for other in starts) <= most for start in starts)


def test_the_narrowest_limits_of_a_service_hold():
    channels = Channels(Limits(in_flight=5))
    one = channels.of("x/a", Traits("a", "remote", 1, 8, service="x", per_minute=60))
    same = channels.of("x/b", Traits("b", "remote", 1, 3, service="x", per_minute=30))
    assert one is same is channels.known("x/a")
    assert (one.width, one.per_minute.rate, one.name) == (3, 30, "x")
    assert channels.of("y/c", Traits("c", "remote", 1, 9)).width == 5
    assert channels.of("z/d", Traits("d", "cpu")) is channels.of("z/e", Traits("e", "cpu"))
    with pytest.raises(UsageError, match="above 0"):
        RateLimit(0.0)


def test_a_budget_counts_calls_in_flight():
    budget = Budget(1.0, {"a": 0.25, "free": 0.0}, {"a": Spending("a", 1, 0.25, 0, 0.25)})
    assert (budget.left, budget.afford("a", 9), budget.afford("free", 9)) == (0.75, 3, 9)
    held = budget.reserve("a", 2)
    assert (held, budget.afford("a", 9)) == (0.5, 1)
    budget.release("a", 2, held)
    budget.pay(good(0.5))
    assert (budget.left, budget.estimate("a"), budget.afford("a", 9)) == (0.25, 0.5, 0)


def test_a_call_of_unknown_cost_counts_with_the_estimate():
    budget = Budget(1.0, {"a": 0.25}, {"a": Spending("a", 2, 0.0, 2)})
    assert budget.left == 0.5


def test_one_call_finds_out_the_price_where_it_is_unknown():
    budget = Budget(1.0, {"a": None}, {})
    assert budget.afford("a", 9) == 1
    held = budget.reserve("a", 1)
    assert budget.afford("a", 9) == 0
    budget.release("a", 1, held)
    budget.pay(good(0.4))
    assert budget.afford("a", 9) == 1
    unpriced = Budget(1.0, {"a": None}, {"a": Spending("a", 1, 0.0, 1)})
    assert unpriced.afford("a", 9) == 1  # the call that was made may have had no answer
    unpriced.pay(missed(None))
    assert unpriced.afford("a", 9) == 1
    unpriced.pay(good(None))
    assert unpriced.afford("a", 9) == 9  # it reports no cost, which the user has allowed


def test_a_call_without_an_answer_counts_with_the_price():
    budget = Budget(1.0, {"a": 0.25}, {})
    budget.pay(missed(None))
    assert budget.left == 0.75
    budget.pay(good(0.25), late=True)
    assert budget.left == 0.75


def test_no_budget_is_no_limit_and_a_wrong_one_is_refused():
    assert Budget(None, {"a": 5.0}, {}).afford("a", 9) == 9
    for wrong in (-1.0, float("nan")):
        with pytest.raises(UsageError, match="give 0 or more"):
            Budget(wrong, {}, {})
