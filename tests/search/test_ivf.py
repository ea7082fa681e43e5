"""The inverted file against the exact scan: recall, deletions, filters, and its choice of effort."""

import numpy as np
import pytest

from telephone.core.errors import StoreDamaged
from telephone.search import ivf
from telephone.search.exact import nearest
from telephone.search.ivf import IndexedBlock, SegmentIndex, build, choose_nprobe, nearest_indexed, recall
from telephone.search.library import Block

WIDTH = 32


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """6,000 rows around 60 topics in a cone, with an index; queries around the topics, and ones outside the cone."""
    random = np.random.default_rng(0)
    topics = random.normal(size=(60, WIDTH))
    rows = unit(topics[random.integers(0, 60, 6000)] + 0.5 * random.normal(size=(6000, WIDTH)) + 1.0).astype(np.float16)
    path = tmp_path_factory.mktemp("index") / "index-1.faiss"
    build(rows, path)
    block = Block(1, np.arange(6000) * 3 + 5, rows, np.ones(6000, dtype=bool))
    inside = unit(topics + 0.5 * random.normal(size=(60, WIDTH)) + 1.0)
    outside = unit(topics + 0.5 * random.normal(size=(60, WIDTH)) - 1.0)
    return path, block, inside, outside


def search(blocks, queries, k, nprobe, allowed=None):
    parts = [nearest_indexed(blocks, query, k, allowed, nprobe) for query in queries]
    return ivf.Nearest(np.concatenate([each.ids for each in parts]), np.concatenate([each.scores for each in parts]))


def test_all_lists_give_the_exact_neighbours_with_their_exact_scores(data):
    path, block, inside, _ = data
    index = SegmentIndex(path, 6000)
    found = search([IndexedBlock(block, index)], inside, 10, index.index.nlist)
    exact = nearest([block], inside, 10)
    assert recall(found, exact) > 0.999
    np.testing.assert_allclose(found.scores, exact.scores, atol=1e-6)


def test_queries_outside_the_distribution_need_more_lists(data):
    path, block, inside, outside = data
    blocks = [IndexedBlock(block, SegmentIndex(path, 6000))]
    of = {name: recall(search(blocks, queries, 10, 8), nearest([block], queries, 10))
          for name, queries in (("inside", inside), ("outside", outside))}  # fmt: skip
    assert of["outside"] < of["inside"]
    easy, reached = choose_nprobe(blocks, inside, wanted=0.99)
    hard, also = choose_nprobe(blocks, outside, wanted=0.99)
    assert reached >= 0.99
    assert also >= 0.99
    assert easy < hard


def test_deleted_and_filtered_rows_are_never_found(data):
    path, block, inside, _ = data
    random = np.random.default_rng(1)
    alive, allowed = random.random(6000) < 0.7, random.random(6000) < 0.05
    some = Block(1, block.ids, block.vectors, alive)
    live = Block(None, np.arange(20_000, 20_040), block.vectors[:40], np.ones(40, dtype=bool))
    blocks = [IndexedBlock(some, SegmentIndex(path, 6000)), IndexedBlock(live)]
    found = search(blocks, inside, 10, 4096, [allowed, None])
    exact = nearest([some, live], inside, 10, [allowed, None])
    assert recall(found, exact) > 0.999
    gone = set(block.ids[~(alive & allowed)].tolist())
    assert not gone & set(found.ids.ravel().tolist())


def test_an_index_of_other_rows_or_no_index_is_refused(data, tmp_path):
    path, *_ = data
    with pytest.raises(StoreDamaged, match="6000 rows, not 5999"):
        SegmentIndex(path, 5999)
    (tmp_path / "index-1.faiss").write_bytes(b"no index")
    with pytest.raises(StoreDamaged, match="no index"):
        SegmentIndex(tmp_path / "index-1.faiss", 10)


def test_lists_grow_with_the_square_root():
    assert [ivf.list_count(rows) for rows in (1, 50_000, 1_000_000, 16_000_000)] == [4, 1024, 4096, 16384]


def test_the_same_rows_give_the_same_file(data, tmp_path):
    path, block, *_ = data
    build(block.vectors, tmp_path / "again.faiss")
    assert (tmp_path / "again.faiss").read_bytes() == path.read_bytes()
