"""Everything the vault refuses, by what the caller can do about it.

    VaultError
    ├── WeakKey      a key or passphrase must not be used: configure another
    ├── UnknownKey   sealed under a key that is not in the ring: put the key back
    ├── Forged       cannot be opened: wrong key, moved from its place, or changed
    └── Malformed    not of the right shape: a caller's or an operator's mistake

No message holds plaintext, a key, or a part of one. Each is raised ``from None`` where the cause could hold
them.
"""

from __future__ import annotations


class VaultError(Exception):
    """Root of the vault's errors."""


class WeakKey(VaultError):
    """A configured key, or a chosen passphrase, is too easy to guess."""


class UnknownKey(VaultError):
    """A blob names a key id that the ring does not hold."""


class Forged(VaultError):
    """A sealed value does not open here. Why is not known, and must not be said to the outside."""


class Malformed(VaultError):
    """A blob, an id or a key text is not of the right shape."""
