"""The S3 server and the bucket: what the photos depend on."""

from collections.abc import Iterator

from entrypoints.bootstrap.diagnosis import Diagnosis
from entrypoints.doctor.findings import Check, Finding, Fix, error

SUBJECT = "storage"


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of the storage."""
    return [Check(subject=SUBJECT, look=lambda: _bucket(diagnosis))]


def _bucket(diagnosis: Diagnosis) -> Iterator[Finding]:
    name = diagnosis.settings.s3_bucket
    if not diagnosis.bucket.exists():
        yield error(
            "bucket_missing",
            f"The storage has no bucket {name}: create it, correct S3_BUCKET, or run `restoreclick doctor --fix`.",
            Fix(
                plan=f"create the bucket {name} in the storage",
                done=f"Created the bucket {name}.",
                do=lambda: _create(diagnosis),
            ),
        )
        return
    facts = diagnosis.bucket.describe()
    if not facts.keeps_first_write:
        yield error(
            "storage_overwrites",
            "The storage ignores If-None-Match, so one photo could replace another: use a server that keeps the first"
            " write, such as SeaweedFS.",
        )
    if not facts.reads_ranges:
        yield error(
            "storage_without_ranges",
            "The storage returns whole objects for parts of them, so downloads cannot resume: use another server.",
        )
    if facts.is_public:
        yield error(
            "bucket_public",
            f"Anyone can read the photos in the bucket {name}: remove its policy, and any anonymous access.",
        )
    if facts.is_locked:
        yield error(
            "bucket_locked",
            f"The bucket {name} has object lock with a default retention, so erasure is impossible: use one without.",
        )
    if not facts.deletes_versions:
        yield error(
            "versions_undeletable",
            f"Versions of deleted objects stay in the bucket {name}, so photos cannot be erased: let the access key"
            " delete versions.",
        )
    for rule in facts.deletes:
        yield error(
            "lifecycle_deletes_photos",
            f"The lifecycle rule {rule.rule_id} deletes objects under {rule.prefix or 'every prefix'}: remove it; the"
            " shop deletes photos itself.",
        )


def _create(diagnosis: Diagnosis) -> dict[str, str]:
    diagnosis.bucket.create()
    return {}
