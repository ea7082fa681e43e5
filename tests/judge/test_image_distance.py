"""Distances of images by pixels and objects: by hand, through a battle, and what is stored is not measured again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from telephone import battle, world
from telephone.analysis.tables.image_distances import image_distances
from telephone.core.images import decode
from telephone.core.records import Prompt
from telephone.judge import measure_image_distances, pixel_distance
from telephone.judge.image_distance import image_pairs
from telephone.report.html import tables
from telephone.store import Run, ScorerKind
from telephone.world.comparison import compare

PROMPTS = [
    Prompt(f"A small red {one} and a big blue {two}.", "easy", one)
    for one, two in (("boat", "cat"), ("key", "dog"), ("hat", "cup"))
]


def test_pixels_by_hand() -> None:
    black, white = (Image.new("RGB", (32, 32), colour) for colour in ("black", "white"))
    half = Image.fromarray(np.repeat(np.array([[0, 255]], dtype=np.uint8), 8, axis=0))
    assert pixel_distance(black, black) == 0
    assert pixel_distance(black, white) == 1
    assert pixel_distance(black, half) == pytest.approx(np.sqrt(0.5))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("images") / "run"
    lines = battle.grid(["fake/sketcher?drop=0.3"], ["fake/teller?drop=0.2"])
    with battle.begin(folder, battle.plan(lines, PROMPTS, turns=3, seed=2)) as run:
        battle.play(run, battle.Roster())
        measure_image_distances(run)
        yield run


def test_every_image_is_compared_with_the_first_and_the_previous_one(run: Run) -> None:
    pairs = image_pairs(run.turns())
    frame = run.turns().sort_values(["game", "step_number"])
    for _, game in frame.groupby("game"):
        shas = list(game["image_sha256"])
        assert {(shas[1], shas[0]), (shas[2], shas[0]), (shas[2], shas[1])} <= {pair.key for pair in pairs}
    again = measure_image_distances(run)
    assert again.new == 0
    assert (again.cases, again.unscored) == (len(pairs), 0)


def test_object_distance_is_that_of_the_scenes_shown(run: Run) -> None:
    from telephone.judge import NetReader

    (scorer,) = run.scorers(ScorerKind.IMAGE_DISTANCE)
    found = [score for score in run.scores(scorer) if score.kind == "object_distance"]
    assert found
    for score in found:
        images = [decode(run.artefact(sha).data) for sha in (score.reference, score.subject)]
        earlier, later = (reading.scene for reading in NetReader().read(images))
        f1 = compare(earlier, later).f1
        assert f1 is not None and score.value == pytest.approx(1 - f1)


def test_the_table_follows_the_games(run: Run) -> None:
    table = image_distances(run)
    assert list(table["turn"].unique()) == [2, 3]
    assert (table["n"] == 3).all() and (table["unscored"] == 0).all()
    second = table[table["turn"] == 2].pivot_table(index="kind", columns="to", values="mean")
    assert np.allclose(second["first"], second["previous"])  # the first image is the previous one at turn 2
    made = tables.image_distances(table, {})
    assert len(made.rows) == 1 and "–" not in made.rows[0]  # three prompts are too few for an interval


def test_equal_scenes_of_other_styles_differ_in_pixels_alone() -> None:
    scene = world.read("A red boat and a blue cat.").scene
    one, other = (world.render(scene, size=size) for size in (64, 128))
    assert pixel_distance(one, other) < 0.1
    assert compare(scene, scene).f1 == 1


def test_without_measurements_there_is_no_table(tmp_path: Path) -> None:
    lines = battle.grid(["oracle/renderer"], ["oracle/reader"])
    with battle.begin(tmp_path / "run", battle.plan(lines, PROMPTS[:1], turns=1)) as run:
        battle.play(run, battle.Roster())
        assert image_distances(run).empty
        assert isinstance(image_distances(run), pd.DataFrame)
