"""The command line in this process, in an empty folder, with players that cost nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from telephone.cli import app

Cli = Callable[..., Any]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs `telephone` with the given words; the current folder is `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    for name in ("TELEPHONE_RUNS", "TELEPHONE_WEIGHTS", "TELEPHONE_THREADS"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    return run
