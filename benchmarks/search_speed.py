"""Time to answer and recall of a library of synthetic vectors: `python benchmarks/search_speed.py --rows 1000000`.

A mixture of topics of long-tailed sizes with a decaying spectrum, in a common cone as embeddings of pictures are;
queries in words come from another cone (the modality gap). Synthetic: for orders of magnitude and for comparing
settings, no promise of accuracy on real vectors.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from telephone.search.exact import nearest
from telephone.search.ivf import IndexedBlock, nearest_indexed, recall
from telephone.search.library import create_library, open_library
from telephone.search.maintenance import merge
from telephone.search.query import Query, Searcher
from telephone.search.query_parts import QueryPart
from telephone.search.schema import SCHEMA
from telephone.search.snapshot import EncoderView

WIDTH, TOPICS = 512, 5000


class Mixture:
    """Vectors of pictures, and of words about the same topics."""

    def __init__(self, seed=0):
        chance = np.random.default_rng(seed)
        spectrum = np.arange(1, WIDTH + 1) ** -0.8
        self.spectrum = (spectrum / np.linalg.norm(spectrum) * 1.0).astype(np.float32)
        self.centres = chance.standard_normal((TOPICS, WIDTH), dtype=np.float32) * self.spectrum
        cones = chance.standard_normal((2, WIDTH)).astype(np.float32)
        self.cones = cones / np.linalg.norm(cones, axis=1, keepdims=True)
        weights = 1 / np.arange(1, TOPICS + 1) ** 0.7
        self.weights = weights / weights.sum()

    def draw(self, count, seed, cone=0):
        """Returns vectors of unit length, float32 [count, WIDTH]; cone 1 has the queries in words."""
        chance = np.random.default_rng(seed)
        topics = chance.choice(TOPICS, count, p=self.weights)
        noise = chance.standard_normal((count, WIDTH), dtype=np.float32) * self.spectrum
        rows = 1.0 * self.cones[cone] + 0.7 * self.centres[topics] + 0.7 * noise
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def make(folder, rows, mixture):
    """Writes a library of one segment whose files do not exist."""
    vectors = np.empty((rows, WIDTH), dtype=np.float16)
    for start in range(0, rows, 50_000):
        stop = min(start + 50_000, rows)
        vectors[start:stop] = mixture.draw(stop - start, 1000 + start)
    with create_library(folder) as library, library.writing():
        library.add_encoder("synthetic/pictures", "synthetic pictures 1", WIDTH, "image")
        with library.catalog.transaction() as db:
            db.execute("INSERT INTO root (path) VALUES (?)", (b"/pictures",))
            db.executemany(
                "INSERT INTO file (id, root, path, size, modified, sha256) VALUES (?, 1, ?, 1, 1, '')",
                ((key, f"{key}.png".encode()) for key in range(1, rows + 1)),
            )
        empty = {name: pa.nulls(rows, SCHEMA.field(name).type) for name in SCHEMA.names}
        empty["id"] = pa.array(np.arange(1, rows + 1))
        library._write(pa.table(empty, SCHEMA), {1: vectors}, ())


def timed(call, items):
    seconds = []
    for item in items:
        start = time.perf_counter()
        call(item)
        seconds.append(time.perf_counter() - start)
    return " / ".join(f"{np.quantile(seconds, q) * 1000:.1f}" for q in (0.5, 0.95))


def measure(folder, mixture, queries):
    start = time.perf_counter()
    searcher = Searcher(open_library(folder))
    searcher.search(Query((QueryPart(id=1),)))
    print(f"first answer after opening: {time.perf_counter() - start:.2f} s")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process, making included: {memory:,.0f} MB")
    whole = [Query((QueryPart(id=int(key)),)) for key in np.random.default_rng(5).integers(1, 1000, queries)]
    print(f"whole answers with paths and reasons, p50 / p95 ms: {timed(searcher.search, whole)}")
    view = EncoderView(searcher.library, searcher.library.encoders[0])
    blocks = [IndexedBlock(block, index) for block, index in zip(view.blocks, view.indexes, strict=True)]
    print("| queries | lists | p50 / p95 ms | recall at 10 |\n|---|---|---|---|")
    for kind, cone in ("pictures", 0), ("words", 1):
        rows = mixture.draw(queries, 7 + cone, cone)
        truth = nearest(view.blocks, rows, 10)
        for nprobe in (64, 128, 256, 512):
            found = [nearest_indexed(blocks, row, 10, None, nprobe) for row in rows]
            joined = type(truth)(
                np.concatenate([each.ids for each in found]), np.concatenate([each.scores for each in found])
            )
            took = timed(lambda row, lists=nprobe: nearest_indexed(blocks, row, 10, None, lists), rows)
            print(f"| {kind} | {nprobe} | {took} | {recall(joined, truth):.3f} |", flush=True)
        few = rows[:3]
        print(f"| {kind} | exact | {timed(lambda row: nearest(view.blocks, row[None], 10), few)} | 1 |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=100)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="search-speed-"))
    try:
        mixture = Mixture()
        start = time.perf_counter()
        make(folder / "library", chosen.rows, mixture)
        print(f"load {os.getloadavg()[0]:.1f}; library of {chosen.rows:,} rows in {time.perf_counter() - start:.0f} s")
        start = time.perf_counter()
        with open_library(folder / "library") as library:
            print(merge(library), f"{time.perf_counter() - start:.0f} s", flush=True)
        measure(folder / "library", mixture, chosen.queries)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
