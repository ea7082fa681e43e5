"""The two battles whose tables and summaries are kept: `python tests/golden/golden_battles.py` writes the files again.

Both go through the command line, so that the files do not depend on how the package is laid out.
"""

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).parent
BATTLES: dict[str, list[str]] = {
    "pocket": [
        *("--t2i", "pocket/stable-diffusion,pocket/vqgan-clip", "--i2t", "pocket/blip,pocket/clip-prefix"),
        *("--prompts", str(HERE / "pocket.jsonl"), "--turns", "6", "--seed", "12", "--noise", "fixed"),
    ],
    "fake": [
        *("--t2i", "fake/painter,fake/painter?loss=0.05,fake/painter?loss=0.1&fail=0.1"),
        *("--i2t", "fake/captioner,fake/captioner?loss=0.05,fake/captioner?loss=0.1&refuse=0.1"),
        *("--i2t", "fake/captioner?loss=0.2"),
        *("--prompts", str(HERE / "fake.jsonl"), "--turns", "10", "--seed", "34", "--embedder", "fake/embedder"),
        *("--noise", "fixed"),
    ],
    "fake-fresh": [
        *("--t2i", "fake/painter,fake/painter?loss=0.1&fail=0.1", "--i2t", "fake/captioner?loss=0.05"),
        *("--i2t", "fake/captioner?loss=0.2", "--prompts", str(HERE / "fake.jsonl"), "--turns", "6", "--repeats", "2"),
        *("--seed", "34", "--embedder", "fake/embedder", "--noise", "fresh"),
    ],
}  # fmt: skip
"""Options of `telephone play` by name."""
TIMES = ("seconds_image", "seconds_text")
"""Columns that no two runs share."""
UNKEPT = ("folder", "report", "seconds", "judges")
"""Entries of the summary that no two runs share."""


def play(name: str, folder: Path) -> tuple[str, str]:
    """Plays a battle and returns its table as CSV and its summary as JSON, without times and places."""
    run = folder / name
    out = _telephone("play", *BATTLES[name], "--out", str(run), "--json", "--no-report")
    _telephone("export", str(run), "--to", "csv", "-o", str(folder / f"{name}.csv"))
    return _table((folder / f"{name}.csv").read_text(encoding="utf-8"), run), _summary(out)


def _telephone(*arguments: str) -> str:
    command = [sys.executable, "-m", "telephone", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
    if done.returncode not in (0, 1):  # 1 is said where games failed
        raise RuntimeError(done.stderr)
    return done.stdout


def _table(text: str, run: Path) -> str:
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).drop(columns=list(TIMES))
    table["filepath"] = table["filepath"].str.removeprefix(f"{run.absolute()}/")
    table["reason"] = table["reason"].map(_numbers)
    return table.to_csv(index=False, lineterminator="\n")


def _summary(text: str) -> str:
    found = {name: _without_wording(value) for name, value in json.loads(text).items() if name not in UNKEPT}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _without_wording(value: Any) -> Any:
    """Returns JSON with the numbers of each sentence in place of the sentence, which may be worded anew."""
    if isinstance(value, dict):
        return {name: _without_wording(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_wording(each) for each in value]
    return _numbers(value) if isinstance(value, str) and " " in value else value


def _numbers(sentence: str) -> str:
    return " ".join(sorted(re.findall(r"\d+(?:\.\d+)?", sentence)))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or BATTLES:
            table, summary = play(name, Path(folder))
            (HERE / f"{name}.csv").write_text(table, encoding="utf-8")
            (HERE / f"{name}.json").write_text(summary, encoding="utf-8")
