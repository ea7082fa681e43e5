"""Fixed points and cycles that were planted are found; contraction of prompts is distinguished from drift."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephone.analysis.convergence.fixed_points import (
    _attraction_parts,
    _swap_chance,
    _with_verdicts,
    convergence_table,
    ending_period,
    find_fixed_points,
    measure_contraction,
)
from telephone.analysis.convergence.motifs import average_linkage_clusters, find_motifs, motif_counts, seed_sensitivity
from telephone.analysis.convergence.text_space import bag_of_words, text_trajectories
from telephone.core.errors import UsageError

Say = Callable[[str, int, int], str]
"""Of prompt, turn (from 1) and repeat."""


def text_frame(say: Say, prompts: int = 3, turns: int = 8, repeats: int = 1) -> pd.DataFrame:
    rows = [
        {
            "game": f"g{at} {repeat}", "prompt_id": f"p{at}", "prompt": f"start {at} of its own {'xyz'[at % 3]}{at}",
            "level": ("easy", "hard")[at % 2], "t2i_model": "d", "i2t_model": "w", "repeat": repeat,
            "step_number": turn, "text_after": say(f"{at}", turn + 1, repeat), "outcome": "ok",
            "filepath": f"{at}-{turn}.png",
        }
        for at in range(prompts) for repeat in range(repeats) for turn in range(turns)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([1, 2, 3, 4], (0, None)),
        ([1, 2, 3, 3], (1, 2)),
        ([5, 5, 5], (1, 0)),
        ([1, 2, 3, 2, 3], (2, 1)),
        ([1, 2, 1, 2, 3], (0, None)),
        ([9, 1, 2, 3, 1, 2, 3, 1], (3, 1)),
        ([7], (0, None)),
        ([], (0, None)),
    ],
)
def test_periods_by_hand(states: list[int], expected: tuple[int, int | None]) -> None:
    period, since = ending_period(states)
    assert (period, None if np.isnan(since) else int(since)) == expected


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 5), st.integers(1, 4))
def test_a_planted_period_is_found(lead: int, period: int) -> None:
    states = [100 + at for at in range(lead)] + [at % period for at in range(2 * period + 1)]
    assert ending_period(states) == (period, lead)


def test_a_planted_fixed_point_and_a_planted_cycle() -> None:
    def say(prompt: str, turn: int, repeat: int) -> str:
        if prompt == "0":
            return f"still moving {turn} {'abcdefgh'[turn - 1] * 3}"
        if prompt == "1":
            return "a red apple" if turn >= 4 else f"on the way {turn}"
        return ("a cat", "a dog sleeps")[turn % 2] if turn >= 3 else f"first {turn}"

    found = find_fixed_points(text_trajectories(text_frame(say))).set_index("prompt_id")
    assert found["period"].tolist() == [0, 1, 2]
    assert found.loc["p1", "since"] == 4
    assert found.loc["p2", "since"] == 3
    assert np.isnan(found.loc["p0", "since"])
    assert found["near_period"].tolist() == [0, 1, 2]
    table = convergence_table(found.reset_index())
    last = table[table["level"] == "all"].iloc[0]
    assert (last["games"], last["fixed"], last["cycle2"], last["longer"]) == (3, 1, 1, 0)
    assert last["since_median"] == 3.5


def test_with_fresh_noise_equal_bytes_once_are_no_fixed_point() -> None:
    def say(prompt: str, turn: int, repeat: int) -> str:
        start = {"0": 7, "1": 4, "2": 9}[prompt]
        return "a red apple" if turn >= start else f"on the way {'abcdefgh'[turn - 1] * 3} {turn}"

    found = text_trajectories(text_frame(say))
    assert find_fixed_points(found, noise="fixed")["period"].tolist() == [1, 1, 0]
    fresh = find_fixed_points(found, noise="fresh")
    assert fresh["period"].tolist() == [0, 1, 0]
    assert fresh["near_period"].tolist() == [0, 1, 0]
    assert fresh["since"].tolist()[1] == 4


def test_what_is_near_is_not_the_same() -> None:
    base = " ".join(f"word{at}" for at in range(60))

    def say(prompt: str, turn: int, repeat: int) -> str:
        return f"{base} {turn}" if prompt == "0" else f"{('' if turn % 2 else 'other ') * 30}{base} {turn}"

    found = find_fixed_points(text_trajectories(text_frame(say, prompts=2)))
    assert found["period"].tolist() == [0, 0]
    assert found["near_period"].tolist() == [1, 2]
    assert found["near_since"].iloc[0] == 1


def test_an_attractor_is_told_from_forgetting() -> None:
    def drawn(prompt: str, turn: int, repeat: int) -> str:
        own = [f"w{prompt}{at}" for at in range(8 - turn)]
        return " ".join(own + ["a", "lighthouse", "at", "night"] * turn)

    def apart(prompt: str, turn: int, repeat: int) -> str:
        return " ".join(f"w{prompt}{turn}{at}" for at in range(8))

    attracted = measure_contraction(text_trajectories(text_frame(drawn, prompts=8)))
    row = attracted.change[attracted.change["level"] == "all"].iloc[0]
    assert row["low"] > 0.3
    assert "prompts converge" in row["verdict"]
    curve = attracted.curves[attracted.curves["level"] == "all"]
    assert curve["step_number"].tolist() == list(range(-1, 8))
    assert curve["between"].iloc[-1] == pytest.approx(0.0, abs=0.02)
    assert (curve["between_low"] <= curve["between"] + 1e-9).all()
    forgotten = (
        measure_contraction(text_trajectories(text_frame(apart, prompts=8))).change.set_index("level").loc["all"]
    )
    assert not forgotten["low"] > 0.05
    assert forgotten["attraction"] == pytest.approx(0.0, abs=0.08)


def sphere(generator: np.random.Generator, *shape: int) -> np.ndarray:
    drawn = generator.normal(size=shape)
    return drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)


def test_swapped_descriptions_of_a_prompt_change_the_sign_of_its_part_alone() -> None:
    first, last = sphere(np.random.default_rng(3), 2, 6, 8)

    def attraction(one: np.ndarray, other: np.ndarray) -> float:
        pairs = ~np.eye(6, dtype=bool)
        return float(((1 - one @ one.T)[pairs]).mean() - ((1 - other @ other.T)[pairs]).mean())

    parts = _attraction_parts(first, last)
    assert parts.sum() / (6 * 5) == pytest.approx(attraction(first, last))
    swap = np.array([True, False, True, True, False, False])[:, None]
    swapped = attraction(np.where(swap, last, first), np.where(swap, first, last))
    assert (parts * np.where(swap[:, 0], -1, 1)).sum() / (6 * 5) == pytest.approx(swapped)


def test_exchangeable_descriptions_are_said_to_change_in_few_battles() -> None:
    """Twelve lines of ten prompts: without a correction over the lines something is significant in 27 % of battles."""
    generator, battles, wrong = np.random.default_rng(5), 40, 0
    for _ in range(battles):
        rows = []
        for _ in range(12):
            prompts, first, last = sphere(generator, 3, 8, 8)
            away = (prompts * (first - last)).sum(axis=1)
            rows.append({
                "attraction_p": _swap_chance(_attraction_parts(first, last)),
                "forgetting_p": _swap_chance(away),
            })  # fmt: skip
        wrong += any(row["significant"] for row in _with_verdicts(rows))
    assert wrong / battles <= 0.05


def test_between_by_hand() -> None:
    vectors = {"x": np.array([1.0, 0.0]), "y": np.array([0.0, 1.0]), "z": np.array([0.6, 0.8])}
    frame = text_frame(lambda prompt, turn, repeat: "xyz"[int(prompt)], prompts=3, turns=1)
    frame["text_sha256"], frame["prompt_sha256"] = frame["text_after"], "x"
    frame["level"] = "easy"
    curve = measure_contraction(text_trajectories(frame, vectors, "by hand")).curves
    # Distances: x and y 1, x and z 0.4, y and z 0.2.
    assert curve["between"].tolist() == pytest.approx([0.0, (1 + 0.4 + 0.2) / 3])
    assert curve["own"].tolist() == pytest.approx([0.0, (0 + 1 + 0.4) / 3])


def test_prompts_that_end_in_one_motif_are_counted() -> None:
    def say(prompt: str, turn: int, repeat: int) -> str:
        if turn < 8 or prompt in "34":
            return " ".join(f"w{prompt}{turn}{at}" for at in range(6))
        return "a red lighthouse at night"

    frame = text_frame(say, prompts=5, repeats=2)
    (row,) = motif_counts(text_trajectories(frame), cut=0.4).to_dict("records")
    assert (row["games"], row["prompts"]) == (10, 5)
    assert (row["motifs_first"], row["motifs_last"]) == (5, 3)
    assert (row["most_first"], row["most_last"]) == (1, 3)
    assert row["effective_last"] == pytest.approx(np.exp(-(0.6 * np.log(0.6) + 0.4 * np.log(0.2))))
    assert len(motif_counts(text_trajectories(frame.iloc[:0]))) == 0


def test_motifs() -> None:
    def say(prompt: str, turn: int, repeat: int) -> str:
        if turn < 8:
            return f"on the way {prompt} {turn}"
        return {"0": "a red lighthouse at night", "1": "a red lighthouse at night.", "2": "a red lighthouse"}.get(
            prompt, f"zebra{prompt} chess{prompt} queue{prompt}"
        )

    frame = text_frame(say, prompts=5)
    found = find_motifs(text_trajectories(frame), frame, cut=0.4)
    assert found.table["size"].tolist() == [3, 1, 1]
    assert found.table["share"].tolist() == [0.6, 0.2, 0.2]
    first = found.table.iloc[0]
    assert (first["prompts"], first["pairs"]) == (3, 1)
    assert "lighthouse" in first["words"]
    assert first["filepath"].endswith("-7.png")
    assert len(found.shared) == 1
    assert found.effective == pytest.approx(np.exp(-(0.6 * np.log(0.6) + 0.4 * np.log(0.2))))
    assert found.space == "bags of words"
    assert len(find_motifs(text_trajectories(frame.iloc[:0]), frame.iloc[:0]).table) == 0


def test_clusters_are_those_of_average_linkage() -> None:
    generator = np.random.default_rng(0)
    for _ in range(10):
        vectors = generator.normal(size=(14, 3)) + 1.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        labels = average_linkage_clusters(vectors, 0.15)
        assert _partition(labels) == _partition(_by_hand(vectors, 0.15))


def _by_hand(vectors: np.ndarray, cut: float) -> np.ndarray:
    groups = [[at] for at in range(len(vectors))]
    apart = 1 - vectors @ vectors.T
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a)]
        a, b = min(pairs, key=lambda pair: apart[np.ix_(groups[pair[0]], groups[pair[1]])].mean())
        if apart[np.ix_(groups[a], groups[b])].mean() > cut:
            break
        groups[b] += groups.pop(a)
    labels = np.zeros(len(vectors), dtype=int)
    for label, group in enumerate(groups):
        labels[group] = label
    return labels


def _partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def test_seeds() -> None:
    same = seed_sensitivity(text_trajectories(text_frame(lambda p, turn, repeat: f"word{p}", repeats=2)))
    assert same[same["level"] == "all"]["between_seeds"].iloc[0] == pytest.approx(0.0, abs=1e-9)
    other = seed_sensitivity(text_trajectories(text_frame(lambda p, turn, repeat: f"word{p} and{repeat}", repeats=2)))
    row = other[other["level"] == "all"].iloc[0]
    assert row["between_seeds"] == pytest.approx(0.5)
    assert row["prompts"] == 3
    assert len(seed_sensitivity(text_trajectories(text_frame(lambda p, turn, repeat: "x")))) == 0


def test_a_game_that_broke_off_ends_there() -> None:
    frame = text_frame(lambda p, turn, repeat: f"a{p} {min(turn, 3)}")
    frame.loc[(frame["game"] == "g0 0") & (frame["step_number"] == 3), "text_after"] = None
    found = find_fixed_points(text_trajectories(frame))
    assert found["turns"].tolist() == [3, 8, 8]
    assert found["period"].tolist() == [0, 1, 1]


def test_controls_are_left_out_and_other_frames_refused() -> None:
    marked = text_frame(lambda p, turn, repeat: "x")
    marked["control"] = np.where(marked["game"] == "g1 0", "fixed", "")
    assert text_trajectories(marked).games["game"].tolist() == ["g0 0", "g2 0"]
    with pytest.raises(UsageError, match="no column 'text_after'"):
        text_trajectories(marked.drop(columns="text_after"))


def test_bags_of_words() -> None:
    assert bag_of_words("a b") @ bag_of_words("B, a!") == pytest.approx(1.0)
    assert bag_of_words("") @ bag_of_words("") == pytest.approx(1.0)
