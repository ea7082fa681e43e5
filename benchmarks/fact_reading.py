"""Facts of all descriptions of a run, and how many of them depend on the order of sentences.

`python benchmarks/fact_reading.py RUN --out now.json`; with `--before then.json`, written by another version of the
program, the changes by describing model are printed.
"""

import argparse
import json
import random
import re
from collections import defaultdict
from pathlib import Path

from telephone.judge import count_facts
from telephone.store import Run

Counts = list[int]


def facts(prompt: str, text: str) -> Counts:
    """Returns the numbers of kept, wrong, missing and invented facts."""
    found = count_facts(prompt, text).comparison
    return [len(found.kept), len(found.wrong), len(found.missing), len(found.invented)]


def shuffled(text: str) -> str:
    """Returns the sentences of a text in another order."""
    sentences = re.findall(r"[^.。]+[.。]", text)
    return " ".join(random.Random(0).sample(sentences, len(sentences))) if len(sentences) > 1 else text


def main() -> None:
    """Prints the counts of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, help="writes the facts of each text as JSON")
    parser.add_argument("--before", type=Path, help="JSON of another version")
    given = parser.parse_args()
    with Run.open(given.run) as run:
        table = run.turns()[["prompt", "text_after", "i2t_model"]].dropna().drop_duplicates()
    found = {f"{prompt}\n{text}": facts(prompt, text) for prompt, text, _ in table.itertuples(index=False)}
    pairs = [key.split("\n", 1) for key in found]
    several = [(prompt, text) for prompt, text in pairs if shuffled(text) != text]
    moved = sum(facts(prompt, text) != facts(prompt, shuffled(text)) for prompt, text in several)
    print(f"{len(found)} texts; another order of sentences changes the facts of {moved} of {len(several)}")
    if given.out:
        given.out.write_text(json.dumps(found, ensure_ascii=False, indent=0), encoding="utf-8")
    if given.before:
        report(table.values.tolist(), found, json.loads(given.before.read_text(encoding="utf-8")))


def report(rows: list[list[str]], now: dict[str, Counts], before: dict[str, Counts]) -> None:
    """Prints by model how many texts have other counts, and the mean recall before and now."""
    by_model: dict[str, list[tuple[bool, float, float]]] = defaultdict(list)
    for prompt, text, model in rows:
        key = f"{prompt}\n{text}"
        old, new = before[key], now[key]
        by_model[model].append((old != new, old[0] / sum(old[:3]), new[0] / sum(new[:3])))
    for model, values in sorted(by_model.items()):
        changed, old_recall, new_recall = (sum(column) for column in zip(*values, strict=True))
        share = 100 / len(values)
        print(f"{model}: {changed} of {len(values)} texts, kept {old_recall * share:.1f} -> {new_recall * share:.1f} %")


if __name__ == "__main__":
    main()
