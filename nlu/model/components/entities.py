"""How the kinds of facts (facts.py) meet Rasa: as entities on the message.

Only the kind and its place in the text stand on the message; the value is the kind again, so that no word of a
visitor leaves the model's process by this way.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message

from components.facts import marks

_RECIPE = "rasa.engine.recipes.default_recipe"


def register() -> Any:
    """Make the component known to Rasa's recipe, if that is in use (see components.answer)."""
    if _RECIPE not in sys.modules:
        return lambda component: component
    recipe = sys.modules[_RECIPE].DefaultV1Recipe
    return recipe.register(recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)


@register()
class KindExtractor(GraphComponent):
    """Marks the kinds of facts in a message.

    It is no child of Rasa's own extractors: they bring TensorFlow along, 230 MB for every server.
    """

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> KindExtractor:
        """An extractor; it has nothing to learn."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Write the entities on each message, in the order of the text."""
        for message in messages:
            found = marks(message.get("text") or "")
            message.set("entities", (message.get("entities") or []) + found, add_to_output=True)
        return messages
