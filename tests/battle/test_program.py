import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from telephone.battle import GameEnded, HopDone, Limits, Roster, Started, begin, grid, plan, play
from telephone.core.errors import ModelError, StoreError, UsageError, WeightsError
from telephone.core.images import encode_png
from telephone.core.records import Outcome, Prompt
from telephone.models import Image2Text, Text2Image, Traits, text2image
from telephone.store import Run

PROMPTS = [Prompt(f"Number {n}: an apple, a pear and a plum on a table by the window.") for n in range(6)]
PICTURE = Prompt("a label", image=encode_png(text2image("fake/painter").generate_image("A cat by a lamp at night.")))
LOSSY = grid(["fake/painter?loss=0.1", "fake/painter?loss=0.2"], ["fake/captioner", "fake/captioner?loss=0.1"])


USUAL = Limits()


def results(run: Run) -> dict[str, list]:
    """Returns what every game gave, without times and attempts."""
    made = {}
    for game in run.games():
        made[game.key] = [(h.request.key, h.outcome, h.result and h.result.sha256) for h in run.hops(game.key)]
    return made


def battle(
    folder: Path, lines, prompts=PROMPTS, roster=None, limits=USUAL, noise="fresh", **options
) -> tuple[Run, object]:
    roster = roster or Roster()
    run = begin(folder, replace(plan(lines, prompts, models=roster, **({"turns": 3} | options)), noise=noise))
    return run, play(run, roster, limits=limits)


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> dict[str, list]:
    run, _ = battle(tmp_path_factory.mktemp("reference"), LOSSY, [*PROMPTS, PICTURE], repeats=2)
    with run:
        return results(run)


def test_a_battle_is_played_to_its_end(tmp_path: Path):
    events = []
    run = begin(tmp_path / "run", plan(LOSSY, [*PROMPTS, PICTURE], turns=3))
    with run:
        summary = play(run, progress=events.append)
        assert (summary.games, summary.done, summary.unfinished, summary.interrupted) == (28, 28, 0, False)
        assert summary.hops == summary.calls + summary.reused == 28 * 6
        assert summary.cost == 0.0
        assert run.verify() == []
        frame = run.frame()
        assert len(frame) == 28 * 3
        assert set(frame.outcome) == {"ok"}
    assert isinstance(events[0], Started)
    assert [event.hops_done for event in events if isinstance(event, HopDone)] == list(range(1, 28 * 6 + 1))
    assert [event.games_ended for event in events if isinstance(event, GameEnded)] == list(range(1, 29))


@pytest.mark.parametrize(
    "how",
    [
        {"options": "batch=1"},
        {"options": "batch=3"},
        {"options": "concurrency=5&batch=1&delay=0.0005"},
        {"options": "concurrency=3&batch=2"},
        {"limits": Limits(side_by_side=1)},
        {"limits": Limits(side_by_side=5)},
    ],
    ids=str,
)
def test_a_game_does_not_depend_on_how_it_is_batched(tmp_path: Path, reference, how):
    from telephone.models import registry

    def variant(ref: str):
        """The same players under the same addresses, at another pace."""
        options = how.get("options")
        mark = "&" if "?" in ref else "?"
        return registry.load_model(f"{ref}{mark}{options}" if options else ref)

    run = begin(tmp_path / "run", plan(LOSSY, [*PROMPTS, PICTURE], turns=3, repeats=2))
    with run:
        play(run, variant, limits=how.get("limits", Limits()))
        assert results(run) == reference


def test_equal_requests_are_answered_once_with_fixed_noise(tmp_path: Path):
    log = tmp_path / "calls"
    lines = grid([f"fake/painter?log={log}"], ["fake/captioner", "fake/captioner?loss=0.3"])
    run, summary = battle(tmp_path / "run", lines, noise="fixed")
    with run:
        calls = log.read_text().splitlines()
        assert len(calls) == len(set(calls))
        first = [hop for game in run.games() for hop in run.hops(game.key)[:1]]
        assert sorted(hop.attempts for hop in first) == [0] * 6 + [1] * 6
        # fake/captioner gives the prompt back: from there on nothing is asked that has not been answered.
        perfect = [run.hops(game.key) for game in run.games() if game.i2t == "fake/captioner"]
        assert all(hop.attempts == 0 and hop.cost == 0.0 for hops in perfect for hop in hops[2:])
        assert summary.reused > summary.hops / 3


