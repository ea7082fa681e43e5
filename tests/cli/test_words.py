"""What a person types, and what is made of it."""

import json
import math

import pytest

from telephone.cli.formatting import clock, counted, short, visible
from telephone.cli.output import print_json
from telephone.cli.parsing import levels, refs
from telephone.core.errors import UsageError
from telephone.pipeline.paths import free_path, slug


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["fake/a,fake/b", "fake/c"], ("fake/a", "fake/b", "fake/c")),
        (["fake/a, fake/b,"], ("fake/a", "fake/b")),
        (["fake/a?x=1,2,fake/b"], ("fake/a?x=1,2", "fake/b")),
        (["fake/a", "fake/a"], ("fake/a",)),
        (["a,b"], ("a", "b")),
        ([], ()),
    ],
)
def test_refs(given, expected):
    assert refs(given) == expected


def test_levels_come_in_their_order():
    assert levels(["Hard,easy", "easy"]) == ("easy", "hard")


def test_a_strange_level():
    with pytest.raises(UsageError, match="'hrad' is no level: use one of easy, medium, hard, impossible"):
        levels(["hrad"])


def test_slug():
    assert slug("A red apple, on a beach!") == "a-red-apple-on-a-beach"
    assert slug("../../etc/passwd") == "etc-passwd"
    assert len(slug("word " * 50)) <= 40
    assert slug("…") == ""


def test_free_path(tmp_path):
    first = tmp_path / "a.png"
    assert free_path(first) == first
    first.touch()
    (tmp_path / "a-2.png").touch()
    assert free_path(first) == tmp_path / "a-3.png"


def test_small_words():
    assert (counted(1, "game"), counted(1200, "hop")) == ("1 game", "1,200 hops")
    assert (clock(45), clock(7390)) == ("0:45", "2:03:10")
    assert short("one two three", 8) == "one two…"


def test_a_text_cannot_move_the_cursor():
    assert visible("a\x1b[2Jb\nc") == "a·[2Jb c"


def test_json_has_no_nan(capsys):
    import numpy as np

    print_json({"a": math.nan, "b": [np.float32(0.5), np.int64(2)], "c": (None, "é")})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [0.5, 2], "c": [None, "é"]}
