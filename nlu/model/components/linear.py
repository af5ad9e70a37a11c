"""The first reader: letters and words, a linear model, well under a millisecond."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from components import learning
from components.answer import examples, register, write

FIRST_READING = "first_reading"


class FirstReading:
    """What the first reader knows about one message; the second reader starts from it."""

    __slots__ = ("columns", "intents", "probabilities", "values", "vocabulary")

    def __init__(self, vocabulary: learning.Vocabulary, model: learning.Softmax, text: str) -> None:
        """Read `text`."""
        self.vocabulary = vocabulary
        self.columns, self.values = vocabulary.read(text)
        self.intents = model.intents
        self.probabilities = model.probabilities(self.values @ model.weights[self.columns] + model.offsets)


@register("INTENT_CLASSIFIER")
class LinearReader(IntentClassifier, GraphComponent):
    """Names the intent of a message from its letters and words."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`strength`: inverse penalty of the regression; `seen_in`: texts that must share a feature."""
        return {"strength": 10.0, "seen_in": 2}

    def __init__(self, config: Dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        """A reader that has learned nothing yet."""
        self._config = {**self.get_default_config(), **config}
        self._storage = storage
        self._resource = resource
        self._learned: tuple[learning.Vocabulary, learning.Softmax] | None = None

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LinearReader:
        """An untrained reader, for Rasa."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> LinearReader:
        """A trained reader from the archive, for Rasa."""
        reader = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            vocabulary, model, _ = learning.load(folder)
        reader._learned = (vocabulary, model)
        return reader

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples; the confidence is set on lines that the model did not learn from."""
        texts, labels = examples(training_data)
        vocabulary, model = learn(texts, labels, self._config["strength"], self._config["seen_in"])
        with self._storage.write_to(self._resource) as folder:
            learning.save(folder, vocabulary, model)
        self._learned = (vocabulary, model)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Write intent and ranking on each message."""
        if self._learned is None:
            return messages
        for message in messages:
            reading = FirstReading(*self._learned, message.get("text") or "")
            message.set(FIRST_READING, reading)
            write(message, reading.intents, reading.probabilities, "linear")
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing is added to the examples."""
        return training_data


def learn(
    texts: Sequence[str], labels: Sequence[str], strength: float, seen_in: int
) -> tuple[learning.Vocabulary, learning.Softmax]:
    """A vocabulary and a calibrated model."""

    def one(inside: np.ndarray, outside: np.ndarray) -> Any:
        known = [texts[each] for each in inside]
        vocabulary = learning.Vocabulary.learn(known, seen_in)
        model = learning.fit(vocabulary.matrix(known), [labels[each] for each in inside], strength)
        if not len(outside):
            return (vocabulary, model), model.intents, None
        scores = vocabulary.matrix([texts[each] for each in outside]) @ model.weights + model.offsets
        return (vocabulary, model), model.intents, scores

    (vocabulary, model), temperature = learning.fit_honestly(one, labels)
    return vocabulary, learning.with_temperature(model, temperature)
