"""Exports of a run for other tools: FiftyOne, Hugging Face datasets, a published drift scorer."""

from telephone._moved import renamed
from telephone.exports.drift import GENERATIONS, DriftFolders, to_drift
from telephone.exports.fiftyone import SavedDataset, to_fiftyone
from telephone.exports.hand_played_games import SaveOptions, save_conversations
from telephone.exports.imagefolder import to_imagefolder
from telephone.exports.mgg import MggFolders, geneval_metadata, to_mgg
from telephone.exports.preferences import PreferencePairs, scored_answers, to_preferences
from telephone.exports.samples import SampleCounts, open_fiftyone, prompt_hash, put_samples
from telephone.exports.turns import ExportedTurns, turns_with_images

__getattr__ = renamed(__name__)

__all__ = [
    "GENERATIONS",
    "DriftFolders",
    "SaveOptions",
    "SampleCounts",
    "SavedDataset",
    "ExportedTurns",
    "MggFolders",
    "PreferencePairs",
    "geneval_metadata",
    "open_fiftyone",
    "prompt_hash",
    "put_samples",
    "save_conversations",
    "to_drift",
    "to_fiftyone",
    "scored_answers",
    "to_imagefolder",
    "to_mgg",
    "to_preferences",
    "turns_with_images",
]
