"""Scores of what was played: distances by embedders, facts kept in texts and images, and answers of models."""

from telephone._moved import renamed
from telephone.judge.calibration_measurement import calibrate
from telephone.judge.cases import Case, image_cases, text_cases
from telephone.judge.distance import DistanceScorer
from telephone.judge.image_distance import ImageDistanceScorer, measure_image_distances, pixel_distance
from telephone.judge.image_facts import ImageFactsScorer, NetReader, SceneReader
from telephone.judge.omission_probe import OmissionProbe, QuestionAnswerer, answers_questions, probe_omissions
from telephone.judge.opinions import OpinionScorer, collect_opinions
from telephone.judge.question_generation import YesNoQuestion, generate_questions
from telephone.judge.repeat_captions import RepeatCaptionScorer, collect_repeat_captions
from telephone.judge.scorer import Progress, Scored, Scorer, run_scorer
from telephone.judge.scoring import DEFAULT_EMBEDDER, POCKET_EMBEDDER, default_embedders, score
from telephone.judge.text_facts import Facts, TextFactsScorer, count_facts, why_uncounted
from telephone.judge.vectors import Vectors, cosine_distance, embedded_kinds
from telephone.judge.votes import VotePair, collect_votes, import_votes, vote_pairs, write_vote_page
from telephone.store.similarity_calibration import SimilarityCalibration, calibration_for, store_calibration

__getattr__ = renamed(__name__)

__all__ = [
    "DEFAULT_EMBEDDER",
    "POCKET_EMBEDDER",
    "Case",
    "DistanceScorer",
    "Facts",
    "ImageDistanceScorer",
    "ImageFactsScorer",
    "NetReader",
    "OmissionProbe",
    "OpinionScorer",
    "Progress",
    "QuestionAnswerer",
    "RepeatCaptionScorer",
    "SceneReader",
    "Scored",
    "Scorer",
    "SimilarityCalibration",
    "TextFactsScorer",
    "Vectors",
    "VotePair",
    "YesNoQuestion",
    "answers_questions",
    "calibrate",
    "calibration_for",
    "collect_opinions",
    "collect_repeat_captions",
    "collect_votes",
    "cosine_distance",
    "count_facts",
    "default_embedders",
    "embedded_kinds",
    "generate_questions",
    "image_cases",
    "import_votes",
    "measure_image_distances",
    "pixel_distance",
    "probe_omissions",
    "run_scorer",
    "score",
    "store_calibration",
    "text_cases",
    "vote_pairs",
    "why_uncounted",
    "write_vote_page",
]
