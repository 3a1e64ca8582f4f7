"""The documents of an account as a rehearsed call would leave them: nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from crossbar.clock import Clock
from crossbar.core.jobs import Kind
from crossbar.core.ports import Command, Message, Reply
from crossbar.core.requests import Actor
from crossbar.documents import Document, merge
from crossbar.storage import Batch
from crossbar.switch.executor.book import Book

SECRET = ("pin", "password")


class Rehearsal(Book):
    """A book that notes what would be changed, and reads it as if it had been.

    ``changes`` say what, without secrets.
    """

    def __init__(self, actor: Actor, clock: Clock) -> None:
        super().__init__(actor, clock)
        self.changes: list[Document] = []
        self._patches: dict[str, list[Document]] = {}

    def _note(self, what: str, **facts: object) -> None:
        self.changes.append({"what": what, **facts})

    async def get(self, doc_type: str, doc_id: object) -> Document | None:
        """A live document, with what the call would have changed in it."""
        found = await super().get(doc_type, doc_id)
        for patch in self._patches.get(str(doc_id), ()) if found else ():
            found = merge(found or {}, patch)
        return found

    async def change(self, noun: str, doc_id: str, patch: Document) -> bool:
        """Note the change, and read it from now on."""
        self._patches.setdefault(doc_id, []).append(patch)
        self._note("change", noun=noun, id=doc_id, data=_without_secrets(patch))
        return True

    async def keep(
        self, media: Document, audio: AsyncIterator[bytes], box: Document | None = None
    ) -> str:
        """Note what would be kept."""
        if box is None:
            self._note("record", name=media["name"])
        else:
            self._note("message", vmbox_id=box["_id"], milliseconds=media["length"])
        return f"rehearsed-{len(self.changes)}"

    async def file_message(self, box_id: str, message_id: str, folder: str) -> None:
        """Note the folder."""
        self._note("message_folder", vmbox_id=box_id, id=message_id, folder=folder)

    async def copy_message(self, box_id: str, message_id: str, target: str) -> None:
        """Note the copy."""
        self._note("message_copy", vmbox_id=target, id=message_id)

    async def set_queue(self, user_id: str, queue_id: str, action: str) -> bool:
        """Note the login."""
        self._note("agent", user_id=user_id, queue_id=queue_id, action=action)
        return True

    async def order(self, command: Command) -> None:
        """Note the command."""
        self._note("command", name=command.name, data=command.data)

    async def ask(self, kind: Kind, about: Document) -> None:
        """Note the job."""
        about = {name: about[name] for name in ("url", "to") if name in about}
        self._note(kind.name, **about)

    async def notify_administrators(self, template_id: str, facts: Document) -> None:
        """Note the mail."""
        self._note("mail", template=template_id, to=["administrators"])

    async def notify(
        self, template_id: str, facts: Document, to: Iterable[str], user: Document | None = None
    ) -> None:
        """Note who would be written to."""
        if addresses := [each for each in to if "@" in each]:
            self._note("mail", template=template_id, to=addresses)

    async def fetch(self, message: Message, seconds: float) -> Reply | None:
        """Nobody is asked."""
        self._note("not_asked", url=message.url.partition("?")[0])
        return None

    async def tell(self, kind: str, facts: Document) -> None:
        """Note what would be told."""
        self._note("tell", kind=str(facts.get("type", kind)))

    async def commit(self, batch: Batch) -> None:
        """Note the documents that would be written."""
        written = [put.key.doc_id for put in batch.puts]
        removed = [remove.key.doc_id for remove in batch.removes]
        self._note("keep", written=written, removed=removed)


def _without_secrets(patch: Document) -> Document:
    return {name: "***" if name in SECRET else value for name, value in patch.items()}
