"""Streams and names as a system may give them: encodings, closed and full streams, other bytes, no home folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import telephone

pytestmark = pytest.mark.skipif(os.name == "nt", reason="streams and names of POSIX")
PLAY = ("play", "--t2i", "fake/painter", "--i2t", "fake/captioner", "--turns", "1", "--embedder", "fake/embedder")
WORDS = " ".join(PLAY)
SOURCE = str(Path(telephone.__file__).parents[1])
PROMPT = "A red boat — 一只狗 🚗"


def shell(folder, command, **variables):
    """Runs a command of a shell in which `telephone` is this one; returns it with bytes."""
    words = f'telephone() {{ {sys.executable} -m telephone "$@"; }}; {command}'
    environment = {**os.environ, "PYTHONPATH": SOURCE, **variables}
    return subprocess.run(["bash", "-c", words], cwd=folder, env=environment, capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a run of one game, whose prompt has characters that few encodings have."""
    made = tmp_path_factory.mktemp("streams")
    (made / "one.txt").write_text(f"{PROMPT}\n", encoding="utf-8")
    done = shell(made, f"telephone {WORDS} --prompts one.txt --no-report --out run")
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_cannot_be_printed_is_replaced(folder, encoding):
    done = shell(folder, "telephone show run && telephone show run --json >json", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode(encoding)
    assert "A red boat" in shown
    assert "??? ?" in shown
    (game,) = json.loads((folder / "json").read_bytes())["games"]
    assert game["prompt"] == PROMPT
    assert (folder / "json").read_bytes().isascii()


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "2>/dev/full"])
def test_a_closed_stream_ends_nothing(folder, closed):
    """Nor is anything written into a file that has got the number of the closed stream."""
    play = f"telephone {WORDS} --prompts one.txt --no-report --out 'again{len(closed)}'"
    done = shell(folder, f"{play} {closed}; echo $? >rc; telephone verify 'again{len(closed)}'")
    assert (folder / "rc").read_text() == "0\n"
    assert b"is intact" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("command", ["show run", "show run --json"])
def test_a_full_disk_for_what_is_printed(folder, command):
    done = shell(folder, f"telephone {command} >/dev/full")
    assert done.returncode == 1
    assert b"could not be written" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Unexpected" not in done.stderr


def test_a_reader_that_ends_early_is_no_error(folder):
    assert shell(folder, "telephone players | head -n 1").stderr == b""


@pytest.mark.slow
def test_names_that_are_not_utf_8(folder):
    name = b"caf\xe9"
    (folder / os.fsdecode(name + b".txt")).write_bytes((folder / "one.txt").read_bytes())
    command = f"{WORDS} --prompts $'caf\\xe9.txt' --out $'caf\\xe9'"
    done = shell(folder, f"telephone {command} && telephone show $'caf\\xe9' --json >json")
    assert done.returncode == 0, done.stderr
    assert b"Games:  telephone show 'caf\xe9'\n" in done.stdout
    page = (folder / os.fsdecode(name) / "report.html").read_text(encoding="utf-8")
    assert "missing or damaged" not in page
    for form in ("csv", "jsonl", "parquet", "datasets"):
        assert shell(folder, f"telephone export $'caf\\xe9' --to {form} -o out-{form}").returncode == 0


def test_hints_are_words_of_a_shell(cli, tmp_path):
    (tmp_path / "one.txt").write_text("A red boat.\n")
    done = cli(*PLAY, "--prompts", "one.txt", "--no-report", "--out", "my runs/a b")
    assert "Games:  telephone show 'my runs/a b'" in done.stdout
    assert "telephone show 'my runs/a b' " in cli("show", "my runs/a b").stdout
    assert "`telephone show 'my runs/a b'`" in cli("show", "my runs/a b", "ffffff").stderr


HOMELESS = """
import pwd, sys

def unknown(uid):
    raise KeyError(uid)

pwd.getpwuid = unknown
sys.argv[0] = "telephone"
from telephone.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [[*PLAY, "--prompts", "one.txt", "--out", "homeless"], ["doctor"], ["prompts"]])
def test_a_user_without_a_home_folder(folder, words):
    """No HOME, and no entry in the user database, as in many containers."""
    done = subprocess.run(
        [sys.executable, "-c", HOMELESS, *words], cwd=folder, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": SOURCE},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, "rror" in done.stderr) == (0, False), done.stderr
    assert words != ["doctor"] or "the user has no home folder" in done.stdout


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_colours_on_a_terminal(tmp_path, variables):
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"} | variables
    for words in (["show", "nothing"], ["--help"]):
        subprocess.run(
            [sys.executable, "-m", "telephone", *words], cwd=tmp_path, env=environment | {"PYTHONPATH": SOURCE},
            stdin=slave, stdout=slave, stderr=slave, timeout=60, check=False,
        )  # fmt: skip
    os.close(slave)
    found = b""
    while b"shows the options of a command." not in found:
        found += os.read(master, 100_000)
    os.close(master)
    assert b"There is no run in nothing" in found
    assert (b"\x1b[" in found) == (not variables)
