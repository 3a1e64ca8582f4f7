"""What every store must do, as one suite that each backend's tests inherit.

A subclass supplies three fixtures and overrides nothing else:

* ``store``: an open and empty store;
* ``reopen``: an async callable that closes ``store`` and returns a fresh one on the same data;
* ``another``: an async callable that returns one more open store on the same data, independent of
  the first as that of another process would be.
"""

from __future__ import annotations

from tests.storage.aspects.attachments import AttachmentContract
from tests.storage.aspects.claims import ClaimContract
from tests.storage.aspects.commits import CommitContract
from tests.storage.aspects.concurrency import ConcurrencyContract
from tests.storage.aspects.documents import DocumentContract
from tests.storage.aspects.events import EventContract
from tests.storage.aspects.records import RecordContract
from tests.storage.aspects.scans import ScanContract
from tests.storage.aspects.sieves import SieveContract
from tests.storage.aspects.values import ValueContract


class StoreContract(
    DocumentContract,
    ValueContract,
    ScanContract,
    SieveContract,
    ClaimContract,
    CommitContract,
    EventContract,
    RecordContract,
    AttachmentContract,
    ConcurrencyContract,
):
    def test_nothing_of_the_contract_is_overridden(self) -> None:
        promised = [name for name in dir(StoreContract) if name.startswith("test_")]
        assert len(promised) > 60
        changed = [
            name
            for name in promised
            if getattr(type(self), name) is not getattr(StoreContract, name)
        ]
        assert changed == []
