"""The server's secrets: what tokens are signed with and sealed texts are encrypted with.

There is a list of them, newest first. The first one signs and encrypts, all of them verify and
decrypt; so a secret is replaced by putting a new one in front, and the old one is removed when
nothing made with it is in use any more. No secret is used directly: each purpose has keys of its
own, derived from the secrets.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import IO

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

MINIMUM_LENGTH = 32
"""Characters. A shorter secret could be guessed from one token, without asking the server."""


class SecretsError(ValueError):
    """The secrets cannot be used. The message says what to do and shows no secret."""


class Secrets:
    """One or more secrets, newest first. Raises :class:`SecretsError` on none or a short one."""

    def __init__(self, values: Sequence[str]) -> None:
        if not values:
            raise SecretsError("no secret is given: at least one is needed")
        for number, value in enumerate(values, 1):
            if len(value) < MINIMUM_LENGTH:
                raise SecretsError(
                    f"secret number {number} has {len(value)} characters and needs"
                    f" {MINIMUM_LENGTH} or more; `openssl rand -hex 32` makes a good one"
                )
        self._values = [value.encode() for value in values]
        self._keys: dict[str, tuple[bytes, ...]] = {}
        self._boxes: dict[str, MultiFernet] = {}

    def __repr__(self) -> str:
        return f"Secrets({self.identity()})"

    def keys(self, purpose: str) -> tuple[bytes, ...]:
        """The 32-byte keys for ``purpose``, newest first.

        A purpose is a constant in the code, never something that a client sent: keys are kept.
        """
        keys = self._keys.get(purpose)
        if keys is None:
            message = b"crossbar key for " + purpose.encode()
            keys = tuple(hmac.digest(value, message, "sha256") for value in self._values)
            self._keys[purpose] = keys
        return keys

    def mac(self, purpose: str, message: bytes) -> bytes:
        """HMAC-SHA256 of ``message``, 32 bytes, with the newest secret."""
        return hmac.digest(self.keys(purpose)[0], message, "sha256")

    def macs(self, purpose: str, message: bytes) -> list[bytes]:
        """The same with every secret, newest first: what an earlier :meth:`mac` may have been."""
        return [hmac.digest(key, message, "sha256") for key in self.keys(purpose)]

    def seal(self, purpose: str, text: str) -> str:
        """``text`` encrypted and authenticated with the newest secret, as URL-safe ASCII."""
        # The time that Fernet puts in clear into its result is left at 0: nobody needs it.
        return self._box(purpose).encrypt_at_time(text.encode(), 0).decode()

    def open(self, purpose: str, text: str) -> str | None:
        """What was sealed for ``purpose``; ``None`` when it was altered or is not ours."""
        try:
            return self._box(purpose).decrypt(text.encode("ascii")).decode()
        except (InvalidToken, UnicodeEncodeError):
            return None

    def ids(self) -> tuple[str, ...]:
        """A public name of each secret, newest first: 12 hex digits that give nothing away."""
        return tuple(key.hex()[:12] for key in self.keys("id"))

    def identity(self) -> str:
        """The :meth:`ids` in one text, for a store to remember."""
        return " ".join(self.ids())

    def knows(self, remembered: str) -> bool:
        """Whether what was made under the :meth:`identity` ``remembered`` can be read here.

        That is so when the newest secret of then is one of today's.
        """
        return remembered.split(" ", 1)[0] in self.ids()

    def _box(self, purpose: str) -> MultiFernet:
        box = self._boxes.get(purpose)
        if box is None:
            keys = self.keys(f"seal {purpose}")
            box = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
            self._boxes[purpose] = box
        return box


def load_or_create(path: Path) -> Secrets:
    """Read the secrets from a file; make the file, with one random secret, when there is none.

    One secret a line, newest first; empty lines and lines that start with ``#`` are skipped. Of
    several processes that make the file at once one does it and all read the same.

    Raises :class:`SecretsError` when the file can be neither read nor made, and when others than
    its owner may read or write it.
    """
    try:
        if not path.exists():
            _create(path)
        with path.open(encoding="utf-8") as file:
            _refuse_open_doors(path, file)
            lines = [line.strip() for line in file]
    except OSError as error:
        raise SecretsError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SecretsError(f"{path} cannot be read: it is not text in UTF-8") from None
    try:
        return Secrets([line for line in lines if line and not line.startswith("#")])
    except SecretsError as error:
        raise SecretsError(f"{path}: {error}") from None


def _create(path: Path) -> None:
    """Put the file there complete, or not at all; leave one alone that appears meanwhile."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that is opened under its final name is empty for a moment, in which another process
    # could read it. A link appears with its content, and fails when the name is taken.
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("# The server's secrets, one a line, newest first. Nobody else's.\n")
            file.write(f"{token_hex(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _refuse_open_doors(path: Path, file: IO[str]) -> None:
    mode = os.fstat(file.fileno()).st_mode & 0o777
    if mode & 0o077:
        raise SecretsError(
            f"{path} has mode {mode:03o}: others than its owner may use it."
            f" Say `chmod 600 {path}`, and replace the secrets if somebody may have read them"
        )
