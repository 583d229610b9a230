"""PostgreSQL's settings of the shop's sessions: time-outs and time zone."""

from collections.abc import Mapping

from sqlalchemy import Connection, Engine, event

#: Longer statements are treated as defects.
STATEMENT_TIMEOUT_SECONDS = 10.0
#: The same for staff commands, which may read the whole log.
COMMAND_STATEMENT_TIMEOUT_SECONDS = 30.0
#: A transaction of ours waits for nothing but the database. A client silent for this long inside one was stopped or
#: has died, and must not keep its locks.
IDLE_IN_TRANSACTION_SECONDS = 5.0


def session_settings(statement_timeout_seconds: float | None) -> dict[str, object]:
    """Return the settings by name; without a statement time-out transactions may idle."""
    return {
        "timezone": "UTC",
        "statement_timeout": _milliseconds(statement_timeout_seconds),
        "lock_timeout": 0,  # whatever is a role's own: the statement time-out has the wait for a lock in it
        "idle_in_transaction_session_timeout": _milliseconds(
            IDLE_IN_TRANSACTION_SECONDS if statement_timeout_seconds else None
        ),
    }


def as_options(settings: Mapping[str, object]) -> str:
    """Return the settings as libpq's ``options``, which hold for a whole session."""
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def set_in_each_transaction(engine: Engine, settings: Mapping[str, object]) -> None:
    """Set them when a transaction begins, because each may get another session.

    SET takes no snapshot, so that the transaction can still adopt another's.
    """
    statement = ";".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items()).encode()

    def set_locally(connection: Connection) -> None:
        connection.connection.driver_connection.execute(statement)  # type: ignore[union-attr]

    event.listen(engine, "begin", set_locally)


def _milliseconds(seconds: float | None) -> int:
    """Return a PostgreSQL time-out in milliseconds; 0 disables it."""
    return int((seconds or 0) * 1000)
