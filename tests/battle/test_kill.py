import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kill_resume.py"


@pytest.fixture(scope="module")
def kill_resume():
    spec = importlib.util.spec_from_file_location("kill_resume", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["kill_resume"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["kill_resume"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_that_is_killed_repeatedly_ends_like_an_uninterrupted_one(kill_resume, tmp_path: Path, seed):
    made = kill_resume.trial(4, tmp_path, seed=seed, prompts=12, turns=8)
    assert made.kills >= 2
    assert made.equal
    assert made.made_twice == 0
    assert made.problems == 0