class CountedDrawer(Text2Image):
    """Draws every text in one colour and counts its calls."""

    def __init__(self, seeds: bool) -> None:
        self.name, self.seeds, self.calls = "counted-drawer", seeds, 0

    def traits(self):
        return Traits("counted-drawer 1", seeds=self.seeds, price=0.0)

    def generate_image(self, text, seed=None):
        self.calls += 1
        return Image.new("RGB", (4, 4), (len(text), 0, 0))


class CountedDescriber(Image2Text):
    """Describes every image with one sentence and counts its calls."""

    def __init__(self, deterministic: bool) -> None:
        self.name, self.deterministic, self.calls = "counted-describer", deterministic, 0

    def traits(self):
        return Traits("counted-describer 1", seeds=True, deterministic=self.deterministic, price=0.0)

    def generate_text(self, image, seed=None):
        self.calls += 1
        return "A grey square."


@pytest.mark.parametrize(
    ("noise", "seeds", "deterministic", "drawn", "described"),
    [
        # 2 prompts x 2 repeats x 5 turns. Every description is the same sentence.
        ("fresh", True, False, 20, 20),
        ("fresh", False, False, 20, 20),
        # Three different images: of the two prompts and of the sentence.
        ("fresh", True, True, 20, 3),
        ("fresh", False, True, 20, 3),
        # A game asks about its prompt and about the sentence.
        ("fixed", True, False, 8, 8),
        # Without a seed, games of one repeat share the answers about the sentence.
        ("fixed", False, False, 6, 8),
    ],
)
def test_what_a_game_at_rest_asks(tmp_path: Path, noise, seeds, deterministic, drawn, described):
    roster = Roster()
    drawer, describer = CountedDrawer(seeds), CountedDescriber(deterministic)
    lines = [(roster.add(drawer), roster.add(describer))]
    prompts = [Prompt("An apple."), Prompt("A cat in a hat.")]
    run, summary = battle(tmp_path / "run", lines, prompts, roster, noise=noise, turns=4, repeats=2)
    run.close()
    run, more = battle(tmp_path / "run", lines, prompts, roster, noise=noise, turns=5, repeats=2)
    with run:
        assert (drawer.calls, describer.calls) == (drawn, described)
        assert summary.calls + more.calls == drawn + described
        assert (more.done, run.spec.noise) == (4, noise)
        assert run.verify() == []


def test_pairs_with_fresh_noise_have_the_same_seeds_at_the_same_turn(tmp_path: Path):
    run, _ = battle(tmp_path / "run", LOSSY, PROMPTS[:1], turns=3)
    with run:
        games = [[hop.request.seed for hop in run.hops(game.key)] for game in run.games()]
    assert len(games) == len(LOSSY)
    assert all(seeds == games[0] for seeds in games)
    assert len(set(games[0])) == 6


@pytest.mark.parametrize(
    ("how", "outcome", "reason"),
    [
        ("raise", Outcome.FAILED, "RuntimeError: This model fails at every call."),
        ("refuse", Outcome.REFUSED, "This model refuses every call."),
        ("none", Outcome.FAILED, "The model returned None instead of an image"),
        ("garbage", Outcome.FAILED, "19 bytes are not a picture that can be decoded"),
        ("empty", Outcome.FAILED, "an empty image of 0 x 0 pixels"),
        ("count", Outcome.FAILED, "The model returned 0 results for 1 items"),
        ("exit", Outcome.FAILED, "SystemExit: 3"),
    ],
)
def test_a_text_to_image_model_that_fails_ends_its_own_games_and_no_others(tmp_path: Path, how, outcome, reason):
    lines = grid([f"fake/broken?how={how}", "fake/painter"], ["fake/captioner"])
    run, summary = battle(tmp_path / "run", lines)
    with run:
        assert (summary.done, summary.failed + summary.refused) == (6, 6)
        broken = [run.hops(game.key) for game in run.games() if game.t2i.startswith("fake/broken")]
        assert all(len(hops) == 1 for hops in broken)
        (hop,) = broken[0]
        assert hop.outcome is outcome
        assert reason in hop.reason
        assert "Traceback" in hop.call.raw or hop.call.raw.startswith("telephone.core.errors")
        assert run.verify() == []
        assert list(run.frame().query("outcome != 'ok'").reason) == [each[0].reason for each in broken]


