"""Numbers on what was played: the distance of each description to the first prompt, and the facts that it keeps."""

from telephone.judge.cases import Case, Judge, cases
from telephone.judge.distance import DistanceJudge, cosine_distance
from telephone.judge.facts import Facts, FactsJudge, count_facts
from telephone.judge.score import DEFAULT_EMBEDDER, Progress, Scored, score

__all__ = [
    "DEFAULT_EMBEDDER",
    "Case",
    "DistanceJudge",
    "Facts",
    "FactsJudge",
    "Judge",
    "Progress",
    "Scored",
    "cases",
    "cosine_distance",
    "count_facts",
    "score",
]
