"""Runs that are tiny, failed, refused or unscored: every command that reads them ends with a sentence and a result."""

import json
import re
import shutil

import pytest
from PIL import Image

from telephone.battle import begin
from telephone.pipeline import BattleConfig

FILES = {
    "one": [{"text": "A red boat on a beach.", "level": "easy"}],
    "two": [{"text": "A red boat on a beach.", "level": "easy"}, {"text": "A blue cat.", "level": "easy"}],
    "uncountable": [{"text": "The quarterly report is late."}, {"text": "Xyzzy plugh."}],
    "partly": [{"text": "A red boat on a beach."}, {"text": "The quarterly report is late."}],
    "mixed": [
        {"text": "A red boat on a beach.", "level": "easy"},
        {"text": "A blue cat.", "image": "a.png", "level": "easy"},
        {"text": "A sea.", "image": "b.png", "level": "hard"},
    ],
}
PLAYERS = {
    "alone": ("fake/painter", "fake/captioner?loss=0.2"),
    "four": ("fake/painter,fake/painter?loss=0.1", "fake/captioner,fake/captioner?loss=0.3"),
    "undescribed": ("fake/painter", "fake/captioner?fail=1"),
    "undrawn": ("fake/painter?fail=1", "fake/captioner"),
    "refused": ("fake/painter,fake/painter?loss=0.1", "fake/captioner?refuse=1"),
    "half": ("fake/painter,fake/painter?fail=0.6", "fake/captioner,fake/captioner?fail=0.6"),
}
QUICK = [
    ("two", "alone", 1), ("pocket-images", "alone", 1), ("two", "undescribed", 2), ("mixed", "undrawn", 1),
    ("partly", "four", 2), ("one", "refused", 1), ("two", "half", 2),
]  # fmt: skip
"""Prompts, models and turns of the runs that each test session plays."""
ALL = [(prompts, players, turns) for prompts in (*FILES, "pocket-images", "article") for players in PLAYERS
       for turns in (1, 2)]  # fmt: skip
PLAYED = [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in ALL if case not in QUICK)]


@pytest.fixture
def ends(cli):
    """Runs a command that may fail, but not unexpectedly; returns what it wrote."""

    def run(*words):
        done = cli(*words)
        said = done.stdout + done.stderr
        assert done.exit_code in (0, 1) and "Unexpected error" not in said, (words, said)
        return done.stdout

    return run


@pytest.fixture
def prompts(tmp_path):
    """Prompt files in the current folder."""
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (64, 64), colour).save(tmp_path / f"{name}.png")
    for name, rows in FILES.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")


@pytest.mark.parametrize(("name", "players", "turns"), PLAYED)
def test_every_command_survives_an_odd_run(ends, prompts, tmp_path, name, players, turns):
    t2i, i2t = PLAYERS[players]
    source = f"{name}.jsonl" if name in FILES else name
    models = ("--t2i", t2i, "--i2t", i2t, "--prompts", source, "--turns", turns)
    ends("play", *models, "--embedder", "fake/embedder", "--out", "run", "--yes")
    assert (tmp_path / "run/report.html").is_file()
    ends("judge", "run", "--embedder", "fake/embedder")
    (tmp_path / "run/report.html").unlink()
    ends("report", "run")
    shutil.copytree(tmp_path / "run", tmp_path / "again")
    shown = json.loads(ends("show", "run", "--json"))["games"]
    ends("show", "run")
    ends("show", "run", shown[0]["name"], "--strip", "s.png")
    ends("compare", "run", "again")
    ends("leaderboard", ".")
    ends("film", "run", "--grids", "--as", "gif")
    ends("export", "run", "--to", "csv", "-o", "run.csv")
    page = (tmp_path / "run/report.html").read_text()
    assert "Unexpected" not in page and ">nan" not in page.lower() and "nan&nbsp;" not in page.lower()
    if players in ("undescribed", "undrawn", "refused"):
        assert len(re.findall("Not settled by this run", page)) == 3
        assert "cannot be determined" in page


def test_a_run_without_a_call_can_be_judged_and_reported(ends, cli, tmp_path):
    config = BattleConfig(t2i=("fake/painter",), i2t=("fake/captioner",), levels=("easy",), turns=2)
    begin(tmp_path / "run", config.spec()).close()
    ends("judge", "run", "--embedder", "fake/embedder")
    ends("report", "run")
    ends("leaderboard", ".")
    ends("show", "run")
    assert "cannot be determined" in (tmp_path / "run/report.html").read_text()
