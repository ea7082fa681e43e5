"""Tables and statistics: a scored run in, data frames and honest intervals out."""

from telephone.analysis.agreement import agreement, fact_check, judged
from telephone.analysis.answers import Answer
from telephone.analysis.artefacts import hops
from telephone.analysis.bits import Leak, bits, fano, leaks, matching
from telephone.analysis.boards import ALL, Leaderboard, leaderboard, not_told_apart
from telephone.analysis.bradley_terry import bradley_terry
from telephone.analysis.claims import Claim, claims
from telephone.analysis.compare import Comparison, compare
from telephone.analysis.controls import controls_table, reencoded
from telephone.analysis.convergence import Contraction, contraction, convergence_table, settled
from telephone.analysis.differences import differences
from telephone.analysis.drift import drift, drift_curves
from telephone.analysis.endings import Convergence, convergence
from telephone.analysis.followed import followed, invented
from telephone.analysis.frames import MEASURES, Measure, battle, by_game, scored
from telephone.analysis.general import General
from telephone.analysis.hazards import hazards
from telephone.analysis.hop_losses import hop_losses
from telephone.analysis.importance import importance
from telephone.analysis.matters import WhichMatters, which_matters
from telephone.analysis.motifs import Motifs, motifs, seed_sensitivity
from telephone.analysis.planner import BattlePlan, Spread, Wish, plan_battle, spread_of
from telephone.analysis.published import published
from telephone.analysis.retention import retained, yardsticks
from telephone.analysis.space import Paths, Vectors, paths
from telephone.analysis.standings import Standings, gather, standings
from telephone.analysis.subjects import subject_turns
from telephone.analysis.summary import Counts, Summary, summarise, summary
from telephone.analysis.survival import half_lives, survival, survival_test
from telephone.analysis.swaps import Gain, Swaps, oracle_swaps, swap_gains
from telephone.analysis.tables import by_step, levels_of
from telephone.analysis.unsaid import answers_told, unsaid

__all__ = [
    "ALL",
    "Answer",
    "BattlePlan",
    "Claim",
    "Comparison",
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
    "Summary",
    "Swaps",
    "Vectors",
    "WhichMatters",
    "Wish",
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