@pytest.mark.parametrize(
    ("how", "reason"),
    [("none", "returned None instead of a text"), ("garbage", "a value of type int"), ("empty", "an empty text")],
)
def test_an_image_to_text_model_that_fails_ends_its_own_games(tmp_path: Path, how, reason):
    lines = grid(["fake/painter"], [f"fake/broken-captioner?how={how}", "fake/captioner"])
    run, summary = battle(tmp_path / "run", lines)
    with run:
        assert (summary.done, summary.failed) == (6, 6)
        frame = run.frame().query("outcome == 'failed'")
        assert all(reason in each for each in frame.reason)
        assert frame.filepath.notna().all()
        assert frame.text_after.isna().all()


def test_one_bad_item_of_a_batch_fails_alone(tmp_path: Path):
    prompts = [*PROMPTS, Prompt("A bottle of poison.")]
    run, summary = battle(tmp_path / "run", grid(["fake/broken?how=poison"], ["fake/captioner"]), prompts)
    with run:
        assert (summary.done, summary.failed) == (6, 1)
        firsts = [run.hops(game.key)[0] for game in run.games()]
        assert [hop.attempts for hop in firsts] == [2] * 7
        assert firsts[-1].reason == "RuntimeError: This model cannot take poison."


def test_a_model_that_takes_no_batches_is_called_item_by_item(tmp_path: Path):
    run, summary = battle(tmp_path / "run", grid(["fake/broken?how=batch"], ["fake/captioner"]))
    with run:
        assert summary.done == 6


def test_failures_at_random_leave_rows_and_a_retry_takes_them_up(tmp_path: Path):
    lines = grid(["fake/painter?loss=0.1&fail=0.2"], ["fake/captioner?refuse=0.2"])
    run, summary = battle(tmp_path / "run", lines, repeats=4)
    with run:
        assert summary.failed
        assert summary.refused
        before = results(run)
        again = play(run)
        assert (again.hops, again.failed, again.refused) == (0, summary.failed, summary.refused)
        retried = play(run, retry_failed=True)  # these players fail again, as input and seed decide
        assert retried.hops == retried.calls == summary.failed + summary.refused
        assert results(run) == before
        assert run.verify() == []


def test_a_retry_goes_on_where_the_model_works_again(tmp_path: Path):
    class Moody(Text2Image):
        _mood = "bad"

        def generate_image(self, text):
            if self._mood == "bad":
                raise ModelError("Not today.")
            return Image.new("RGB", (8, 8), "red")

    roster, moody = Roster(), Moody()
    lines = [(roster.add(moody), "fake/captioner")]
    run, summary = battle(tmp_path / "run", lines, roster=roster)
    with run:
        assert summary.failed == 6
        moody._mood = "good"
        assert play(run, roster).failed == 6
        mended = play(run, roster, retry_failed=True)
        assert (mended.failed, mended.done) == (0, 6)
        assert run.verify() == []


