"""The wiring of the recovery of a restored database."""

from domain.use_cases.delivery.archives import ArchiveBuilder
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.payments.order_placement import OrderPlacement, PlacementRepositories
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.reconciliation.run import Reconciliation
from domain.use_cases.recovery.archive_rebuilding import ArchiveRebuilding
from domain.use_cases.recovery.log_heads import LogHeads
from domain.use_cases.recovery.mailed_links import MailedLinkRecovery
from domain.use_cases.recovery.order_rebuilding import OrderRebuilding
from domain.use_cases.recovery.own_objects import OwnObjects
from domain.use_cases.recovery.restored_database import RestoredDatabase
from domain.use_cases.recovery.result_rebuilding import ResultRebuilding
from domain.use_cases.recovery.session_rebuilding import SessionRebuilding
from domain.use_cases.restoration.originals import OriginalsCopier
from entrypoints.bootstrap.ports import Ports


def log_heads_from(ports: Ports) -> LogHeads:
    """Wire the copies of the log's head in the object storage."""
    return LogHeads(
        unit_of_work=ports.unit_of_work,
        storage=ports.storage,
        token_signer=ports.token_signer,
        clock=ports.clock,
    )


def restored_database_from(
    ports: Ports,
    log_heads: LogHeads,
    command_handler: OrderCommandHandler[PlacementRepositories],
    order_placement: OrderPlacement,
    ownership: PaymentOwnership,
    originals_copier: OriginalsCopier,
    archives: ArchiveBuilder,
    reconciliation: Reconciliation,
) -> RestoredDatabase:
    """Wire the rebuilding of sessions and orders from the object storage."""
    own_objects = OwnObjects(ports.storage)
    archive_rebuilding = ArchiveRebuilding(
        objects=own_objects,
        builder=archives,
        token_signer=ports.token_signer,
        clock=ports.clock,
        policy=ports.policy,
    )
    rebuilding = OrderRebuilding(
        unit_of_work=ports.unit_of_work,
        objects=own_objects,
        originals_copier=originals_copier,
        results=ResultRebuilding(
            objects=own_objects, archives=archive_rebuilding, command_handler=command_handler
        ),
        archives=archive_rebuilding,
        mails=ports.email_listing,
        command_handler=command_handler,
    )
    return RestoredDatabase(
        unit_of_work=ports.unit_of_work,
        heads=log_heads,
        ledger=ports.payment_listing,
        objects=ports.object_listing,
        ownership=ownership,
        sessions=SessionRebuilding(
            command_handler=command_handler,
            order_placement=order_placement,
            unit_of_work=ports.unit_of_work,
            objects=own_objects,
            clock=ports.clock,
            policy=ports.policy,
        ),
        rebuilding=rebuilding,
        mailed_links=MailedLinkRecovery(
            unit_of_work=ports.unit_of_work,
            mails=ports.email_listing,
            rebuilding=rebuilding,
            clock=ports.clock,
            policy=ports.policy,
        ),
        reconciliation=reconciliation,
        clock=ports.clock,
    )
