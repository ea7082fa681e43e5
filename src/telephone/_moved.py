"""Old names of modules and classes: using one raises an ImportError that states the new name."""

import sys
from collections.abc import Callable
from typing import Any

MODULES: dict[str, str] = {
    "telephone.players": "telephone.models (remote models: telephone.models.api; fakes: telephone.models.synthetic)",
    "telephone.runs": "telephone.battle",
    "telephone.game": "telephone.battle",
    "telephone.api": "telephone.pipeline",
    "telephone.errors": "telephone.core.errors",
    "telephone.images": "telephone.core.images",
    "telephone.records": "telephone.core.records",
    "telephone.seeds": "telephone.core.seeds",
    "telephone.settings": "telephone.core.settings",
    **{
        f"telephone.analysis.{old}": "telephone.analysis"
        for old in (
            "agreement", "answers", "artefacts", "bits", "boards", "bradley_terry", "claims", "compare", "controls",
            "cube", "differences", "drift", "endings", "followed", "frames", "general", "hazards", "hop_losses",
            "importance", "matters", "motifs", "numbers", "parts", "planner", "published", "resampling", "retention",
            "space", "standings", "style", "subjects", "summary", "survival", "swaps", "unsaid",
        )
    },
    **{
        f"telephone.report.{old}": "telephone.report"
        for old in (
            "album", "animate", "build", "canvas", "drawn", "figures", "files", "film", "findings", "grid", "model",
            "page", "sections", "strips", "tables", "typeset", "words",
        )
    },
    "telephone.judge.again": "telephone.judge",
    "telephone.judge.facts": "telephone.judge",
    "telephone.judge.pictures": "telephone.judge",
    "telephone.judge.score": "telephone.judge",
    "telephone.judge.unsaid": "telephone.judge",
    "telephone.judge.wondering": "telephone.judge",
    "telephone.judge.yardsticks": "telephone.judge",
    "telephone.store.pictures": "telephone.store.image_files",
    "telephone.store.rows": "telephone.store",
    "telephone.store.spent": "telephone.store",
    "telephone.cli.app": "telephone.cli.application",
    "telephone.cli.battle": "telephone.pipeline",
    "telephone.cli.board": "telephone.cli.leaderboard",
    "telephone.cli.consent": "telephone.cli.session",
    "telephone.cli.group": "telephone.cli.command_group",
    "telephone.cli.place": "telephone.pipeline",
    "telephone.cli.printing": "telephone.cli.output",
    "telephone.cli.sitting": "telephone.pipeline",
    "telephone.cli.words": "telephone.cli.formatting",
    "telephone.doctor.examine": "telephone.doctor",
    "telephone.plots.curves": "telephone.plots",
    "telephone.plots.lines": "telephone.plots",
    "telephone.serve.desk": "telephone.serve.router",
    "telephone.serve.door": "telephone.serve.middleware",
    "telephone.serve.faults": "telephone.serve.error_responses",
    "telephone.serve.guests": "telephone.serve",
    "telephone.serve.lanes": "telephone.serve.batching",
    "telephone.serve.requests": "telephone.serve.request_schema",
    "telephone.serve.running": "telephone.serve",
    "telephone.serve.terms": "telephone.serve",
    "telephone.store.export": "telephone.store.table_files",
    "telephone.exports.talks": "telephone.exports",
    "telephone.prompts.making": "telephone.prompts",
    "telephone.prompts.sets": "telephone.prompts",
    "telephone.world.render": "telephone.world",
    "telephone.world.sprites_abroad": "telephone.world.sprites_outdoor",
    "telephone.world.sprites_house": "telephone.world.sprites_indoor",
    "telephone.world.compare": "telephone.world",
    "telephone.world.sheet": "telephone.world",
    "telephone.world.washes": "telephone.world",
    "telephone.nets.blip2": "telephone.nets.blip_2",
    "telephone.nets.minigpt4": "telephone.nets.minigpt_4",
    "telephone.nets.latent_diffusion": "telephone.nets.stable_diffusion",
    "telephone.nets.unclip": "telephone.nets.dalle_2",
    "telephone.nets.unclip_prior": "telephone.nets.dalle_2_prior",
    "telephone.nets.unclip_upsampler": "telephone.nets.dalle_2_upsampler",
    "telephone.nets.interrogator": "telephone.nets.clip_interrogator",
    "telephone.nets.caption_reward": "telephone.nets.clip_caption_reward",
    "telephone.nets.eight_bits": "telephone.nets.quantize_file",
    "telephone.nets.packing": "telephone.nets.quantization",
    "telephone.train.vqgan_clip_undo": "telephone.train.vqgan_clip_inversion",
    **{
        f"telephone.train.{old}": "telephone.train.common"
        for old in ("data", "exchanges", "lessons", "marking", "sight", "twins", "visual_words")
    },
}  # fmt: skip
"""The new home of each old module."""

