"""Numbers on what was played: distances by embedders, facts kept in texts and pictures, and what describers saw."""

from telephone.judge.again import describe_again
from telephone.judge.cases import Case, Judge, cases
from telephone.judge.distance import DistanceJudge, cosine_distance
from telephone.judge.facts import Facts, FactsJudge, count_facts, why_uncounted
from telephone.judge.opinions import ask_opinions
from telephone.judge.pictures import NetReader, PictureFactsJudge, SceneReader
from telephone.judge.score import DEFAULT_EMBEDDER, POCKET_EMBEDDER, Progress, Scored, score, usual_embedders
from telephone.judge.unsaid import Answerer, answering, ask_lost
from telephone.judge.vectors import Vectors, takes
from telephone.judge.wondering import YesNo, wonder

__all__ = [
    "DEFAULT_EMBEDDER",
    "POCKET_EMBEDDER",
    "Answerer",
    "Case",
    "DistanceJudge",
    "Facts",
    "FactsJudge",
    "Judge",
    "NetReader",
    "PictureFactsJudge",
    "Progress",
    "SceneReader",
    "Scored",
    "Vectors",
    "YesNo",
    "answering",
    "ask_lost",
    "ask_opinions",
    "cases",
    "cosine_distance",
    "count_facts",
    "describe_again",
    "score",
    "takes",
    "usual_embedders",
    "why_uncounted",
    "wonder",
]
