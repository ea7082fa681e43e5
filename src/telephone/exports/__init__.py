"""A finished run in the forms that other tools read: FiftyOne, Hugging Face datasets, a drift scorer."""

from telephone.exports.drift import GENERATIONS, DriftLayout, to_drift
from telephone.exports.fiftyone import SavedRun, to_fiftyone
from telephone.exports.hand_played_games import Keeping, save_talks
from telephone.exports.imagefolder import to_imagefolder
from telephone.exports.samples import Saved, open_fiftyone, prompt_hash, put_samples
from telephone.exports.turns import Turns, turns_with_pictures

__all__ = [
    "GENERATIONS",
    "DriftLayout",
    "Keeping",
    "Saved",
    "SavedRun",
    "Turns",
    "open_fiftyone",
    "prompt_hash",
    "put_samples",
    "save_talks",
    "to_drift",
    "to_fiftyone",
    "to_imagefolder",
    "turns_with_pictures",
]