def test_models_of_the_article_play_a_battle(tmp_path: Path):
    class Painter(Text2Image):
        def __init__(self):
            self.name = "article"

        def generate_image(self, text):
            return encode_png(Image.new("RGB", (8, 8), (len(text), 0, 0)))

    class Reader(Image2Text):
        def __init__(self):
            self.name = "reader"

        def generate_text(self, image_url):
            return "x" * image_url.getpixel((0, 0))[0]

    roster = Roster()
    run, summary = battle(tmp_path / "run", [(roster.add(Painter()), roster.add(Reader()))], roster=roster, repeats=2)
    with run:
        assert summary.done == 12
        assert summary.cost is None
        assert set(run.frame().t2i_model) == {"article"}
        # A player without seeds is asked anew in each repeat.
        assert {hop.attempts for game in run.games() for hop in run.hops(game.key)[:1]} == {1}


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path, reference):
    run = begin(tmp_path / "run", plan(LOSSY, [*PROMPTS, PICTURE], turns=3, repeats=2))
    sessions = 0
    with run:
        summary = None
        while summary is None or summary.interrupted:
            stop = threading.Event()
            left = iter(range(37))

            def report(event, stop=stop, left=left):
                if isinstance(event, HopDone) and next(left, None) is None:
                    stop.set()

            summary = play(run, progress=report, stop=stop, limits=Limits(side_by_side=4))
            sessions += 1
        assert sessions > 3
        assert summary.done == summary.games == 56
        assert results(run) == reference
        assert run.verify() == []
        assert play(run).hops == 0


