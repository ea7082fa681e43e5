"""`docs/add-a-net.md` does what it says: its files are added to a copy of the package, and its commands are run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import telephone

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[3] / "docs" / "add-a-net.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def source(page, tmp_path_factory) -> Path:
    """Returns the `src` folder of a copy of the package to which the files of the page are added."""
    folder = tmp_path_factory.mktemp("net")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(telephone.__file__).parent, folder / "src" / "telephone", ignore=ignored)
    files = re.findall(r"```python\n# (src/\S+\.py)\n(.*?)```", page, re.DOTALL)
    assert [Path(name).parent.name for name, _ in files] == ["nets", "train", "pocket"]
    for name, code in files:
        (folder / name).write_text(code, encoding="utf-8")
    catalogue = folder / "src" / "telephone" / "models" / "pocket" / "catalogue.py"
    imported, declared = re.search(r"```\n(    \w+,\n)(    \w+\.NET,\n)```", page).groups()
    text = catalogue.read_text(encoding="utf-8")
    text = text.replace("    stable_diffusion,\n", imported + "    stable_diffusion,\n", 1)
    text = text.replace("    clip.NET,\n", declared + "    clip.NET,\n", 1)
    catalogue.write_text(text, encoding="utf-8")
    return folder / "src"


def test_the_commands_of_the_page_work_as_they_are_written(page, source, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(source), "PYTHONWARNINGS": "ignore"}
    outputs = {}
    for command in re.findall(r"^    ((?:telephone|export) .*)$", page, re.MULTILINE):
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            env[name] = value
            continue
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        outputs[command] = done.stdout
    lines = list(outputs.values())
    assert "pocket/setting-caption" in lines[0]
    assert "beach" in lines[3].lower()
    assert lines[4] == lines[3].upper()


def test_the_declaration_alone_makes_the_net_known(source):
    code = (
        "from telephone.models.rosters import load_roster\n"
        "from telephone.train import RECIPES\n"
        "from telephone.doctor.files import check_pocket_weights\n"
        "print('pocket/setting-caption' in load_roster('pocket').refs('image2text'))\n"
        "print(RECIPES['setting-caption'])\n"
        "found = check_pocket_weights(frozenset())\n"
        "print([each.state for each in found if each.name == 'pocket/setting-caption'])\n"
    )
    env = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True", "telephone.train.setting_caption", "['lacks']"]
