"""Compares judges of text: do they follow the exact facts, do they take a rewording for a loss, what can they read?

    python benchmarks/judge_comparison.py facts runs/pocket minilm/all-MiniLM-L6-v2 use/multilingual pocket/clip
    python benchmarks/judge_comparison.py wordings minilm/all-MiniLM-L6-v2 use/multilingual pocket/clip
    python benchmarks/judge_comparison.py losses minilm/all-MiniLM-L6-v2 use/multilingual pocket/clip
    python benchmarks/judge_comparison.py languages minilm/all-MiniLM-L6-v2 use/multilingual pocket/clip
    python benchmarks/judge_comparison.py cost minilm/all-MiniLM-L6-v2    # one judge a process

The tables of docs/judges.md are its output. `RUN` is a finished pocket battle, as `telephone play` leaves it.
"""

import itertools
import resource
import sys
import time

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from telephone import world
from telephone.core.records import Prompt
from telephone.judge import count_facts
from telephone.judge.known_losses import known_pairs
from telephone.judge.readability import unknown_share
from telephone.models import Embedder, embedder
from telephone.prompts import get_prompts
from telephone.store import Run
from telephone.store.similarity_calibration import shipped_calibrations

SUBSETS, SIZE = 100, 10
LEVEL = 0.05
SCENES = 200
SENTENCES = {
    "English": ("a red boat", "A brown dog sleeps on a sofa.", "Two cats sit in front of a house at night."),
    "Chinese": ("红色的船", "一只棕色的狗在沙发上睡觉。", "晚上两只猫坐在房子前面。"),
    "Japanese": ("赤い船", "茶色の犬がソファで寝ている。", "夜、家の前に猫が二匹座っている。"),
    "Korean": ("빨간 배", "갈색 개가 소파에서 자고 있다.", "밤에 고양이 두 마리가 집 앞에 앉아 있다."),
    "Russian": ("красная лодка", "Коричневая собака спит на диване.", "Две кошки сидят перед домом ночью."),
    "Arabic": ("قارب أحمر", "كلب بني ينام على الأريكة.", "قطتان تجلسان أمام المنزل ليلا."),
    "German": ("ein rotes Boot", "Ein brauner Hund schläft auf dem Sofa.", "Zwei Katzen sitzen vor einem Haus."),
    "Thai": ("เรือสีแดง", "สุนัขสีน้ำตาลนอนบนโซฟา", "แมวสองตัวนั่งหน้าบ้านตอนกลางคืน"),
    "Hindi": ("लाल नाव", "एक भूरा कुत्ता सोफे पर सो रहा है।", "रात में दो बिल्लियाँ घर के सामने बैठी हैं।"),
    "Khmer": ("ទូកក្រហម", "ឆ្កែពណ៌ត្នោតកំពុងដេកលើសាឡុង", "ឆ្មាពីរក្បាលអង្គុយនៅមុខផ្ទះនៅពេលយប់"),
    "Sinhala": ("රතු බෝට්ටුව", "දුඹුරු බල්ලෙක් සෝෆාවක නිදාගනී", "රාත්‍රියේ බළලුන් දෙදෙනෙක් නිවස ඉදිරිපිට වාඩි වී සිටිති"),
    "Amharic": ("ቀይ ጀልባ", "ቡናማ ውሻ ሶፋ ላይ ይተኛል", "ሁለት ድመቶች በሌሊት ከቤት ፊት ለፊት ተቀምጠዋል"),
    "emoji": ("🚗", "🐱🐶", "🚤🌊🌙"),
}  # fmt: skip


def main() -> None:
    """Runs one of the comparisons."""
    what, *rest = sys.argv[1:]
    {"facts": facts, "wordings": wordings, "losses": losses, "languages": languages, "cost": cost}[what](*rest)


def distances(judge: Embedder, pairs: list[tuple[str, str]]) -> np.ndarray:
    """Returns the cosine distance of each pair of texts."""
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    rows = np.asarray(judge.embed_texts(texts), dtype=np.float64)
    at = {text: number for number, text in enumerate(texts)}
    one, other = ([at[pair[side]] for pair in pairs] for side in (0, 1))
    return 1 - (rows[one] * rows[other]).sum(1)


