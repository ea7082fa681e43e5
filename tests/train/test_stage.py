"""The training loop: the same steps and seed give the same weights, however often it is stopped."""

import json
import signal
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from telephone.core.errors import StoreError
from telephone.nets.checkpoint import save_weights
from telephone.train.common.recipe import StagePlan
from telephone.train.common.stage import Stage, length_sorted

STAGES = {"part": StagePlan(60, 1), "rest": StagePlan(5, 1)}


@pytest.fixture
def recipe(make_recipe):
    recipe = make_recipe("r", scale=1.0)
    recipe.folder.mkdir()
    return recipe


def begin(recipe, name="part", seed=0):
    torch.manual_seed(seed)
    net = nn.Linear(4, 1)
    return Stage(recipe, STAGES, name, net, rate=1e-2), net


def train(stage, until=None):
    """Takes steps on random data of every kind that a recipe uses; stops before step `until`."""
    batches = length_sorted(stage, lambda rng, n: rng.normal(size=n).tolist(), abs, 4)
    for step, batch in zip(stage, batches, strict=False):
        x = torch.randn(4, 4) + torch.randn(4, 4, generator=stage.generator)
        x = x + torch.from_numpy(stage.rng.normal(size=(4, 4)).astype(np.float32))
        stage.update((stage.module(x) - torch.tensor(batch)[:, None]).square().mean())
        if step + 1 == until:
            signal.raise_signal(signal.SIGINT)


@dataclass
class NoConfig:
    """Stands for the config of a net."""


def weight_file(recipe, path, *stops):
    """Trains both stages, interrupted before the given steps, and writes a weight file."""
    for stop in (*stops, None):
        try:
            stage, net = begin(recipe)
            train(stage, stop)
        except KeyboardInterrupt:
            continue
    stage.finish()
    last, _ = begin(recipe, "rest", seed=torch.initial_seed() % 2**32)
    train(last)
    save_weights(path, last.finish(), NoConfig(), recipe.about("pocket/x"))
    return path.read_bytes()


def test_two_runs_write_the_same_bytes(recipe, tmp_path):
    other = replace(recipe, folder=tmp_path / "other", finished={})
    other.folder.mkdir()
    assert weight_file(recipe, tmp_path / "a") == weight_file(other, tmp_path / "b")
    third = replace(recipe, folder=tmp_path / "third", seed=1, finished={})
    third.folder.mkdir()
    assert weight_file(third, tmp_path / "c") != (tmp_path / "a").read_bytes()


def test_a_stopped_run_writes_the_same_bytes(recipe, tmp_path):
    other = replace(recipe, folder=tmp_path / "other", finished={})
    other.folder.mkdir()
    assert weight_file(recipe, tmp_path / "a", 7, 29, 30) == weight_file(other, tmp_path / "b")
    logs = [(folder / "part.jsonl").read_text().splitlines() for folder in (recipe.folder, other.folder)]
    rows = [[{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in log] for log in logs]
    assert rows[0] == rows[1]
    assert [row["step"] for row in rows[0]] == [0, 20, 40]
    assert rows[0][0]["seed"] == 0
    assert rows[0][0]["steps"] == 60


def test_a_stage_resumes_with_its_optimiser(recipe):
    stage, net = begin(recipe)
    with pytest.raises(KeyboardInterrupt):
        train(stage, 31)
    again, twin = begin(recipe, seed=5)
    assert again.step == 31
    assert torch.equal(twin.weight, net.weight)
    assert torch.equal(again.ema.weights["weight"], stage.ema.weights["weight"])
    state, before = (s.optimizer.state_dict()["state"][0]["exp_avg"] for s in (again, stage))
    assert torch.equal(state, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_first(recipe, number):
    stage, net = begin(recipe)
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        for step in stage:
            stage.update(net(torch.ones(2, 4)).square().mean())
            if step == 7:
                signal.raise_signal(number)
    assert begin(recipe)[0].step == 8
    assert signal.getsignal(number) == before


def test_a_killed_run_repeats_no_row_of_the_log(recipe):
    stage, net = begin(recipe)
    for step in stage:
        stage.update(net(torch.ones(2, 4)).square().mean())
        if step == 10:
            stage.save()
        if step == 45:
            break  # killed: steps 0, 20 and 40 are logged, step 10 is saved
    with stage.log.open("a") as file:
        file.write('{"step": 60, "lo')
    again, _ = begin(recipe)
    assert again.step == 10
    train(again)
    assert [json.loads(line)["step"] for line in again.log.read_text().splitlines()] == [0, 20, 40]


def test_a_time_limit_ends_a_stage_early_and_anneals_it(recipe):
    limited = replace(recipe, minutes=1e-9)
    stage, _ = begin(limited)
    train(stage)
    assert stage.step == 1
    assert stage.done
    assert stage.progress == 1
    stage.finish()
    assert limited.about("x")["steps"] == {"part": 1}
    stage, _ = begin(recipe)
    assert not stage.done


def test_the_time_left_follows_the_speed(recipe):
    stage, _ = begin(recipe)
    stage.step, stage.seconds = 20, 40.0
    assert stage.minutes_left() == pytest.approx(80 / 60)
    assert "step 20 of 60" in stage._status()
    assert "about 1 min left" in stage._status()


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{}      ", None])
def test_a_damaged_checkpoint_is_named(recipe, content):
    stage, _ = begin(recipe)
    train(stage)
    whole = stage.path.read_bytes()
    stage.path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(StoreError, match=r"part.safetensors is damaged .*--fresh"):
        begin(recipe)


def test_a_checkpoint_of_a_net_of_another_size_is_named(recipe):
    stage, _ = begin(recipe)
    stage.save()
    with pytest.raises(StoreError, match=r"part.safetensors does not fit this stage \(.*--fresh"):
        Stage(recipe, STAGES, "part", nn.Linear(5, 1), rate=1e-2)


def test_a_checkpoint_of_another_seed_is_refused(recipe):
    train(begin(recipe)[0])
    with pytest.raises(StoreError, match="--seed 0, not 4"):
        begin(replace(recipe, seed=4))


def test_a_full_disk_keeps_the_last_checkpoint(recipe, monkeypatch):
    stage, _ = begin(recipe)
    train(stage)
    before = stage.path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    stage.step = 99
    with pytest.raises(StoreError, match=r"step 99 \(No space left on device\).*--out"):
        stage.save()
    assert stage.path.read_bytes() == before


def test_batches_hold_examples_of_similar_length(recipe):
    stage, _ = begin(recipe)
    batches = length_sorted(stage, lambda rng, n: rng.integers(1000, size=n).tolist(), int, 5)
    drawn = [next(batches) for _ in stage_steps(stage, 8)]
    assert all(len(batch) == 5 for batch in drawn)
    ends = sorted((min(batch), max(batch)) for batch in drawn)
    assert all(first[1] <= second[0] for first, second in zip(ends, ends[1:], strict=False))
    assert [min(batch) for batch in drawn] != [low for low, _ in ends]


def stage_steps(stage, count):
    for step in range(count):
        stage.step = step
        yield step
