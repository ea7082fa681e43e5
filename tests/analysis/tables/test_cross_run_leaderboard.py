import numpy as np
import pandas as pd
import pytest

from telephone.analysis.tables.cross_run_leaderboard import cross_run_leaderboard
from telephone.core.errors import UsageError
from telephone.core.records import LEVELS

DRAW = {"d1": 0.0, "d2": 0.1, "d3": 0.3}
TELL = {"w1": 0.0, "w2": 0.2}


def games(pairs, prompts, noise=0.0, seed=0):
    """A game for each pair and prompt whose distance is the sum of three parts; prompt pN is worth N / 10."""
    rng = np.random.default_rng(seed)
    rows = [
        {"game": f"{d}{w}{p}", "prompt_id": p, "level": ("easy", "hard")[int(p[1:]) % 2], "t2i_model": d,
         "i2t_model": w, "repeat": 0, "outcome": "ok",
         "distance_final": DRAW[d] + TELL[w] + int(p[1:]) / 10 + noise * rng.normal()}
        for d, w in pairs for p in prompts
    ]  # fmt: skip
    return pd.DataFrame(rows)


def means(table, level="all"):
    own = table[table["level"] == level]
    return dict(zip(own["model"], own["mean"], strict=True))


def test_a_full_grid_gives_the_marginal_means():
    table = games([(d, w) for d in DRAW for w in TELL], ["p0", "p1", "p2", "p3"])
    made = cross_run_leaderboard(table, "t2i")
    expected = table.groupby("t2i_model")["distance_final"].mean()
    assert means(made.table) == pytest.approx(expected.to_dict())
    assert list(made.table["level"].unique()) == ["easy", "hard", "all"]
    overall = made.table[made.table["level"] == "all"]
    assert list(overall["model"]) == ["d1", "d2", "d3"]
    assert list(overall["rank"]) == [1, 2, 3]
    assert list(overall["rank_high"]) == [3, 3, 3]  # four prompts are too few for a significant difference
    assert (overall["n"] == 4).all() and (overall["games"] == 8).all()


def test_a_model_is_not_rewarded_for_easy_prompts_or_a_strong_partner():
    hard = games([("d1", "w2"), ("d2", "w2")], ["p8", "p9"])
    easy = games([("d2", "w1"), ("d3", "w1"), ("d2", "w2")], ["p0", "p1"])
    table = pd.concat([hard, easy], ignore_index=True)
    raw = table.groupby("t2i_model")["distance_final"].mean()
    assert raw["d3"] < raw["d1"]  # d3 is the worst, but met the easiest prompts and the best partner
    found = means(cross_run_leaderboard(table, "t2i").table)
    assert found["d2"] - found["d1"] == pytest.approx(0.1) and found["d3"] - found["d2"] == pytest.approx(0.2)


def test_models_that_never_met_stand_in_groups():
    one = games([("d1", "w1")], ["p0", "p1"])
    other = games([("d2", "w2"), ("d3", "w2")], ["p4", "p5"])
    made = cross_run_leaderboard(pd.concat([one, other], ignore_index=True), "t2i")
    groups = made.table[made.table["level"] == "all"].groupby("group")["model"].apply(set)
    assert [*groups] == [{"d2", "d3"}, {"d1"}]
    assert "are not comparable" in made.note


def test_intervals_cover_the_truth():
    grid = [(d, w) for d in DRAW for w in TELL]
    hits = []
    for seed in range(60):
        table = cross_run_leaderboard(games(grid, [f"p{n}" for n in range(10)], noise=0.2, seed=seed), "t2i").table
        own = table[(table["level"] == "all") & (table["model"] == "d3")].iloc[0]
        hits.append(own["low"] <= 0.3 + 0.1 + 0.45 <= own["high"])
    assert np.mean(hits) > 0.85


def test_unscored_games_are_told_and_wrong_questions_refused():
    table = games([("d1", "w1"), ("d2", "w1")], ["p0", "p1"])
    table.loc[0, "distance_final"] = np.nan
    assert "1 games have no score" in cross_run_leaderboard(table, "i2t").note
    assert (
        cross_run_leaderboard(table.assign(distance_final=np.nan), "t2i").note
        == "No game has a score: nothing can be determined."
    )
    with pytest.raises(UsageError, match="t2i or i2t"):
        cross_run_leaderboard(table, "pair")


def test_levels_keep_their_order_where_the_best_model_played_only_some():
    table = games([("d1", "w1")], ["p1", "p3"])
    others = games([("d2", "w1"), ("d3", "w1")], ["p0", "p1", "p2", "p3"])
    made = cross_run_leaderboard(pd.concat([table, others]), "t2i")
    assert list(made.table["level"])[0] == "hard" and made.levels == ["easy", "hard", "all"]


def null_games(rng, prompts, drawers=3, describers=4, runs=2):
    """Runs of equal models over prompts of four levels: scores differ by prompt, and by chance between games."""
    rows = [
        {"game": f"{r} {d} {w} {p}", "run": f"r{r}", "prompt_id": f"p{p}", "level": LEVELS[p % 4], "t2i_model": f"d{d}",
         "i2t_model": f"w{w}", "repeat": 0, "control": "", "outcome": "ok"}
        for r in range(runs) for d in range(drawers) for w in range(describers) for p in range(prompts)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    ease = dict(zip([f"p{p}" for p in range(prompts)], rng.normal(0.5, 0.15, prompts), strict=True))
    by_side = {
        side: {(name, p): rng.normal(0, 0.05) for name in table[side].unique() for p in ease}
        for side in ("t2i_model", "i2t_model")
    }
    moved = sum(
        table[[side, "prompt_id"]].apply(tuple, axis=1).map(effects).astype(float) for side, effects in by_side.items()
    )
    return table.assign(distance_final=table["prompt_id"].map(ease) + moved + rng.normal(0, 0.05, len(table)))


@pytest.mark.slow
@pytest.mark.parametrize("prompts", [10, 40])
def test_equal_models_are_rarely_given_different_ranks(prompts):
    rng = np.random.default_rng(prompts)
    wrong, battles = 0, 100
    for _ in range(battles):
        table = null_games(rng, prompts)
        boards = [cross_run_leaderboard(table, side).table for side in ("t2i", "i2t")]
        wrong += any((board["rank_low"] > 1).any() for board in boards)
    assert wrong / battles <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / battles)


def test_models_that_differ_are_given_different_ranks():
    table = null_games(np.random.default_rng(1), 40)
    table["distance_final"] += 0.3 * (table["t2i_model"] == "d2")
    overall = cross_run_leaderboard(table, "t2i").table.query("level == 'all'").set_index("model")
    assert overall["rank_low"].to_dict() == {"d0": 1, "d1": 1, "d2": 3}
    assert overall["rank_high"].to_dict() == {"d0": 2, "d1": 2, "d2": 3}
