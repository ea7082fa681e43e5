from pathlib import Path

import pytest

from telephone.core import settings
from telephone.core.errors import UsageError


def test_defaults_and_what_the_environment_says(monkeypatch):
    for name in ("RUNS", "CACHE", "THREADS", "WEIGHTS"):
        monkeypatch.delenv(f"TELEPHONE_{name}", raising=False)
    assert settings.load().runs_dir == Path("runs")
    assert settings.load().threads is None
    monkeypatch.setenv("TELEPHONE_RUNS", "/elsewhere")
    monkeypatch.setenv("TELEPHONE_THREADS", "2")
    assert settings.load().runs_dir == Path("/elsewhere")
    assert settings.load().threads == 2


@pytest.mark.parametrize("wrong", ["0", "-1", "two", ""])
def test_a_wrong_number_of_threads_is_told(monkeypatch, wrong):
    monkeypatch.setenv("TELEPHONE_THREADS", wrong)
    with pytest.raises(UsageError, match="TELEPHONE_THREADS"):
        settings.load()
