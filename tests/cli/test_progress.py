"""What a waiting person is told."""

import time

import pytest

from telephone.battle import GameEnded, HopDone, ModelReady, Started
from telephone.cli import progress
from telephone.cli.leaderboard_tables import print_boards
from telephone.cli.progress import Bars, Lines
from telephone.cli.throughput import ThroughputEstimate
from telephone.core.records import Artefact, Call, Hop, Outcome, Request
from telephone.pipeline import JudgeProgress


def hop_done(number, total=40):
    request = Request("fake/painter", "print", "text2image", (Artefact("text", b"a"),), 0, "key")
    return HopDone(Hop("g", 0, Call(request, Outcome.OK)), "abcdef", number, total)


def events():
    yield Started(10, 40, 4)
    yield ModelReady("fake/painter")
    yield hop_done(11)
    yield hop_done(12)
    yield GameEnded("abcdef", "failed", 1, 4)


def test_pace_counts_from_where_the_run_was_taken_up(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pace = ThroughputEstimate()
    pace.take(Started(10, 40, 4))
    pace.take(ModelReady("fake/painter"))
    assert pace.words == "loading fake/painter"
    now[0] += 2
    pace.take(hop_done(11))
    pace.take(hop_done(14))
    assert pace.words == "2 hops/s, 0:13 left"
    pace.take(GameEnded("abcdef", "refused", 1, 4))
    assert (pace.games, pace.words) == (1, "2 hops/s, 0:13 left, 1 refused")


def test_lines_are_written_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    lines = Lines()
    for event in events():
        lines.event(event)
    lines.event(JudgeProgress("facts", 3, 9))
    out, err = capsys.readouterr()
    assert out == ""
    assert "games 1/4, hops 12/40" in err
    assert "facts: 3/9" in err


def test_a_short_run_writes_no_lines(capsys):
    lines = Lines()
    for event in events():
        lines.event(event)
    assert capsys.readouterr().err == ""


@pytest.mark.filterwarnings("error")
def test_bars_follow_the_events():
    bars = Bars()
    for event in events():
        bars.event(event)
    bars.event(JudgeProgress("facts", 3, 9))
    bars.close()
    games, hops, facts = bars.progress.tasks
    assert (games.completed, games.total) == (1, 4)
    assert (hops.completed, hops.total) == (12, 40)
    assert (facts.description, facts.completed, facts.total) == ("facts", 3, 9)


def frame(t2i, i2t):
    import pandas as pd

    rows = [
        {
            "game": f"{a}{b}{p}", "prompt_id": f"p{p}", "level": "easy", "t2i_model": a, "i2t_model": b,
            "step_number": 0, "outcome": "ok", "text_after_dist": 0.1 * p + 0.2 * (a == "bad"), "repeat": 0,
        }
        for a in t2i for b in i2t for p in range(1, 5)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("t2i", "i2t", "shown"),
    [
        (["good", "bad"], ["one", "two"], ["Text-to-image models", "Image-to-text models", "Pairs"]),
        (["good", "bad"], ["one"], ["Text-to-image models"]),
        (["good"], ["one", "two"], ["Image-to-text models"]),
        (["good"], ["one"], ["Pairs"]),
    ],
)
def test_boards_that_would_say_the_same_are_shown_once(capsys, t2i, i2t, shown):
    from telephone.analysis import summarise_frame

    print_boards(summarise_frame(frame(t2i, i2t)))
    told = capsys.readouterr().out
    titles = [name for name in ("Text-to-image models", "Image-to-text models", "Pairs") if f"{name}  cosine" in told]
    assert titles == shown
    if len(t2i) == 2:
        lines = told.splitlines()
        first = next(line.split() for line in lines if line.strip().startswith("1 "))
        assert first[:2] == ["1", "good"]
        assert "0.25" in first
        assert first[-1] == "100%"  # better on every prompt, so first in every resampled battle
        assert "the share of resampled battles" in told
