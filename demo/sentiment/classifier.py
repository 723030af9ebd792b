"""The model of classifier.ts: the same weights, the same features in the same order, the same answers."""

import json
import math
import re
from pathlib import Path

NEGATORS = {"not", "no", "never", "nothing", "nobody", "without", "cannot"}
REACH = 3
TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|[.,;:!?]")

MODEL = json.loads((Path(__file__).parent / "model.json").read_text())


def features_of(text: str) -> list[str]:
    features: dict[str, None] = {}
    before, negated = None, 0
    for token in TOKEN.findall(text.lower().replace("\u2019", "'")):
        if not token[0].isalpha():
            before, negated = None, 0
            continue
        word = f"not_{token}" if negated > 0 else token
        features[word] = None
        if before is not None:
            features[f"{before} {word}"] = None
        before = word
        negated = REACH if token in NEGATORS or token.endswith("n't") else negated - 1
    return list(features)


def classify(text: str) -> dict:
    features, weights = features_of(text), MODEL["weights"]
    total = 0.0
    for feature in features:
        total += weights.get(feature, 0.0)
    share = 1 / (1 + math.exp(-(MODEL["bias"] + total / math.sqrt(max(1, len(features))))))
    positive = share >= 0.5
    confidence = math.floor((share if positive else 1 - share) * 10_000 + 0.5) / 10_000
    return {"sentiment": "POSITIVE" if positive else "NEGATIVE", "confidence": confidence, "model": MODEL["name"]}