NAMES: dict[str, dict[str, str]] = {
    "telephone.analysis": {
        "Answer": "QuestionAnswer",
        "Comparison": "RunComparison",
        "Gain": "SwapGain",
        "General": "VarianceComponents",
        "Leak": "InformationLeak",
        "Paths": "TextTrajectories",
        "Spread": "ScoreDeviations",
        "Standings": "CrossRunLeaderboard",
        "Summary": "RunSummary",
        "Swaps": "OracleSwaps",
        "WhichMatters": "VarianceShares",
        "Wish": "PlanGoal",
        "agreement": "rank_agreement",
        "answers_told": "probe_answers",
        "battle": "without_controls",
        "bits": "caption_retrieval_bits",
        "by_game": "game_scores",
        "by_step": "turn_means",
        "claims": "check_article_claims",
        "compare": "compare_runs",
        "contraction": "measure_contraction",
        "controls_table": "control_means",
        "differences": "pairwise_differences",
        "drift": "drift_table",
        "fact_check": "fact_correlation",
        "fano": "fano_bound",
        "followed": "track_facts",
        "gather": "pool_games",
        "hazards": "hazard_rates",
        "hops": "hop_table",
        "importance": "side_importance",
        "invented": "count_invented_facts",
        "judged": "judge_values",
        "leaks": "find_information_leaks",
        "levels_of": "ordered_levels",
        "matching": "match_captions",
        "motifs": "find_motifs",
        "not_told_apart": "indistinguishable_from_best",
        "paths": "text_trajectories",
        "published": "published_scores",
        "reencoded": "reencoding_drift",
        "retained": "add_retention",
        "scored": "scored_frame",
        "settled": "find_fixed_points",
        "spread_of": "estimate_deviations",
        "standings": "cross_run_leaderboard",
        "subject_turns": "subject_change_turns",
        "summary": "summarise",
        "survival": "survival_curves",
        "swap_gains": "swap_gain",
        "unsaid": "omission_rates",
        "which_matters": "variance_shares",
        "yardsticks": "calibration_lines",
    },
    "telephone.battle": {
        "Game": "GameSpec",
        "Line": "ModelPair",
        "PlayerReady": "ModelReady",
        "Seat": "PlayerSlot",
        "Share": "ModelForecast",
        "Summary": "RunResult",
        "Talk": "ConversationRecord",
    },
    "telephone.core.errors": {
        "PlayerError": "ModelError",
        "PlayerRefused": "ModelRefused",
        "PlayerUnavailable": "ModelUnavailable",
        "UnknownPlayer": "UnknownModel",
    },
    "telephone.core.records": {"Ask": "Request"},
    "telephone.store": {
        "Description": "RunSpec",
        "Growth": "RunExtension",
        "PlayerRow": "ModelSpec",
        "Tail": "GameProgress",
    },
    "telephone.exports": {
        "DriftLayout": "DriftFolders",
        "Keeping": "SaveOptions",
        "Saved": "SampleCounts",
        "SavedRun": "SavedDataset",
        "Turns": "ExportedTurns",
        "save_talks": "save_conversations",
        "turns_with_pictures": "turns_with_images",
    },
    "telephone.report": {
        "Answer": "AnswerText",
        "Board": "LeaderboardTable",
        "BoardRow": "LeaderboardRow",
        "Cell": "ScoreCell",
        "Game": "PlayedGame",
        "Pace": "FrameTiming",
        "Share": "VarianceShare",
        "board": "leaderboard_table",
        "report_data": "collect_report",
    },
    "telephone.serve": {
        "Guest": "ServedModel",
        "Post": "ListenAddress",
        "Terms": "AccessPolicy",
        "invite": "load_served_models",
        "token_of": "read_token",
    },
    "telephone.world": {"Comparison": "SceneComparison", "Reading": "ParseResult"},
    "telephone.judge": {
        "Answerer": "QuestionAnswerer",
        "DistanceJudge": "DistanceScorer",
        "FactsJudge": "TextFactsScorer",
        "Judge": "Scorer",
        "PictureFactsJudge": "ImageFactsScorer",
        "YesNo": "YesNoQuestion",
        "answering": "answers_questions",
        "ask_lost": "probe_omissions",
        "ask_opinions": "collect_opinions",
        "describe_again": "collect_repeat_captions",
        "takes": "embedded_kinds",
        "usual_embedders": "default_embedders",
        "wonder": "generate_questions",
    },
}
"""The new name of each old public name, by the module that has the new one."""


class _Finder:
    """Is asked for a module after all other finders failed, and raises the message for an old name."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> None:
        """Returns None, which means that there is no such module.

        Raises:
            ModuleNotFoundError: the module has a new name.
        """
        if fullname.startswith("telephone.") and fullname in MODULES:
            raise ModuleNotFoundError(
                f"{fullname} is now {MODULES[fullname]}: import from there instead.", name=fullname
            )


def install() -> None:
    """Makes imports of old modules state the new ones; a second call changes nothing."""
    if _Finder not in sys.meta_path:
        sys.meta_path.append(_Finder)


def renamed(module: str) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module some of whose names are new.

    Args:
        module: the module's `__name__`, a key of `NAMES`.
    """
    names = NAMES[module]

    def __getattr__(name: str) -> Any:
        if name in names:
            # An AttributeError would lose its message in `from module import name`.
            raise ImportError(f"{module}.{name} is now {names[name]}: import that instead.", name=module)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return __getattr__
