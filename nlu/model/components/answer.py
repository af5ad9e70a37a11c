"""How a reader meets Rasa: which examples it learns from, how its answer stands on the message."""

from __future__ import annotations

import sys
from typing import Any, Callable, Sequence

import numpy as np
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

RANKED = 10
_RECIPE = "rasa.engine.recipes.default_recipe"


def register(kind: str) -> Callable[[Any], Any]:
    """Make a component known to Rasa's recipe, if Rasa's recipe is in use.

    The thin server loads components from the archive without the recipe, which would pull in TensorFlow.
    """
    if _RECIPE not in sys.modules:
        return lambda component: component
    recipe = sys.modules[_RECIPE].DefaultV1Recipe
    return recipe.register(recipe.ComponentType[kind], is_trainable=True)


def examples(training_data: TrainingData) -> tuple[list[str], list[str]]:
    """Texts and intents, in an order that does not depend on the order of files."""
    pairs = [(one.get("text"), one.get("intent")) for one in training_data.intent_examples if one.get("text")]
    return [text for text, _ in pairs], [intent for _, intent in pairs]


def write(
    message: Message,
    intents: Sequence[str],
    probabilities: np.ndarray,
    reader: str,
    chosen: int | None = None,
) -> None:
    """Set intent, intent_ranking and the reader's name, in Rasa's shape.

    `chosen` stands first whatever its probability; without it the most probable intent does.
    """
    order = np.argsort(-probabilities, kind="stable").tolist()
    if chosen is not None:
        order = [chosen, *(one for one in order if one != chosen)]
    ranking = [
        {"name": intents[one], "confidence": round(float(probabilities[one]), 6)} for one in order[:RANKED]
    ]
    message.set("intent", dict(ranking[0]), add_to_output=True)
    message.set("intent_ranking", ranking, add_to_output=True)
    message.set("reader", reader, add_to_output=True)
