"""Builds and installs the example package of tests/plugin into a folder of its own, without a network."""

import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "plugin"


def install(folder: Path) -> Path:
    """Returns a folder to put on the path of another Python, in which `telephone-stripes` is installed."""
    copy = folder / "source"  # the build leaves files behind
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "dist", "build"))
    there = folder / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run(
        [*command, "--no-deps", "--no-build-isolation", "--target", str(there), str(copy)],
        check=True,
        capture_output=True,
        text=True,
    )
    return there
