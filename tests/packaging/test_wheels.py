"""Both wheels, built and installed alone into a fresh environment outside the repository: play, judge, report.

Needs the package index and about two minutes, so it runs by `make test-wheels` and not with the other tests.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_MAIN_WHEEL = 3 * 10**6
"""Bytes."""
BATTLE = ("--t2i", "pocket/vqgan-clip", "--i2t", "pocket/blip", "--level", "easy", "--turns", "2")

pytestmark = pytest.mark.wheels


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The main wheel and the weights' wheel."""
    folder = tmp_path_factory.mktemp("dist")
    for source in (ROOT, ROOT / "weights"):
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--wheel-dir", str(folder), str(source)], check=True, capture_output=True)
    (main,) = folder.glob("ai_telephone-*.whl")
    (weights,) = folder.glob("ai_telephone_pocket-*.whl")
    return main, weights


@pytest.fixture(scope="module")
def environment(wheels: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds both wheels and what they depend on, nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, *map(str, wheels)], check=True, capture_output=True)
    return folder / "bin"


def telephone(environment: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder outside the repository, without variables that point into it."""
    env = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV") and not k.startswith("TELEPHONE")
    }
    command = [str(environment / "telephone"), *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_main_wheel_is_small_and_holds_no_weights(wheels: tuple[Path, Path]) -> None:
    main, weights = wheels
    assert main.stat().st_size < MAX_MAIN_WHEEL
    assert not [name for name in zipfile.ZipFile(main).namelist() if name.endswith(".safetensors")]
    assert len([name for name in zipfile.ZipFile(weights).namelist() if name.endswith(".safetensors")]) >= 16


def test_the_installed_wheels_play_judge_and_report(environment: Path, tmp_path: Path) -> None:
    played = telephone(environment, tmp_path, "play", *BATTLE, "--out", "run", "--json")
    assert played.returncode == 0, played.stderr
    found = json.loads(played.stdout)
    assert found["failed"] == 0
    assert any(judge.startswith("distance by use/multilingual") for judge in found["judges"])
    judged = telephone(environment, tmp_path, "judge", "run", "--embedder", "pocket/clip")
    assert judged.returncode == 0, judged.stderr
    assert telephone(environment, tmp_path, "report", "run").returncode == 0
    assert "<svg" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert telephone(environment, tmp_path, "verify", "run").returncode == 0
    assert "pocket/stable-diffusion" in telephone(environment, tmp_path, "players").stdout


def test_without_the_weights_every_message_names_the_command_that_installs_them(
    environment: Path, tmp_path: Path
) -> None:
    python = str(environment / "python")
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "ai-telephone-pocket"], check=True)
    played = telephone(environment, tmp_path, "play", *BATTLE, "--out", "run")
    assert played.returncode != 0
    assert "pip install ai-telephone-pocket" in played.stderr
    assert "Traceback" not in played.stderr
    assert "pip install ai-telephone-pocket" in telephone(environment, tmp_path, "doctor").stdout
