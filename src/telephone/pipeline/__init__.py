"""The public functions: play, judge, report and read battles, and call single models; nothing here prints.

Results are frozen dataclasses, progress goes to a callback, errors are those of `telephone.core.errors`.
"""

from telephone.core.records import Prompt
from telephone.models import Embedder, Image2Text, Text2Image, embedder, image2text, text2image
from telephone.pipeline.battle_config import BattleConfig
from telephone.pipeline.costs import Confirm, CostNotConfirmed, needs_confirmation
from telephone.pipeline.exporting import FORMATS, export, report
from telephone.pipeline.filming import FilmOptions, FilmResult, films, game_facts, game_film, game_strip
from telephone.pipeline.judging import judge
from telephone.pipeline.lineage import (
    LineagePage,
    LineageProgress,
    LineageWatcher,
    lineage_operation,
    lineage_operations,
    lineage_page,
    write_operation,
)
from telephone.pipeline.options import JudgeOptions, PlayOptions
from telephone.pipeline.planning import BattleSize, SizeQuestion, battle_size, parse_size
from telephone.pipeline.playing import forecast, forecast_resume, play, resume
from telephone.pipeline.reading import (
    FoundGame,
    RunGames,
    RunsLeaderboard,
    compare,
    find_game,
    games,
    leaderboard,
    verify,
)
from telephone.pipeline.results import (
    DistanceJudging,
    DriftExport,
    Event,
    ExportResult,
    FiftyOneExport,
    ForecastReady,
    ImageFolderExport,
    JudgeProgress,
    JudgeResult,
    MggExport,
    PlannedRun,
    PlayResult,
    PreferenceExport,
    Progress,
    ReportResult,
    RunOpened,
    TableExport,
    VerifyResult,
)
from telephone.pipeline.single_calls import BestOf, GeneratedImage, describe_image, film_of_drawing, generate_image
from telephone.pipeline.telephone_line import TelephoneLine
from telephone.prompts import get_prompts

__all__ = [
    "FORMATS",
    "BattleConfig",
    "BattleSize",
    "BestOf",
    "Confirm",
    "CostNotConfirmed",
    "DistanceJudging",
    "DriftExport",
    "Embedder",
    "Event",
    "ExportResult",
    "FiftyOneExport",
    "FilmOptions",
    "FilmResult",
    "ForecastReady",
    "FoundGame",
    "GeneratedImage",
    "Image2Text",
    "ImageFolderExport",
    "LineagePage",
    "LineageProgress",
    "LineageWatcher",
    "MggExport",
    "PreferenceExport",
    "JudgeOptions",
    "JudgeProgress",
    "JudgeResult",
    "PlannedRun",
    "PlayOptions",
    "PlayResult",
    "Progress",
    "Prompt",
    "ReportResult",
    "RunGames",
    "RunOpened",
    "RunsLeaderboard",
    "SizeQuestion",
    "TableExport",
    "TelephoneLine",
    "Text2Image",
    "VerifyResult",
    "battle_size",
    "compare",
    "describe_image",
    "embedder",
    "export",
    "film_of_drawing",
    "films",
    "find_game",
    "forecast",
    "forecast_resume",
    "game_facts",
    "game_film",
    "game_strip",
    "games",
    "generate_image",
    "get_prompts",
    "image2text",
    "judge",
    "leaderboard",
    "lineage_operation",
    "lineage_operations",
    "lineage_page",
    "needs_confirmation",
    "parse_size",
    "play",
    "report",
    "resume",
    "text2image",
    "verify",
    "write_operation",
]
