"""Tables and statistics: a scored run in, data frames with 95 % intervals out."""

from telephone._moved import renamed
from telephone.analysis.convergence.fixed_points import (
    Contraction,
    convergence_table,
    find_fixed_points,
    measure_contraction,
)
from telephone.analysis.convergence.motifs import Motifs, find_motifs, seed_sensitivity
from telephone.analysis.convergence.overview import Convergence, analyse_convergence
from telephone.analysis.convergence.text_space import TextTrajectories, Vectors, text_trajectories
from telephone.analysis.facts.fact_tracking import count_invented_facts, subject_change_turns, track_facts
from telephone.analysis.facts.hazards import hazard_rates
from telephone.analysis.facts.hop_losses import hop_losses
from telephone.analysis.facts.omissions import omission_rates, probe_answers
from telephone.analysis.facts.reading_correction import correction_effect
from telephone.analysis.facts.side_agreement import side_agreement
from telephone.analysis.facts.survival import half_lives, survival_curves, survival_test
from telephone.analysis.inference.article_claims import Claim, check_article_claims
from telephone.analysis.inference.bradley_terry import bradley_terry
from telephone.analysis.inference.caption_retrieval import (
    InformationLeak,
    caption_retrieval_bits,
    fano_bound,
    find_information_leaks,
    match_captions,
)
from telephone.analysis.inference.judge_agreement import fact_correlation, judge_values, rank_agreement
from telephone.analysis.inference.oracle_swaps import OracleSwaps, SwapGain, oracle_swaps, swap_gain
from telephone.analysis.inference.pairwise import pairwise_differences
from telephone.analysis.inference.prompt_stability import PromptStability, prompt_stability
from telephone.analysis.inference.question_answers import QuestionAnswer
from telephone.analysis.inference.side_importance import side_importance
from telephone.analysis.inference.variance_components import VarianceComponents
from telephone.analysis.inference.variance_shares import VarianceShares, variance_shares
from telephone.analysis.inference.votes import vote_agreement
from telephone.analysis.planning.battle_size import (
    BattlePlan,
    PlanGoal,
    ScoreDeviations,
    estimate_deviations,
    plan_battle,
)
from telephone.analysis.run_summary import Counts, RunSummary, summarise, summarise_frame
from telephone.analysis.tables.control_lines import control_means, reencoding_drift
from telephone.analysis.tables.cross_run_leaderboard import CrossRunLeaderboard, cross_run_leaderboard, pool_games
from telephone.analysis.tables.drift import drift_curves, drift_table
from telephone.analysis.tables.drift_rates import DecayFit, drift_rates, fit_decay
from telephone.analysis.tables.image_distances import image_distances
from telephone.analysis.tables.leaderboards import Leaderboard, indistinguishable_from_best, leaderboard
from telephone.analysis.tables.prompt_information import (
    information_by_level,
    prompt_information,
    uninformative_prompts,
)
from telephone.analysis.tables.prompt_scores import ALL
from telephone.analysis.tables.published_scores import published_scores
from telephone.analysis.tables.retention import add_retention, calibration_lines
from telephone.analysis.tables.run_comparison import RunComparison, compare_runs
from telephone.analysis.tables.score_frames import (
    MEASURES,
    Measure,
    game_scores,
    hop_table,
    ordered_levels,
    scored_frame,
    turn_means,
    without_controls,
)
from telephone.analysis.tables.unread_texts import unread_notes

__getattr__ = renamed(__name__)

__all__ = [
    "ALL",
    "MEASURES",
    "BattlePlan",
    "Claim",
    "Contraction",
    "Convergence",
    "Counts",
    "DecayFit",
    "CrossRunLeaderboard",
    "InformationLeak",
    "Leaderboard",
    "Measure",
    "Motifs",
    "OracleSwaps",
    "PlanGoal",
    "PromptStability",
    "QuestionAnswer",
    "RunComparison",
    "RunSummary",
    "ScoreDeviations",
    "SwapGain",
    "TextTrajectories",
    "VarianceComponents",
    "VarianceShares",
    "Vectors",
    "add_retention",
    "analyse_convergence",
    "bradley_terry",
    "calibration_lines",
    "caption_retrieval_bits",
    "check_article_claims",
    "compare_runs",
    "control_means",
    "convergence_table",
    "correction_effect",
    "count_invented_facts",
    "cross_run_leaderboard",
    "drift_curves",
    "drift_table",
    "drift_rates",
    "fit_decay",
    "estimate_deviations",
    "fact_correlation",
    "fano_bound",
    "find_fixed_points",
    "find_information_leaks",
    "find_motifs",
    "game_scores",
    "half_lives",
    "hazard_rates",
    "hop_losses",
    "hop_table",
    "image_distances",
    "indistinguishable_from_best",
    "information_by_level",
    "judge_values",
    "leaderboard",
    "match_captions",
    "measure_contraction",
    "omission_rates",
    "oracle_swaps",
    "ordered_levels",
    "pairwise_differences",
    "plan_battle",
    "pool_games",
    "probe_answers",
    "prompt_information",
    "prompt_stability",
    "published_scores",
    "rank_agreement",
    "reencoding_drift",
    "scored_frame",
    "seed_sensitivity",
    "side_agreement",
    "side_importance",
    "subject_change_turns",
    "summarise",
    "summarise_frame",
    "survival_curves",
    "survival_test",
    "swap_gain",
    "text_trajectories",
    "track_facts",
    "uninformative_prompts",
    "turn_means",
    "variance_shares",
    "unread_notes",
    "vote_agreement",
    "without_controls",
]
