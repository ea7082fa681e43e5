"""Requests that are no game, killed and resumed: no finished call is made twice, and a budget holds."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from draw_captions import LoggingDrawer, captions, create, draw

SCRIPT = Path(__file__).parents[1] / "support" / "draw_captions.py"


def begun(log: Path) -> list[str]:
    """Returns the captions whose calls were sent."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.removeprefix("begin ") for line in lines if line.startswith("begin ")]


def stored(folder: Path, number: int) -> set[str]:
    """Returns the captions whose images are in the store."""
    with create(folder, None) as run:
        return {request.parent.text for request in captions(number) if run.find_call(request.key)}


def session(folder: Path, log: Path, *options: object, kill: signal.Signals | None = None, after: int = 0) -> str:
    """Draws in a process, which gets a signal after so many calls were sent; returns what it printed."""
    command = [sys.executable, SCRIPT, folder, log, *options]
    past = len(begun(log))
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True) as process:
        while kill is not None and process.poll() is None and len(begun(log)) < past + after:
            time.sleep(0.001)
        if kill is not None:
            process.send_signal(kill)
        return process.communicate(timeout=60)[0]


@pytest.mark.parametrize("price", [0.0, 0.01])
def test_a_list_of_captions_that_is_killed_goes_on_and_draws_no_stored_one_again(tmp_path: Path, price):
    folder, log = tmp_path / "run", tmp_path / "log"
    options = ("--price", price, "--captions", 60)
    for after in (3, 20, 20):
        before, past = stored(folder, 60) if folder.exists() else set(), len(begun(log))
        session(folder, log, *options, kill=signal.SIGKILL, after=after)
        assert not before & set(begun(log)[past:])
    before, past = stored(folder, 60), len(begun(log))
    assert before
    assert "interrupted False" in session(folder, log, *options)
    assert not before & set(begun(log)[past:])
    assert len(stored(folder, 60)) == 60
    with create(folder, price) as run:
        assert not [problem for problem in run.verify() if problem.grave]
        spent = run.spending()["own/drawer"]
        if price:
            assert spent.known == pytest.approx(0.6)
            assert spent.calls == 60 + spent.unknown >= len(begun(log))


def test_a_list_that_is_stopped_goes_on(tmp_path: Path):
    stop, log = threading.Event(), tmp_path / "log"

    class Stopper(LoggingDrawer):
        def generate_image(self, text):
            made = super().generate_image(text)
            stop.set() if len(begun(log)) >= 10 else None
            return made

    from telephone.engine import execute, request_list

    with create(tmp_path / "run", 0.0) as run:
        drawer = Stopper(log, 0.0, 0.0)
        with run.playing():
            first = execute(request_list(captions(40)), run, lambda ref: drawer, stop=stop)
        assert first.interrupted
        assert 10 <= first.calls < 40
        rest = draw(run, LoggingDrawer(log, 0.0, 0.0), 40)
        assert (rest.interrupted, rest.calls + first.calls) == (False, 40)
        assert {*Counter(begun(log)).values()} == {1}


def test_a_budget_holds_over_kills_before_the_first_answer(tmp_path: Path):
    """Calls of 0.01 US dollars that take a minute, 64 in flight, a budget of 0.50: at most 50 calls are ever sent."""
    folder, log = tmp_path / "run", tmp_path / "log"
    options = ("--price", 0.01, "--captions", 200, "--budget", 0.5, "--in-flight", 64)
    for after in (20, 25, 5):
        session(folder, log, *options, "--seconds", 60, kill=signal.SIGKILL, after=after)
    assert len(begun(log)) <= 50
    with create(folder, 0.01) as run:
        assert run.spending()["own/drawer"].unknown >= len(begun(log))
    said = session(folder, log, *options, "--seconds", 0)
    assert len(begun(log)) <= 50
    known, unknown = float(said.split()[4]), int(said.split()[6])
    assert known + 0.01 * unknown <= 0.5 + 1e-9
    with create(folder, 0.01) as run:
        assert not [problem for problem in run.verify() if problem.grave]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_keeps_every_call_that_was_sent(tmp_path: Path, kill):
    folder, log = tmp_path / "run", tmp_path / "log"
    said = session(folder, log, "--price", 0.01, "--captions", 200, "--seconds", 0.2, kill=kill, after=20)
    sent = begun(log)
    assert said.startswith("ready\ninterrupted True")
    assert 20 <= len(sent) < 200
    assert stored(folder, 200) == set(sent)
    assert f"known {0.01 * len(sent):.2f} unknown 0" in said
