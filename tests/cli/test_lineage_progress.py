"""What is printed while the lineage runs."""

import time

import pytest

from telephone.cli import lineage_progress
from telephone.cli.lineage_progress import LineageLines, TimeLeft, share_done, words_of
from telephone.pipeline import LineageProgress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_the_time_left_counts_operations_alike_and_the_steps_of_one_alone(clock):
    page = TimeLeft()
    clock[0] += 30
    assert page.words(LineageProgress("vary", 0, 4)) == ""
    assert page.words(LineageProgress("vary", 1, 4, 1, 2, "pictures")) == "0:50 left"
    one = TimeLeft()
    assert one.words(LineageProgress("vary", 0, 1, 0, 8, "calls")) == ""
    clock[0] += 10
    assert one.words(LineageProgress("vary", 0, 1, 2, 8, "calls")) == "0:30 left in this step"
    assert one.words(LineageProgress("vary", 0, 1, 1, 8, "readings")) == ""


def test_lines_name_each_operation_and_no_more_than_one_step_every_few_seconds(clock, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(lineage_progress, "note", said.append)
    lines = LineageLines()
    lines.show(LineageProgress("vary", 0, 2))
    for done in range(9):
        lines.show(LineageProgress("vary", 0, 2, done, 8, "calls"))
    clock[0] += 6
    lines.show(LineageProgress("vary", 0, 2, 8, 8, "calls"))
    lines.show(LineageProgress("edit", 1, 2))
    assert said == ["1/2 vary", "1/2 vary: calls 8/8, 0:06 left", "2/2 edit, 0:06 left"]


def test_the_share_is_never_above_one():
    assert share_done(LineageProgress("vary", 1, 2, 9, 8, "calls")) == 1.0
    assert words_of(LineageProgress("vary", 0, 1, 9, 8, "calls")) == "vary: calls 9/8"
