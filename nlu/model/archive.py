"""A trained Rasa archive, read without Rasa's graph runner: the components of the archive, called in order.

Only `rasa.engine` and the message type are imported; TensorFlow is not. The answers are those of Rasa's own
`/model/parse`, with one wanted difference: a text that begins with a slash is a text. Rasa would take `/greet` as
an order to read the intent `greet` with full confidence, and a visitor's words must never be an order.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent
LONGEST_TEXT = 2000
_NOT_RUN = ("NLUMessageConverter", "RegexMessageHandler")


@dataclass(frozen=True)
class Pipeline:
    """The components of one archive. `model_file` is its name, `model_id` Rasa's id of it."""

    components: tuple[Any, ...]
    model_file: str
    model_id: str
    trained_at: str

    def begin(self, text: str) -> Any:
        """A message for the first LONGEST_TEXT characters, as Rasa would make it."""
        from rasa.shared.nlu.constants import TEXT_TOKENS
        from rasa.shared.nlu.training_data.message import Message

        return Message(data={"text": text.strip()[:LONGEST_TEXT]}, output_properties={TEXT_TOKENS})

    def quick(self, message: Any, pressed: bool = False) -> bool:
        """Run every component that is quick for this message. True when that was all of them.

        `pressed`: what is slow and may be left out is left out.
        """
        for component in self.components:
            if not is_slow(component, message):
                component.process([message])
            elif not (pressed and component.can_wait(message)):
                return False
        return True

    def slow(self, message: Any) -> None:
        """Run the components that `quick` left out. Takes tens of milliseconds; meant for a thread."""
        left = False
        for component in self.components:
            left = left or is_slow(component, message)
            if left:
                component.process([message])

    def answer(self, message: Any) -> dict[str, Any]:
        """The parse result in Rasa's shape."""
        empty = {"text": "", "intent": {"name": None, "confidence": 0.0}, "entities": []}
        return {**empty, **message.as_dict(only_output_properties=True)}

    def parse(self, text: str) -> dict[str, Any]:
        """All of the above at once."""
        message = self.begin(text)
        if not self.quick(message):
            self.slow(message)
        return self.answer(message)


def is_slow(component: Any, message: Any) -> bool:
    """Whether a component says that this message will take it long."""
    asked = getattr(component, "is_slow_for", None)
    return bool(asked is not None and asked(message))


def load(path: Path) -> Pipeline:
    """Load an archive. Raises OSError or ValueError when it is not a whole Rasa model."""
    if str(PROJECT) not in sys.path:
        sys.path.insert(0, str(PROJECT))
    from rasa.engine.graph import ExecutionContext, GraphSchema
    from rasa.engine.storage.local_model_storage import LocalModelStorage
    from rasa.engine.storage.resource import Resource
    from rasa.shared.utils.common import class_from_module_path
    from tarsafe import TarSafe

    with tempfile.TemporaryDirectory(prefix="gyeot-model-") as unpacked:
        with TarSafe.open(path, mode="r:gz") as packed:
            packed.extractall(unpacked)
        metadata = json.loads((Path(unpacked) / "metadata.json").read_text("utf-8"))
        storage = LocalModelStorage(Path(unpacked) / "components")
        # Rasa's ModelMetadata.from_dict would import every class of the graph, and TensorFlow with them.
        context = ExecutionContext(GraphSchema({}), metadata["model_id"])
        components = []
        for name, node in _in_order(metadata["predict_schema"]["nodes"]):
            if node["uses"].rpartition(".")[2] in _NOT_RUN:
                continue
            make = getattr(class_from_module_path(node["uses"]), node["constructor_name"])
            resource = Resource((node["resource"] or {"name": name})["name"])
            components.append(make(node["config"], storage, resource, context))
    return Pipeline(tuple(components), path.name, metadata["model_id"], metadata["trained_at"])


def _in_order(nodes: dict[str, Any]) -> list[tuple[str, Any]]:
    ordered: list[tuple[str, Any]] = []
    done: set[str] = set()
    while len(ordered) < len(nodes):
        ready = [
            (name, node)
            for name, node in nodes.items()
            if name not in done and all(need not in nodes or need in done for need in node["needs"].values())
        ]
        if not ready:
            message = "the graph of this archive runs in a circle"
            raise ValueError(message)
        ordered += ready
        done.update(name for name, _ in ready)
    return ordered
