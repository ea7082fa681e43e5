"""Old names of modules and classes give a message with the new name."""

import importlib
import runpy
import subprocess
import sys

import pytest

from telephone import _moved


@pytest.mark.parametrize("old", sorted(_moved.MODULES))
def test_an_old_module_states_its_new_home(old):
    home = _moved.MODULES[old].partition(" ")[0]
    with pytest.raises(ModuleNotFoundError, match=f"{old} is now {home}"):
        importlib.import_module(old)
    importlib.import_module(home)


def test_imports_as_they_stand_in_scripts():
    with pytest.raises(ModuleNotFoundError, match="telephone.players is now telephone.models"):
        from telephone.players import Player  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="telephone.players is now telephone.models"):
        import telephone.players.remote.wire  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="No module named 'telephone.nothing'"):
        import telephone.nothing  # noqa: F401


@pytest.mark.parametrize(("module", "old"), [(module, old) for module, names in _moved.NAMES.items() for old in names])
def test_an_old_name_states_its_new_one(module, old, tmp_path):
    script = tmp_path / "old_import.py"
    script.write_text(f"from {module} import {old}\n")
    home = importlib.import_module(module)
    new = _moved.NAMES[module][old]
    assert getattr(home, new) is not None
    with pytest.raises(ImportError, match=rf"{module}\.{old} is now {new}"):
        runpy.run_path(str(script))


def test_other_names_are_attribute_errors():
    import telephone.store

    assert not hasattr(telephone.store, "Nothing")
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        from telephone.store import Nothing  # noqa: F401


def test_the_finder_is_installed_once():
    code = "import sys; from telephone import _moved; _moved.install(); print(sys.meta_path.count(_moved._Finder))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "1\n"
