"""Tables on narrow screens: names and numbers are whole, and no line is wider than the screen."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from telephone.cli.bars import bar
from telephone.cli.output import plain
from telephone.cli.table_layout import fitted, print_records
from telephone.cli.tables import table

NAMES = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
WORDS = st.text(st.characters(codec="ascii", categories=["L", "Zs"]), max_size=120)
LONG = "fake/captioner?batch=16&loss=0.1"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, WORDS), min_size=1, max_size=4), st.integers(45, 160), st.booleans())
def test_names_are_whole_and_lines_fit(rows, width, cut):
    made = table("game", "score", "model", "prompt", numbers=("score",), names=("game", "model"))
    if cut:
        made.columns[3].ratio, made.columns[3].no_wrap, made.columns[3].overflow = 1, True, "ellipsis"
    for game, model, words in rows:
        made.add_row(plain(game), "0.123", plain(model), plain(words))
    screen = Console(file=io.StringIO(), width=width, color_system=None)
    if fitted(made, width):
        screen.print(made)
    else:
        print_records(made, 1, screen)
    lines = screen.file.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
    for game, model, _ in rows:
        assert any(game in line for line in lines)
        assert any(model in line for line in lines)
    assert sum("0.123" in line for line in lines) >= len(rows)


def test_a_name_wider_than_the_screen_goes_on_in_the_next_line():
    made = table("model", names=("model",))
    made.add_row("x" * 90)
    screen = Console(file=io.StringIO(), width=40)
    assert not fitted(made, 40)
    print_records(made, 1, screen)
    assert screen.file.getvalue().split() == ["x" * 40, "x" * 40, "x" * 10]


@pytest.fixture
def run(cli):
    words = ("--t2i", "fake/painter,fake/painter?loss=0.3", "--i2t", LONG, "--embedder", "fake/embedder")
    done = cli("play", *words, "--level", "easy", "--turns", "1", "--no-report", "--out", "a run with a long name")
    assert done.exit_code == 0, done.output
    return "a run with a long name"


@pytest.mark.parametrize("width", [80, 60])
def test_commands_fit(cli, run, monkeypatch, width):
    """With COLUMNS set: every row of `show`, the boards of `leaderboard` and `play`, and the lists."""
    monkeypatch.setenv("COLUMNS", str(width))
    games = json.loads(cli("show", run, "--json").stdout)["games"]
    shown = cli("show", run).stdout
    for game in games:
        assert game["name"] in shown
    assert shown.count(LONG) == len(games)
    again = cli("play", "--t2i", "fake/painter,fake/painter?loss=0.3", "--i2t", LONG, "--embedder", "fake/embedder",
                "--level", "easy", "--turns", "1", "--no-report", "--out", run).stdout  # fmt: skip
    for text in (again, cli("leaderboard", ".").stdout):
        assert "fake/painter?loss=0.3" in text
        assert "█" in text
    boards = again[: again.index("Below means")] + shown[: shown.index("games of")]
    tables = [line for line in boards.splitlines() if "less is better" not in line and "more is better" not in line]
    assert max(map(len, tables)) <= width
    for words in (("prompts",), ("prompts", "pocket"), ("players",)):
        assert "…" not in cli(*words).stdout


@pytest.mark.parametrize(
    ("value", "largest", "expected"),
    [(1.0, 1.0, "████"), (0.5, 1.0, "██"), (0.53, 1.0, "██▏"), (0.0, 1.0, ""), (2.0, 1.0, "████"), (-1.0, 1.0, "")],
)
def test_bars(value, largest, expected):
    assert bar(value, largest, 4) == expected
    assert bar(value, largest, 4, "ascii") == "#" * expected.count("█")


def test_a_bar_of_what_is_no_number_is_empty():
    assert bar(float("nan"), 1.0, 4) == bar(0.3, 0.0, 4) == bar(0.3, float("nan"), 4) == ""
