"""A package of somebody else's: built, installed, found, played with and served like any other."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from plugging import SOURCE, install

from telephone.store import Run

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return install(tmp_path_factory.mktemp("plugin"))


def telephone(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "PYTHONPATH": str(site)}
    code = "from telephone.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *words], env=env, cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_commands_of_the_tutorial_work_as_they_are_written(site, tmp_path):
    page = (ROOT / "docs" / "add-a-model.md").read_text(encoding="utf-8")
    part = page.partition("## For `telephone play`: a package")[2].partition("\n## ")[0]
    commands = re.findall(r"^    telephone (.*)$", part, re.MULTILINE)
    assert len(commands) >= 4
    said = {}
    for command in commands:
        done = telephone(site, tmp_path, *shlex.split(command))
        assert done.returncode == 0, f"{command}: {done.stderr}"
        said[command.split()[0]] = done.stdout
    assert "stripes/weaver" in said["players"]
    assert said["tell"] == "A red boat by a tree.\n"


def test_the_tutorial_shows_the_package_as_it_is():
    page = (ROOT / "docs" / "add-a-model.md").read_text(encoding="utf-8")
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py")))
    own = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "stripes" in block]
    assert own
    for block in own:
        for piece in re.split(r"\n{2,}", block.strip()):
            assert piece.strip() in code, f"the page and tests/plugin differ:\n{piece}"
    assert '[project.entry-points."telephone.models"]\nstripes = "stripes.models:provider"' in page


def test_it_loses_nothing_unless_its_hand_is_loose(site, tmp_path):
    done = telephone(
        site, tmp_path, "play", "--t2i", "stripes/weaver,stripes/weaver?slips=0.2", "--i2t", "stripes/reader",
        "--turns", "2", "--level", "easy", "--embedder", "fake/embedder", "--no-report", "--out", "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with Run.open(tmp_path / "run") as run:
        last = run.frame().groupby(["t2i_model", "prompt"]).last()["text_after"]
    told = {
        model: [text.lower() == prompt.lower() for (one, prompt), text in last.items() if one == model]
        for model, _ in last.index
    }
    assert sorted(all(same) for same in told.values()) == [False, True]


def test_wrong_options_and_empty_cloths_are_told(site, tmp_path):
    wrong = telephone(site, tmp_path, "draw", "stripes/weaver?height=99", "x")
    assert (wrong.returncode, "whole number from 1 to 16" in wrong.stderr) == (2, True)
    from PIL import Image

    Image.new("RGB", (64, 64), tuple(_space())).save(tmp_path / "empty.png")
    empty = telephone(site, tmp_path, "tell", "stripes/reader", "empty.png")
    assert (empty.returncode, "holds no letters" in empty.stderr) == (1, True)


def _space() -> list[int]:
    sys.path.insert(0, str(SOURCE / "src"))
    try:
        from stripes.cloth import COLOURS, UNKNOWN
    finally:
        sys.path.remove(str(SOURCE / "src"))
    return [int(value) for value in COLOURS[UNKNOWN]]
