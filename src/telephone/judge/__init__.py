"""Numbers on what was played: distances by embedders, facts kept in texts and pictures, and what describers saw."""

from telephone.judge.cases import Case, Judge, cases
from telephone.judge.distance import DistanceJudge, cosine_distance
from telephone.judge.facts import Facts, FactsJudge, count_facts, why_uncounted
from telephone.judge.omission_probe import QuestionAnswerer, answering, ask_lost
from telephone.judge.opinions import ask_opinions
from telephone.judge.picture_facts import NetReader, PictureFactsJudge, SceneReader
from telephone.judge.question_generation import YesNo, wonder
from telephone.judge.repeat_captions import describe_again
from telephone.judge.scoring import DEFAULT_EMBEDDER, POCKET_EMBEDDER, Progress, Scored, score, usual_embedders
from telephone.judge.vectors import Vectors, takes

__all__ = [
    "DEFAULT_EMBEDDER",
    "POCKET_EMBEDDER",
    "QuestionAnswerer",
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
