from pathlib import Path

import pytest

from telephone.core import settings
from telephone.core.errors import UsageError
from telephone.models.api.keys import find_key


def test_defaults_and_what_the_environment_says(monkeypatch):
    for name in ("RUNS", "CACHE", "THREADS", "WEIGHTS"):
        monkeypatch.delenv(f"TELEPHONE_{name}", raising=False)
    assert settings.load().runs_dir == Path("runs")
    assert settings.load().threads is None
    monkeypatch.setenv("TELEPHONE_RUNS", "/elsewhere")
    monkeypatch.setenv("TELEPHONE_THREADS", "2")
    assert settings.load().runs_dir == Path("/elsewhere")
    assert settings.load().threads == 2


@pytest.mark.parametrize("wrong", ["0", "-1", "two"])
def test_a_wrong_number_of_threads_is_told(monkeypatch, wrong):
    monkeypatch.setenv("TELEPHONE_THREADS", wrong)
    with pytest.raises(UsageError, match="TELEPHONE_THREADS"):
        settings.load()


NAMES = ("RUNS", "CACHE", "THREADS", "WEIGHTS", "KEYS", "ASK_ABOVE")


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_variable_is_unset(monkeypatch, empty):
    for name in NAMES:
        monkeypatch.delenv(f"TELEPHONE_{name}", raising=False)
    unset = settings.load()
    for name in NAMES:
        monkeypatch.setenv(f"TELEPHONE_{name}", empty)
    assert settings.load() == unset
    assert (unset.runs_dir, unset.threads, unset.weights_dir, unset.ask_above) == (Path("runs"), None, None, 1.0)


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    for name in ("RUNS", "CACHE", "WEIGHTS", "KEYS"):
        monkeypatch.setenv(f"TELEPHONE_{name}", f"~/{name}")
    found = settings.load()
    assert found.runs_dir == Path("/home/ada/RUNS")
    assert (found.cache_dir, found.weights_dir) == (Path("/home/ada/CACHE"), Path("/home/ada/WEIGHTS"))
    assert found.keys_file == Path("/home/ada/KEYS")


def test_without_a_home_folder_there_is_no_cache_and_no_key_file(monkeypatch):
    def homeless(name):
        raise RuntimeError("could not determine the home directory")

    for name in ("CACHE", "KEYS"):
        monkeypatch.delenv(f"TELEPHONE_{name}", raising=False)
    monkeypatch.setattr(settings.platformdirs, "user_cache_dir", homeless)
    monkeypatch.setattr(settings.platformdirs, "user_config_dir", homeless)
    assert (settings.load().cache_dir, settings.load().keys_file) == (None, None)
    assert find_key("openai") is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours(monkeypatch, variables, expected):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert settings.colours() is expected
