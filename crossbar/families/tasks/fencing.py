"""Writing as the one process that runs a task, and saying in the same commit what is done.

Who runs a task has written a document, its *fence*, that no commit for the task may go without.
Who takes over removes it, and so does who stops the task: from then on whatever the former still
does cannot be written any more, however long it was asleep. The commit that does what a row asks
for also has the piece that says so. So no row is done twice, and none without being told of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from crossbar.core.writing import Writer
from crossbar.documents import Document, next_revision
from crossbar.errors import Conflict, NoSuchDocument
from crossbar.storage import Batch, Key, Put, Remove

FENCE_TYPE = "task_run"

Note = Callable[[Put | Remove | None], Awaitable[Put]]
"""Makes of the write that rows were waited for, if there is one, the piece that tells of them."""


class Overtaken(Exception):
    """Another process runs the task by now, or it was stopped."""


def fence_key(account_id: str, run: str) -> Key:
    """Where the fence of a run is kept."""
    return Key(account_id, FENCE_TYPE, f"task-run-{run}")


def fence_put(account_id: str, run: str) -> Put:
    """The write by which a run begins."""
    key = fence_key(account_id, run)
    document: Document = {
        "_id": key.doc_id,
        "_rev": next_revision(None),
        "pvt_type": FENCE_TYPE,
        "pvt_account_id": account_id,
    }
    return Put(key, document, None, sort=None)


class Fenced(Writer):
    """The writer of one run. All that it commits, it commits behind its fence."""

    def __init__(self, writer: Writer, fence: Key) -> None:
        self._writer = writer
        self._fence = fence
        self._note: Note | None = None
        self._doc_type = ""

    def begin(self, note: Note) -> None:
        """From now on the next commit of what is waited for has a piece in it."""
        self._note = note
        self._doc_type = ""

    def await_type(self, doc_type: str) -> None:
        """The commit that does the work is the next one with a document of a type, or any."""
        self._doc_type = doc_type

    @property
    def is_told(self) -> bool:
        """Whether the piece is written."""
        return self._note is None

    async def commit(self, batch: Batch) -> None:
        """Write a batch, while the run is the one of the task.

        Raises :class:`Overtaken`, and what others do that commit.
        """
        note, write = None, self._awaited(batch)
        if self._note is not None and (write or not self._doc_type):
            note = await self._note(write)
            batch = replace(batch, puts=(*batch.puts, note))
        try:
            await self._writer.commit(batch.requiring((self._fence,)))
        except NoSuchDocument as gone:
            if gone.detail.get("cause") == self._fence.doc_id:
                raise Overtaken from None
            raise
        except Conflict as lost:
            if note is not None and lost.about == note.key:
                raise Overtaken from None
            raise
        if note is not None:
            self._note = None

    async def tell(self) -> None:
        """Write the piece by itself, if nothing was written for the rows."""
        if self._note is not None:
            self._doc_type = ""
            await self.commit(Batch())

    def _awaited(self, batch: Batch) -> Put | Remove | None:
        """The write of a batch that does what was asked."""
        writes: list[Put | Remove] = [*batch.puts, *batch.removes]
        for write in writes:
            if write.key.doc_type == self._doc_type:
                return write
        return None
