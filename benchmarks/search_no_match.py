"""Calibrates when a search says that nothing matches, and measures it on other scenes.

A library of scenes without every fourth kind of thing is asked for things that it has and for things that it lacks, in
queries with one, two and several words that can be exchanged. The thresholds are the values of the evidence below which
5 % of the answered queries of the first library lie; the rates are those of a second library and other queries.
"""

import argparse
import os
import random
import sys
from collections import defaultdict

import numpy as np

from telephone.core.seeds import derive
from telephone.models import embedder
from telephone.search.calibration import evidence
from telephone.search.query_parts import QueryPart, ReadPart
from telephone.world import caption, render, sample
from telephone.world.scene import COLOURS, KINDS


def library(model, absent, pictures, key):
    scenes = []
    number = 0
    while len(scenes) < pictures:
        scene = sample(("easy", "medium")[number % 2], derive("no match", key, number), split="test")
        number += 1
        if not {thing.kind for thing in scene.things} & absent:
            scenes.append(scene)
    rows = []
    for start in range(0, pictures, 64):
        part = scenes[start : start + 64]
        rows.append(model.embed_images([render(scene, size=64, seed=at) for at, scene in enumerate(part, start)]))
    return scenes, np.concatenate(rows)


def queries(scenes, absent, count, key):
    """Returns texts by number of exchangeable words and by whether the library has them."""
    chance = random.Random(key)
    pairs = sorted({(thing.colour, thing.kind) for scene in scenes for thing in scene.things if thing.colour})
    missing = [(colour, kind) for colour in COLOURS for kind in sorted(absent)]
    found = defaultdict(list)
    for kind in KINDS:
        found[1, kind not in absent].append(f"{_article(kind)} {kind}")
    for present, chosen in (True, pairs), (False, missing):
        for colour, kind in chance.sample(chosen, min(count, len(chosen))):
            found[2, present].append(f"{_article(colour)} {colour} {kind}")
    found[3, True] = [caption(scene) for scene in chance.sample(scenes, min(count, len(scenes)))]
    number = 0
    while len(found[3, False]) < count:
        scene = sample("easy", derive("no match, absent", key, number), split="test")
        number += 1
        if {thing.kind for thing in scene.things} & absent:
            found[3, False].append(caption(scene))
    return found


def _article(word):
    return "an" if word[0] in "aeiou" else "a"


def evidence_of(model, texts, rows):
    values = []
    for text in texts:
        vector = model.embed_texts([text])[0]
        cosines = rows @ vector
        spread = float(cosines.std())
        height = float((cosines.max() - cosines.mean()) / spread)
        nearest = rows[np.argsort(-cosines)[:5]]
        values.append(evidence(ReadPart(QueryPart(text=text), vector), height, spread, nearest, model).value)
    return np.array(values)


def measure(model, pictures, count, key):
    offset = key % 4
    absent = set(KINDS[offset::4])
    scenes, rows = library(model, absent, pictures, key)
    return {each: evidence_of(model, texts, rows) for each, texts in queries(scenes, absent, count, key).items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedder", default="pocket/clip")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--queries", type=int, default=60)
    chosen = parser.parse_args()
    print(
        f"load {os.getloadavg()[0]:.1f}, {chosen.pictures} pictures, {chosen.queries} queries a kind", file=sys.stderr
    )
    model = embedder(chosen.embedder)
    # Two folds to calibrate, since a library has few kinds; two others to measure.
    calibration = [measure(model, chosen.pictures, chosen.queries, key) for key in (0, 1)]
    held_out = [measure(model, chosen.pictures, chosen.queries, key) for key in (2, 3)]
    print("| words | threshold | present | refused | absent | refused |\n|---|---|---|---|---|---|")
    for words in (1, 2, 3):
        threshold = float(np.quantile(np.concatenate([fold[words, True] for fold in calibration]), 0.05))
        present, absent = (np.concatenate([fold[words, state] for fold in held_out]) for state in (True, False))
        print(
            f"| {words} | {threshold:.2f} | {len(present)} | {(present < threshold).mean():.1%} | {len(absent)} "
            f"| {(absent < threshold).mean():.1%} |"
        )


if __name__ == "__main__":
    main()