def facts(folder: str, *judges: str) -> None:
    """Prints the rank correlation of distances with the share of facts lost, pooled and within prompts."""
    with Run.open(folder) as run:
        turns = run.turns()
    table = turns.loc[turns["text_after"].notna(), ["prompt", "level", "text_after"]].drop_duplicates()
    table["lost"] = [
        1 - (count_facts(prompt, text).values["facts_recall"] or 0.0)
        for prompt, text in zip(table["prompt"], table["text_after"], strict=True)
    ]
    print(f"{len(table)} distinct descriptions of {table['prompt'].nunique()} prompts")
    for ref in judges:
        judge = embedder(ref)
        table["distance"] = distances(judge, list(zip(table["prompt"], table["text_after"], strict=True)))
        pooled = spearmanr(table["distance"], table["lost"]).statistic
        kept = [part for _, part in table.groupby("prompt") if part["lost"].nunique() > 1]
        within = [spearmanr(part["distance"], part["lost"]).statistic for part in kept]
        calibrated = shipped_calibrations()[judge.traits().fingerprint].similarity(table["distance"].to_numpy())
        error = np.abs(calibrated - (1 - table["lost"])).mean()
        print(
            f"| {ref} | {np.mean(within):.2f} ({min(within):.2f} to {max(within):.2f}, {len(within)} prompts)"
            f" | {pooled:.2f} | {error:.2f} |"
        )


def wordings(*judges: str) -> None:
    """Prints how often one wording is told from another over ten prompts of pocket-100, by distance and similarity."""
    prompts = [prompt for prompt in get_prompts("pocket-100") if isinstance(prompt, Prompt)]
    for ref in judges:
        judge = embedder(ref)
        curve = shipped_calibrations()[judge.traits().fingerprint]
        for lang in curve.languages:
            scenes = [world.parse(prompt.text) for prompt in prompts]
            starts = [
                prompt.text if lang == "en" else world.caption(world.parse(prompt.text), lang) for prompt in prompts
            ]
            by = {}
            for wording in world.WORDINGS[lang]:
                texts = [world.caption(scene, lang, wording) for scene in scenes]
                by[wording] = distances(judge, list(zip(starts, texts, strict=True)))
            for one, other in itertools.combinations(by, 2):
                raw = by[one] - by[other]
                calibrated = curve.similarity(by[one]) - curve.similarity(by[other])
                print(
                    f"| {ref} | {lang}: {one}, {other} | {raw.mean():+.3f} | {crowned(raw)} | {calibrated.mean():+.3f}"
                    f" | {crowned(calibrated)} | {told(calibrated):.3f} |"
                )


def crowned(differences: np.ndarray) -> int:
    """Returns in how many of 100 subsets of ten prompts the paired sign-flip test tells the two apart at 5 %."""
    draw = np.random.default_rng(0)
    signs = np.array(list(itertools.product((-1, 1), repeat=SIZE)))
    found = 0
    for _ in range(SUBSETS):
        some = differences[draw.choice(len(differences), SIZE, replace=False)]
        sums = np.abs(signs @ some)
        found += np.mean(sums >= abs(some.sum()) - 1e-12) <= LEVEL
    return found


def told(differences: np.ndarray) -> float:
    """Returns the p of the paired sign-flip test over all prompts, by 4,000 random flips."""
    signs = np.random.default_rng(0).choice((-1, 1), (4000, len(differences)))
    return float((np.sum(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12) + 1) / 4001)


def losses(*judges: str) -> None:
    """Prints how well distance and calibrated similarity separate rewordings from losses of 1, 2, 4 and more facts."""
    for ref in judges:
        judge = embedder(ref)
        curve = shipped_calibrations()[judge.traits().fingerprint]
        for lang in curve.languages:
            pairs = known_pairs(SCENES, lang)
            found = distances(judge, [(pair.reference, pair.text) for pair in pairs])
            lost, kept = np.array([pair.lost for pair in pairs]), np.array([pair.kept for pair in pairs])
            areas = [np.mean(found[lost == 0][:, None] < found[lost == number][None]) for number in (1, 2)]
            beyond = [np.mean(found[group] > curve.reworded) for group in (lost == 1, lost == 2, lost == 4, kept < 0.5)]
            print(
                f"| {ref} | {lang} | {areas[0]:.2f} | {areas[1]:.2f} | {np.median(found[lost == 0]):.2f} |"
                f" {curve.reworded:.2f} | {' | '.join(f'{share:.0%}' for share in beyond)} |"
            )


def languages(*judges: str) -> None:
    """Prints the largest share of unknown pieces of a sentence, by language and judge."""
    rows = {
        ref: {
            name: f"{max(unknown_share(embedder(ref).pieces(text)) for text in texts):.0%}"
            for name, texts in SENTENCES.items()
        }
        for ref in judges
    }
    print(pd.DataFrame(rows).to_string())


def cost(ref: str) -> None:
    """Prints CPU seconds to load, CPU milliseconds a text and the memory that the judge takes."""
    pairs = known_pairs(50)
    texts = list(dict.fromkeys(pair.text for pair in pairs))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    judge = embedder(ref)
    started = time.process_time()
    judge.embed_texts(["one text"])
    loaded = time.process_time()
    judge.embed_texts(texts)
    each = (time.process_time() - loaded) / len(texts) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"| {ref} | {loaded - started:.1f} s | {each:.1f} ms | {(peak - before) / 1024:.0f} MB |")


if __name__ == "__main__":
    main()
