"""Whether a query has an answer: permuted queries, evidence, and the verdict with the shipped encoder."""

import numpy as np
import pytest

from telephone import search, world
from telephone.core.errors import UsageError
from telephone.models import embedder
from telephone.search import calibration
from telephone.search.calibration import THRESHOLDS, evidence, permuted_queries
from telephone.search.indexing import IndexOptions, index_folder
from telephone.search.library import create_library
from telephone.search.query_parts import QueryPart, ReadPart
from telephone.world.scene import COLOURS, KINDS, Scene, Thing


def test_each_permuted_query_differs_in_one_word():
    count, others = permuted_queries("an apple beside two red boats")
    assert count == 3
    assert len(others) == len(set(others)) == 2 * (len(KINDS) - 1) + len(COLOURS) - 1
    assert {"a boat beside two red boats", "an umbrella beside two red boats"} <= set(others)
    assert {"an apple beside two blue boats", "an apple beside two red cats"} <= set(others)
    assert permuted_queries("a zebra") == (0, [])


ABSENT = ("key", "clock", "banana")
SETTINGS = ("beach", "forest", "snowfield", "city", "desert")


def scene(kind: str, number: int) -> Scene:
    return Scene(things=(Thing(kind, COLOURS[number]),), setting=SETTINGS[number])


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library of things of three kinds, each in five colours and settings."""
    folder = tmp_path_factory.mktemp("things")
    for kind in ("boat", "cat", "tree"):
        for number in range(5):
            world.render(scene(kind, number), size=64, seed=number).save(folder / f"{number}{KINDS.index(kind)}.png")
    path = tmp_path_factory.mktemp("libraries") / "library"
    with create_library(path) as made:
        index_folder(made, folder, [embedder("pocket/clip")], IndexOptions(workers=1))
    with search.open(path) as found:
        yield found


def texts_of(kinds):
    return [world.caption(scene(kind, number)) for kind in kinds for number in range(5)]


def evidence_of(library, texts):
    view = library.searcher.snapshot.view(library.searcher.library.encoders[0])
    values, model = [], embedder("pocket/clip")
    for text in texts:
        vector = model.embed_texts([text])[0]
        background = view.background(vector)
        ids, cosines = view.nearest(vector, 5, None, exact=True)
        rows = np.stack([view.vectors_of([int(key)])[int(key)] for key in ids])
        height = background.standardised(float(cosines[0]))
        read = ReadPart(QueryPart(text=text), vector)
        values.append(evidence(read, height, background.spread, rows, model).value)
    return np.array(values)


def test_evidence_tells_sentences_about_what_is_there_from_others(library):
    present, absent = evidence_of(library, texts_of(("boat", "cat", "tree"))), evidence_of(library, texts_of(ABSENT))
    assert (present[:, None] > absent[None]).mean() >= 0.85  # chance is 0.5


def test_what_lies_below_the_threshold_is_refused_with_the_nearest_pictures(library, monkeypatch):
    text = texts_of(ABSENT)[0]
    small = library.query(text)
    assert small.matched and not small.verdict.calibrated  # fifteen pictures are too few to judge
    monkeypatch.setattr(calibration, "SMALLEST_JUDGED", 1)
    value = float(evidence_of(library, [text])[0])
    monkeypatch.setattr(calibration, "THRESHOLDS", {"pocket/clip": (None, None, value + 0.01)})
    refused = library.query(text)
    assert not refused.matched and refused.hits and refused.verdict.calibrated
    assert "Nothing matches" in refused.verdict.reason
    assert library.query(text, refuse=False).matched
    monkeypatch.setattr(calibration, "THRESHOLDS", {"pocket/clip": (None, None, value - 0.01)})
    assert library.query(text).matched


def test_a_word_alone_is_never_refused_and_says_that_it_was_not_judged(library):
    result = library.query("a key")
    assert result.matched and not result.verdict.calibrated


def test_chinese_is_read_for_an_encoder_of_english_words(library):
    english, chinese = library.query("a green cat", k=1), library.query("绿色的猫", k=1)
    assert english.hits[0].id == chinese.hits[0].id
    assert "cat" in chinese.hits[0].explanation.parts[0].read_as
    assert not library.query("黄鼠狼骑自行车").matched


def test_several_pictures_with_weights_and_bad_images(library):
    first, second = library.query("a red cat", k=1).hits[0].id, library.query("a blue boat", k=1).hits[0].id
    result = library.query(image={first: 1.0, second: -1.0}, k=3)
    assert first not in [hit.id for hit in result.hits] and second not in [hit.id for hit in result.hits]
    assert len(library.query(image=[first, second], k=3).hits) == 3
    with pytest.raises(UsageError, match="no picture"):
        library.query(image="missing.png")


def test_thresholds_are_finite_and_there_for_each_number_of_words():
    for values in THRESHOLDS.values():
        assert len(values) == 3 and all(value is None or np.isfinite(value) for value in values)
