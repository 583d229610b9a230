"""The comparison of the log with the object storage.

Every object that an event names must exist with the recorded bytes, and every stored object must be named.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from domain.object_keys import LASTING, TEMPORARY, owner_of
from domain.order.values import ObjectKey, OrderId, StoredObject, UploadSessionId
from domain.ports.errors import ObjectMissingError
from domain.ports.object_storage import ObjectOwner, ObjectStorage
from domain.ports.provider_listings import ListedObject, ObjectListing
from domain.ports.unit_of_work import UnitOfWork
from domain.use_cases.privacy.unreadable_orders import (
    UnreadableOrderRepositories,
    sessions_of_unreadable_orders,
)
from domain.use_cases.reconciliation.comparison import ComparisonContext, paged
from domain.use_cases.reconciliation.findings import Finding, FindingCase, FindingCode, Foreign, Side
from domain.use_cases.reconciliation.foreign_objects import ForeignObjects
from domain.use_cases.reconciliation.object_inventory import ObjectInventory, inventory_of

#: What is wrong with an object, and the size or the hash that it has.
_Problem = tuple[FindingCode, FindingCase | None, object]


@dataclass(eq=False, kw_only=True)
class ObjectStorageComparison:
    """Compares objects stored, and objects named by events, since a moment.

    The keys of the period are held in memory; bytes are streamed, one object at a time.
    """

    side = Side.STORAGE

    unit_of_work: UnitOfWork[UnreadableOrderRepositories]
    ledger: ObjectListing
    storage: ObjectStorage

    def compare(self, context: ComparisonContext) -> Iterator[Finding]:
        """Yield missing and changed objects, then strays.

        Of the strays, only uploads of cleaned-up sessions are ever deleted.
        """
        foreign = ForeignObjects(self.storage)
        listed = {each.key: each for prefix in LASTING for each in self._stored_since(prefix, context)}
        with self.unit_of_work.transaction() as transaction:
            order_ids = transaction.reconciliation_queries.orders_since(context.since)
        for page in paged(order_ids):
            for order_id, inventory in self._inventories(page).items():
                for recorded_at, stored in inventory.named:
                    found = listed.pop(stored.key, None)
                    if recorded_at >= context.since:
                        reads_bytes = context.reads_bytes or stored.key in inventory.lost
                        with self._isolated(context, stored.key):
                            yield from self._judge(
                                context, order_id, recorded_at, stored, found, reads_bytes=reads_bytes
                            )
        yield from self._strays(context, listed.values(), foreign)
        yield from self._temporary_strays(context, foreign)

    def _isolated(self, context: ComparisonContext, key: ObjectKey) -> AbstractContextManager[None]:
        """Isolate an object: report it if only this object cannot be read."""
        return context.isolated(self.side, "object", key, probe=self.storage.check)

    def _stored_since(self, prefix: str, context: ComparisonContext) -> Iterator[ListedObject]:
        for page in paged(self.ledger.objects_under(prefix, context.unreadable(self.side))):
            context.watch(len(page))
            yield from (each for each in page if each.stored_at >= context.since)

    def _inventories(self, order_ids: Sequence[OrderId]) -> dict[OrderId, ObjectInventory]:
        with self.unit_of_work.transaction() as transaction:
            streams = transaction.reconciliation_queries.streams(order_ids)
            left_out = [order_id for order_id in order_ids if order_id not in streams]
            unreadable = transaction.reconciliation_queries.unreadable_events(left_out) if left_out else []
        inventories = {order_id: inventory_of(order_id, stream) for order_id, stream in streams.items()}
        return inventories | {each.order_id: ObjectInventory(is_complete=False) for each in unreadable}

    def _judge(
        self,
        context: ComparisonContext,
        order_id: OrderId,
        recorded_at: datetime,
        stored: StoredObject,
        found: ListedObject | None,
        *,
        reads_bytes: bool,
    ) -> Iterator[Finding]:
        context.watch(1)
        problem: _Problem | None = None
        if found is not None and found.size_bytes != stored.size_bytes:
            problem = FindingCode.OBJECT_DIFFERS, FindingCase.SIZE, found.size_bytes
        elif found is None or reads_bytes:
            problem = self._read(stored, to_its_end=reads_bytes)
        if problem is None:
            return
        if not self._is_named_still(order_id, stored.key):
            return  # it was deleted during the comparison
        what, case, actual = problem
        yield Finding(
            side=Side.STORAGE,
            what=what,
            subject=stored.key,
            order_id=order_id,
            since=recorded_at,
            case=case,
            facts={"found": actual, "size_bytes": stored.size_bytes, "sha256": stored.sha256},
        )

    def _read(self, stored: StoredObject, *, to_its_end: bool) -> _Problem | None:
        digest = hashlib.sha256()
        try:
            with self.storage.read(stored.key) as chunks:
                for chunk in chunks if to_its_end else ():
                    digest.update(chunk)
        except ObjectMissingError:
            return FindingCode.OBJECT_MISSING, None, None
        if to_its_end and digest.hexdigest() != stored.sha256:
            return FindingCode.OBJECT_DIFFERS, FindingCase.CONTENTS, digest.hexdigest()
        return None

    def _is_named_still(self, order_id: OrderId, key: ObjectKey) -> bool:
        return any(key in inventory.keys for inventory in self._inventories([order_id]).values())

    def _strays(
        self, context: ComparisonContext, unnamed: Iterable[ListedObject], foreign: ForeignObjects
    ) -> Iterator[Finding]:
        """Yield stored objects that no event names.

        Orders without events in the period may own some: their inventories are read before a verdict.
        """
        old = [each for each in unnamed if each.stored_at < context.settled_before]
        for page in paged(old):
            owners = {each.key: OrderId(owner) for each in page if (owner := owner_of(each.key))}
            inventories = self._inventories(list(set(owners.values())))
            for stray in page:
                order_id = owners.get(stray.key)
                inventory = inventories.get(order_id) if order_id else None
                whose = ObjectOwner.OURS if inventory is not None else None
                if inventory is None:
                    with self._isolated(context, stray.key):
                        whose = foreign.owner_of(stray.key, order_id)
                    if whose is None:
                        continue  # it was deleted meanwhile, or is unreadable
                if whose is ObjectOwner.FOREIGN:
                    context.report_foreign(_foreign(stray))
                elif not (inventory or ObjectInventory()).accounts_for(stray.key, context.settled_before):
                    yield Finding(
                        side=Side.STORAGE,
                        what=FindingCode.STRAY_OBJECT,
                        subject=stray.key,
                        order_id=order_id,
                        since=stray.stored_at,
                    )

    def _temporary_strays(self, context: ComparisonContext, foreign: ForeignObjects) -> Iterator[Finding]:
        """Yield stray uploads; repairs delete those of cleaned-up sessions only.

        An unknown session is no reason to delete: the bucket may be shared, and after a backup was restored these can
        be the only copies of paid photos.
        """
        for page in paged(self.ledger.objects_under(TEMPORARY, context.unreadable(self.side))):
            context.watch(len(page))
            old = [each for each in page if each.stored_at < context.settled_before]
            sessions = {each.key: UploadSessionId(owner) for each in old if (owner := owner_of(each.key))}
            with self.unit_of_work.transaction() as transaction:
                asked = list(set(sessions.values()))
                known = transaction.reconciliation_queries.known_sessions(asked)
                tidied = transaction.reconciliation_queries.tidied_sessions(asked)
                unreadable = sessions_of_unreadable_orders(transaction, tidied)
            for stray in old:
                session_id = sessions.get(stray.key)
                if session_id in unreadable:
                    continue  # the comparison of the log reports its order
                if session_id in tidied:
                    finding = _upload_finding(stray, FindingCode.STRAY_UPLOAD)
                    yield context.repair(finding, lambda key=stray.key: self.storage.delete([key]))  # type: ignore[misc]
                elif session_id not in known:
                    with self._isolated(context, stray.key):
                        yield from self._unknown(context, stray, foreign.owner_of(stray.key, session_id))

    def _unknown(
        self, context: ComparisonContext, stray: ListedObject, owner: ObjectOwner | None
    ) -> Iterator[Finding]:
        """Report an upload of an unknown session, unless it is gone."""
        match owner:
            case ObjectOwner.FOREIGN:
                context.report_foreign(_foreign(stray))
            case ObjectOwner.OURS:
                yield _upload_finding(stray, FindingCode.UNKNOWN_UPLOAD, FindingCase.OF_THIS_SHOP)
            case ObjectOwner.UNMARKED:
                yield _upload_finding(stray, FindingCode.UNKNOWN_UPLOAD, FindingCase.UNMARKED)
            case None:
                pass


def _foreign(stray: ListedObject) -> Foreign:
    return Foreign(side=Side.STORAGE, kind="object", subject=stray.key, since=stray.stored_at)


def _upload_finding(stray: ListedObject, what: FindingCode, case: FindingCase | None = None) -> Finding:
    return Finding(
        side=Side.STORAGE,
        what=what,
        subject=stray.key,
        since=stray.stored_at,
        case=case,
    )
