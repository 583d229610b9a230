"""The limit of reading: the rows of events, fetched and not decoded."""

#: Selects what the shop decodes.
EVENT = """SELECT position, data::text, event_id, order_id, version, name, recorded_at, cause, cause_key,
    correlation_id, actor, previous_sha256, sha256 FROM events"""
