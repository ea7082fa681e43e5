"""What it costs to start, what `--help` shows, and how an error leaves the program."""

import subprocess
import sys

import pytest

import telephone
from telephone.cli.command_group import SECTIONS

HEAVY = {"torch", "transformers", "pandas", "matplotlib", "numpy", "PIL", "jinja2", "pyarrow", "scipy"}


def modules_after(code: str) -> set[str]:
    """Returns the top-level modules that a fresh Python has loaded after this code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_importing_the_package_costs_nothing():
    assert not modules_after("import telephone") & {*HEAVY, "typer", "rich", "importlib.metadata"}


def test_help_needs_nothing_heavy():
    lines = ["import sys", "sys.argv = ['telephone', '--help']", "from telephone.cli import main"]
    code = "\n".join([*lines, "try: main()", "except SystemExit: pass"])
    assert not modules_after(code) & HEAVY


def test_every_public_name_is_there_and_sorted():
    assert telephone.__all__ == sorted(telephone.__all__)
    for name in telephone.__all__:
        assert getattr(telephone, name) is not None
        assert name in dir(telephone)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="'telephone' has no attribute 'nobody'"):
        telephone.nobody  # noqa: B018


def test_the_public_names_are_those_of_their_rooms():
    from telephone.battle import PairRunner
    from telephone.models import text2image

    assert issubclass(telephone.TelephoneLine, PairRunner)
    assert telephone.text2image is text2image


def test_the_module_runs_like_the_command():
    done = subprocess.run([sys.executable, "-m", "telephone", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"telephone {telephone.__version__}\n")


def test_help_names_every_command(cli):
    from telephone.cli import app

    told = cli("--help").stdout
    names = {command.name for command in [*app.registered_commands, *app.registered_groups]}
    assert names == {name for section in SECTIONS.values() for name in section}
    for name in names:
        assert f"  {name} " in told


@pytest.mark.parametrize("name", sorted(name for section in SECTIONS.values() for name in section))
def test_every_command_has_help(cli, name):
    done = cli(name, "--help")
    assert done.exit_code == 0
    assert "Usage:" in done.stdout


def test_no_words_at_all_show_the_help(cli):
    done = cli()
    assert done.exit_code == 2
    assert "telephone play" in done.output


def test_an_unknown_command_is_wrong_use(cli):
    done = cli("ply")
    assert done.exit_code == 2
    assert "play" in done.stderr


def test_an_error_of_ours_is_one_sentence(cli):
    done = cli("draw", "fake/panter", "hello")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: There is no model 'fake/panter'. Did you mean fake/painter")
    assert "Traceback" not in done.stderr


def test_debug_shows_where_it_came_from(cli):
    done = cli("--debug", "draw", "fake/panter", "hello")
    assert type(done.exception).__name__ == "UnknownModel"


def test_an_error_that_nobody_foresaw_asks_for_debug(cli):
    done = cli("draw", "fake/broken?how=raise", "hello")
    assert done.exit_code == 1
    assert "run `telephone --debug draw` with the same options" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_environment_is_told(cli, monkeypatch):
    monkeypatch.setenv("TELEPHONE_THREADS", "many")
    done = cli("players")
    assert done.exit_code == 2
    assert "TELEPHONE_THREADS is 'many'" in done.stderr
