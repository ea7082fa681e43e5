"""Ctrl-C at the moments when little is left to do: the last call of a run, judging, and the report."""

import os
import signal
import threading

import pytest

from telephone.pipeline import JudgeProgress, playing

ONE = ("--t2i", "fake/painter", "--prompts", "one.txt", "--turns", "1", "--embedder", "fake/embedder", "--out", "run")


@pytest.fixture
def one(cli, tmp_path):
    """The command line, in a folder with a file of one prompt."""
    (tmp_path / "one.txt").write_text("A red boat.\n")
    return cli


def _assert_stopped_then_resumed(cli, stopped):
    assert stopped.exit_code == 130, stopped.output
    assert "Stopped. Continue with: telephone resume run" in stopped.stderr
    assert "Report:" not in stopped.stdout
    rest = cli("resume", "run", "--embedder", "fake/embedder")
    assert rest.exit_code == 0, rest.output
    assert "1 game: 1 done" in rest.stdout
    assert "Report: run/report.html" in rest.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_last_call(one, monkeypatch, number):
    """What the call gives is kept, and neither judging nor a report follows."""
    original = playing.battles.play

    def play(run, **options):
        # One second is inside the call of the describing model; the drawing one takes no time.
        timer = threading.Timer(1.0, os.kill, (os.getpid(), number))
        timer.start()
        try:
            return original(run, **options)
        finally:
            timer.cancel()  # a late signal would end whatever runs next

    with monkeypatch.context() as patch:
        patch.setattr(playing.battles, "play", play)
        stopped = one("play", *ONE, "--i2t", "fake/captioner?delay=2")
    assert not os.path.exists("run/report.html")
    _assert_stopped_then_resumed(one, stopped)


def test_while_it_is_judged(one, monkeypatch):
    def callback(progress):
        def interrupted(name, done, total):
            progress(JudgeProgress(name, done, total))
            os.kill(os.getpid(), signal.SIGINT)

        return interrupted

    with monkeypatch.context() as patch:
        patch.setattr(playing, "judge_callback", callback)
        stopped = one("play", *ONE, "--i2t", "fake/captioner")
    _assert_stopped_then_resumed(one, stopped)


def test_while_the_report_is_written(one, monkeypatch):
    import telephone.report

    def interrupted(*given, **named):
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(telephone.report, "write_report", interrupted)
        stopped = one("play", *ONE, "--i2t", "fake/captioner")
    _assert_stopped_then_resumed(one, stopped)
