"""Text that cannot print itself."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn, Self, SupportsIndex

_SHOWN = "<secret>"


class SecretText:
    """A text that only leaves through :meth:`reveal`.

    It is no ``str``: a subclass would still come out of ``"".join``, ``json.dumps``, ``+`` and database
    drivers. Printing, formatting and logging give ``<secret>``; pickling and JSON raise ``TypeError``.
    """

    __slots__ = ("_text",)

    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """The text itself. Keep it in a local variable, for as short as possible."""
        return self._text

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret text does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a secret text does not change")

    def __repr__(self) -> str:
        return _SHOWN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(_SHOWN, spec)

    def __len__(self) -> int:
        return len(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        """Compared in constant time, and only ever equal to another secret text."""
        if not isinstance(other, SecretText):
            return NotImplemented
        mine, theirs = (text.encode("utf-8", "surrogatepass") for text in (self._text, other._text))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash((SecretText, self._text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret text cannot be pickled")
