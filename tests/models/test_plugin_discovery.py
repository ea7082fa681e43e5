"""Broken packages of others: a note about that package, and everything else works."""

import os
import subprocess
import sys

import pytest

from telephone.core.errors import UsageError
from telephone.models import Registry


def provider(cards="return []", make="..."):
    """Returns the code of a module with a provider whose methods have these bodies."""
    return f"class P:\n def cards(self): {cards}\n def make(self, name, options): {make}\nprovider = P()"


PLUGINS = {
    "exits": "raise SystemExit(3)",
    "interrupts": "import sys; sys.exit('no licence')",
    "none": "provider = None",
    "number": "provider = 3",
    "aclass": provider().replace("provider = P()", "provider = P"),
    "cardless": provider("raise RuntimeError('no cards')"),
    "exiting-cards": provider("raise SystemExit"),
    "odd-cards": provider("return [1]"),
    "no-list": provider("return None"),
    "nameless": "x = 1",
}
MAKERS = {"exit": provider(make="raise SystemExit"), "error": provider(make="return 1 / 0")}
ENTRY_POINTS = {
    "no value": "[telephone.models]\nbroken\n",
    "no module": "[telephone.models]\nbroken = \n",
    "no section": "broken = a:b\n",
    "no text": "[telephone.models\n\0\0\n===\n",
    "odd value": "[telephone.models]\nbroken = a b c:: d\n",
    "bytes": b"[telephone.models]\n\xff\xfe = x:y\n",
}


def package(folder, name, code="", points=None):
    """Installs a package `name` with a module of this code into a folder."""
    module = name.replace("-", "_") + "_module"
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    text = f"[telephone.models]\n{name} = {module}:provider\n" if points is None else points
    (info / "entry_points.txt").write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("name", PLUGINS)
def test_a_provider_that_is_none_is_a_note(tmp_path, monkeypatch, name):
    package(tmp_path, name, PLUGINS[name])
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry()
    assert f"{name!r}" in registry.problems()[name]
    assert "package" in registry.problems()[name]
    assert "fake/painter" in [card.ref for card in registry.cards()]
    assert registry.text2image("fake/painter")
    assert registry.perfect_partner("fake/painter", "text2image")


@pytest.mark.parametrize("name", MAKERS)
def test_a_provider_that_cannot_make_a_model_is_an_error_of_that_model(tmp_path, monkeypatch, name):
    package(tmp_path, name, MAKERS[name])
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=f"provider '{name}' cannot make 'm'.*repair or reinstall"):
        Registry().load_model(f"{name}/m")


@pytest.mark.parametrize("case", ENTRY_POINTS)
def test_a_malformed_list_of_entry_points_stops_no_command(tmp_path, monkeypatch, case):
    package(tmp_path, "other", points=ENTRY_POINTS[case])
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry()
    assert registry.text2image("fake/painter")
    assert "oracle/renderer" in [card.ref for card in registry.cards()]
    assert all("package" in reason for reason in registry.problems().values())


@pytest.mark.slow
def test_players_and_doctor_list_everything_else(tmp_path):
    package(tmp_path, "exits", PLUGINS["exits"])
    package(tmp_path, "cardless", PLUGINS["cardless"])
    package(tmp_path, "malformed", points=ENTRY_POINTS["no value"])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    for command in ("players", "doctor"):
        done = subprocess.run(
            [sys.executable, "-m", "telephone", command], env=env, capture_output=True, text=True, check=False
        )
        shown = " ".join((done.stdout + done.stderr).split())
        assert "pocket/blip" in shown
        assert "exits" in shown
        assert "no cards" in shown
        assert "Traceback" not in shown
