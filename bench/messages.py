"""Two hundred messages: a fixed choice from the validation set, in a fixed order, none trained on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from nlu import prepare

COUNT: Final = 200
SOURCE: Final = Path(__file__).resolve().parents[1] / "tests" / "sets" / "validation.jsonl"


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the validation set."""

    text: str = field(repr=False)
    lang: str
    risk: str


def chosen(count: int = COUNT, source: Path = SOURCE) -> Sequence[Message]:
    """The same ``count`` messages every time, mixed by the hash of their text.

    Raises ``ValueError`` when there are too few.
    """
    trained = trained_texts()
    lines = [json.loads(line) for line in source.read_text("utf-8").splitlines() if line.strip()]
    fresh = {line["text"]: line for line in lines if plainly(line["text"]) not in trained}
    if len(fresh) < count:
        raise ValueError(f"{source.name} has {len(fresh)} lines that were not trained on; {count} are needed")
    mixed = sorted(fresh.values(), key=lambda line: hashlib.sha256(line["text"].encode()).hexdigest())
    return [Message(line["text"], line["lang"], line["risk"]) for line in mixed[:count]]


def shares(messages: Iterable[Message]) -> Mapping[str, Mapping[str, int]]:
    """How many there are of each risk and each language."""
    messages = list(messages)
    return {
        "risk": dict(Counter(message.risk for message in messages).most_common()),
        "lang": dict(Counter(message.lang for message in messages).most_common()),
    }


def trained_texts() -> set[str]:
    """Every example of the model's training data, spelled plainly."""
    found: set[str] = set()
    for file in sorted((prepare.PROJECT / "data").rglob("*.yml")):
        for block in _examples(yaml.safe_load(file.read_text("utf-8"))):
            found |= {plainly(line.strip().removeprefix("-")) for line in block.splitlines() if line.strip()}
    return found


def plainly(text: str) -> str:
    """Lower case, single spaces."""
    return " ".join(text.lower().split())


def _examples(content: Any) -> Iterable[str]:
    for item in content.get("nlu", []):
        if isinstance(item.get("examples"), str):
            yield item["examples"]