def test_a_longer_run_continues_the_same_games(tmp_path: Path):
    short, _ = battle(tmp_path / "run", LOSSY, turns=2)
    with short:
        before = results(short)
    run, summary = battle(tmp_path / "run", LOSSY, turns=5, repeats=2)
    with run:
        assert summary.done == 48
        after = results(run)
        assert all(after[key][:4] == hops for key, hops in before.items())
        assert all(len(hops) == 10 for hops in after.values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_cleanly_and_the_run_goes_on_later(tmp_path: Path, number):
    lines = grid(["fake/painter?loss=0.1&delay=0.02&batch=1"], ["fake/captioner?loss=0.1"])
    run = begin(tmp_path / "run", plan(lines, PROMPTS, turns=5))
    with run:

        def report(event):
            if isinstance(event, HopDone) and event.hops_done == 9:
                os.kill(os.getpid(), number)

        summary = play(run, progress=report)
        assert summary.interrupted
        assert 0 < summary.hops < 60
        assert sum(run.count().values()) == summary.hops
        assert [problem for problem in run.verify() if problem.grave] == []
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        rest = play(run)
        assert (rest.interrupted, rest.done) == (False, 6)
        assert rest.hops == 60 - summary.hops


def test_a_keyboard_interrupt_in_a_callback_ends_cleanly_too(tmp_path: Path):
    def report(event):
        if isinstance(event, HopDone) and event.hops_done == 7:
            raise KeyboardInterrupt

    run = begin(tmp_path / "run", plan(LOSSY, PROMPTS, turns=2))
    with run:
        summary = play(run, progress=report)
        assert summary.interrupted
        assert sum(run.count().values()) == 7
        assert play(run).done == 24


@pytest.mark.parametrize("grace", [0.05])
def test_a_call_that_hangs_does_not_keep_a_stopped_run(tmp_path: Path, grace):
    run = begin(tmp_path / "run", plan(grid(["fake/broken?how=hang&seconds=30"], ["fake/captioner"]), PROMPTS))
    with run:
        stop = threading.Event()
        threading.Timer(0.1, stop.set).start()
        clock = time.perf_counter()
        summary = play(run, stop=stop, limits=Limits(grace=grace))
        assert time.perf_counter() - clock < 5
        assert (summary.interrupted, summary.hops) == (True, 0)


def test_a_call_that_takes_too_long_fails(tmp_path: Path):
    lines = grid(["fake/broken?how=hang&seconds=30", "fake/painter"], ["fake/captioner"])
    run, summary = battle(tmp_path / "run", lines, limits=Limits(timeout=0.05))
    with run:
        assert (summary.done, summary.failed) == (6, 6)
        reasons = {hop.reason for game in run.games() for hop in run.hops(game.key) if hop.outcome is Outcome.FAILED}
        assert reasons == {"The model gave no answer in 0.05 seconds an item."}


def test_calls_to_a_remote_model_are_in_flight_together(tmp_path: Path):
    together = threading.Barrier(6)

    class Remote(Text2Image):
        def generate_image(self, text):
            together.wait(timeout=30)  # fails unless six calls are here at one time
            return Image.new("RGB", (8, 8), "red")

        def traits(self):
            return Traits("remote", "remote", concurrency=6)

    roster = Roster()
    lines = [(roster.add(Remote()), "fake/captioner")]
    run, summary = battle(tmp_path / "run", lines, roster=roster, turns=1)
    with run:
        assert summary.done == 6


def test_one_local_model_computes_at_a_time(tmp_path: Path):
    class Busy:
        """Counts who is at work; the players below share it."""

        now, most = 0, 0
        lock = threading.Lock()

        @classmethod
        def work(cls):
            with cls.lock:
                cls.now += 1
                cls.most = max(cls.most, cls.now)
            time.sleep(0.002)
            with cls.lock:
                cls.now -= 1

    class Painter(Text2Image):
        def generate_image(self, text):
            Busy.work()
            return Image.new("RGB", (8, 8), (len(text), 0, 0))

    class Reader(Image2Text):
        def generate_text(self, image):
            Busy.work()
            return "x" * image.getpixel((0, 0))[0]

    roster = Roster()
    run, _ = battle(tmp_path / "run", [(roster.add(Painter()), roster.add(Reader()))], roster=roster)
    run.close()
    assert Busy.most == 1


def test_models_are_loaded_when_they_are_first_needed(tmp_path: Path):
    from telephone.models import load_model

    asked = []

    def get(ref):
        asked.append(ref)
        return load_model(ref)

    run = begin(tmp_path / "run", plan(grid(["fake/broken?how=raise"], ["fake/captioner"]), PROMPTS))
    with run:
        play(run, get)
        assert asked == ["fake/broken?how=raise"]
        asked.clear()
        play(run, get)
        assert asked == []


def test_another_model_under_the_same_address_is_refused(tmp_path: Path):
    run = begin(tmp_path / "run", plan(LOSSY, PROMPTS))
    with run, pytest.raises(UsageError, match="is not the model with which the run began"):
        play(run, lambda ref: text2image("fake/painter?loss=0.9"))


def test_missing_weights_stop_the_run_and_fail_no_game(tmp_path: Path):
    class Weightless(Text2Image):
        def generate_image(self, text):
            raise WeightsError("The weights are missing: fetch them.")

    roster = Roster()
    lines = [(roster.add(Weightless()), "fake/captioner"), ("fake/painter", "fake/captioner")]
    run = begin(tmp_path / "run", plan(lines, PROMPTS, models=roster))
    with run:
        with pytest.raises(WeightsError, match="fetch them"):
            play(run, roster)
        assert run.count()[Outcome.FAILED] == 0


def test_a_run_is_played_by_one_at_a_time(tmp_path: Path):
    run = begin(tmp_path / "run", plan(LOSSY, PROMPTS))
    larger = plan(LOSSY, [*PROMPTS, Prompt("One more.")], turns=12)
    with run, run.playing():
        with pytest.raises(StoreError, match="is being played"):
            play(run)
        with pytest.raises(StoreError, match="is being played"):
            begin(tmp_path / "run", larger)
        with Run.open(tmp_path / "run") as same:
            assert (same.spec, same.games()) == (run.spec, run.games())


def test_a_battle_of_the_fakes_imports_neither_torch_nor_pandas(tmp_path: Path):
    code = (
        "import sys; from telephone.core.records import Prompt; from telephone.battle import *\n"
        "r = begin(sys.argv[1], plan(grid(['fake/painter'], ['fake/captioner']), [Prompt('A cat.')]))\n"
        "assert play(r).done == 1\n"
        "sys.exit(bool({'torch', 'pandas', 'transformers', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "run"], check=False).returncode == 0
