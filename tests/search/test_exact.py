"""The exact scan against a plain sort, with deletions, filters and ties."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telephone.search import exact
from telephone.search.exact import as_float32
from telephone.search.library import Block


def unit(random, rows, width=8):
    made = random.normal(size=(rows, width)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@given(
    st.integers(0, 2**32 - 1), st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(1, 12),
    st.sampled_from([0.0, 0.3, 0.9]),
)  # fmt: skip
def test_the_scan_gives_what_sorting_gives(seed, sizes, k, dead):
    random = np.random.default_rng(seed)
    blocks, start = [], 1
    for size in sizes:
        vectors = unit(random, size).astype(np.float16)
        blocks.append(Block(None, np.arange(start, start + size), vectors, random.random(size) >= dead))
        start += size
    allowed = [random.random(size) < 0.7 if random.random() < 0.5 else None for size in sizes]
    queries = unit(random, 3)
    found = exact.nearest(blocks, queries, k, allowed)
    rows = [
        (block.ids[at], block.vectors[at].astype(np.float32))
        for block, mask in zip(blocks, allowed, strict=True)
        for at in range(len(block.ids))
        if block.alive[at] and (mask is None or mask[at])
    ]
    for query, ids, scores in zip(queries, found.ids, found.scores, strict=True):
        expected = sorted(((float(query @ row), -int(key)) for key, row in rows), reverse=True)[:k]
        assert [-key for _, key in expected] == [key for key in ids if key >= 0]
        np.testing.assert_allclose([score for score, _ in expected], scores[: len(expected)], atol=1e-6)
        assert (scores[len(expected) :] == -np.inf).all()


def test_blocks_larger_than_the_scan_takes_at_once(monkeypatch):
    monkeypatch.setattr(exact, "BLOCK", 7)
    random = np.random.default_rng(1)
    vectors = unit(random, 50).astype(np.float16)
    block = Block(None, np.arange(50), vectors, np.ones(50, dtype=bool))
    query = unit(random, 1)
    best = np.argsort(-(vectors.astype(np.float32) @ query[0]))[:5]
    assert exact.nearest([block], query, 5).ids[0].tolist() == best.tolist()


def test_large_parts_become_the_same_numbers_in_single_precision():
    rows = np.random.default_rng(3).normal(size=(2100, 512)).astype(np.float16)
    rows[0, :4] = [0, -0.0, 6e-8, 65504]
    assert rows.size >= 1 << 20
    assert np.array_equal(as_float32(rows), rows.astype(np.float32))
