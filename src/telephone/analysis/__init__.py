"""Tables and statistics: a scored run in, data frames and honest intervals out."""

from telephone.analysis.convergence.fixed_points import Contraction, contraction, convergence_table, settled
from telephone.analysis.convergence.motifs import Motifs, motifs, seed_sensitivity
from telephone.analysis.convergence.overview import Convergence, convergence
from telephone.analysis.convergence.text_space import Paths, Vectors, paths
from telephone.analysis.facts.fact_tracking import followed, invented
from telephone.analysis.facts.hazards import hazards
from telephone.analysis.facts.hop_losses import hop_losses
from telephone.analysis.facts.omissions import answers_told, unsaid
from telephone.analysis.facts.subject_changes import subject_turns
from telephone.analysis.facts.survival import half_lives, survival, survival_test
from telephone.analysis.inference.article_claims import Claim, claims
from telephone.analysis.inference.bradley_terry import bradley_terry
from telephone.analysis.inference.caption_retrieval import Leak, bits, fano, leaks, matching
from telephone.analysis.inference.judge_agreement import agreement, fact_check, judged
from telephone.analysis.inference.oracle_swaps import Gain, Swaps, oracle_swaps, swap_gains
from telephone.analysis.inference.pairwise import differences
from telephone.analysis.inference.question_answers import QuestionAnswer
from telephone.analysis.inference.side_effects import importance
from telephone.analysis.inference.variance_components import General
from telephone.analysis.inference.variance_shares import WhichMatters, which_matters
from telephone.analysis.planning.battle_size import BattlePlan, PlanGoal, Spread, plan_battle, spread_of
from telephone.analysis.run_summary import Counts, RunSummary, summarise, summary
from telephone.analysis.tables.calls import hops
from telephone.analysis.tables.control_lines import controls_table, reencoded
from telephone.analysis.tables.cross_run_leaderboard import Standings, gather, standings
from telephone.analysis.tables.drift import drift, drift_curves
from telephone.analysis.tables.leaderboards import ALL, Leaderboard, leaderboard, not_told_apart
from telephone.analysis.tables.published_scores import published
from telephone.analysis.tables.retention import retained, yardsticks
from telephone.analysis.tables.run_comparison import RunComparison, compare
from telephone.analysis.tables.score_frames import MEASURES, Measure, battle, by_game, scored
from telephone.analysis.tables.turn_means import by_step, levels_of

__all__ = [
    "ALL",
    "QuestionAnswer",
    "BattlePlan",
    "Claim",
    "RunComparison",
    "Contraction",
    "Convergence",
    "Counts",
    "Gain",
    "General",
    "Leaderboard",
    "Leak",
    "MEASURES",
    "Measure",
    "Motifs",
    "Paths",
    "Spread",
    "Standings",
    "RunSummary",
    "Swaps",
    "Vectors",
    "WhichMatters",
    "PlanGoal",
    "agreement",
    "answers_told",
    "battle",
    "bits",
    "bradley_terry",
    "by_game",
    "by_step",
    "claims",
    "compare",
    "contraction",
    "controls_table",
    "convergence",
    "convergence_table",
    "differences",
    "drift",
    "drift_curves",
    "fact_check",
    "fano",
    "followed",
    "gather",
    "half_lives",
    "hazards",
    "hop_losses",
    "hops",
    "importance",
    "invented",
    "judged",
    "leaderboard",
    "leaks",
    "levels_of",
    "matching",
    "motifs",
    "not_told_apart",
    "oracle_swaps",
    "paths",
    "plan_battle",
    "published",
    "reencoded",
    "retained",
    "scored",
    "seed_sensitivity",
    "settled",
    "spread_of",
    "standings",
    "subject_turns",
    "summarise",
    "summary",
    "survival",
    "survival_test",
    "swap_gains",
    "unsaid",
    "which_matters",
    "yardsticks",
]
