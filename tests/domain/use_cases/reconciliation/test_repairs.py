"""Repairs are tried if requested, and their findings record the outcome."""

from datetime import timedelta
from typing import Never

import pytest

from domain.ports.errors import UnavailableError
from domain.use_cases.reconciliation.comparison import ComparisonContext
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Side
from tests.domain.support.event_builders import PAID_AT

FOUND = Finding(side=Side.STORAGE, what=FindingCode.OBJECT_MISSING, subject="uploads/1")


def context(defects: list[Exception], *, repairs: bool = True) -> ComparisonContext:
    def ignore(_: object) -> None: ...

    return ComparisonContext(
        since=PAID_AT,
        now=PAID_AT,
        grace=timedelta(0),
        repairs=repairs,
        reads_bytes=True,
        watch=ignore,
        report_foreign=ignore,
        report_defect=defects.append,
        report=ignore,
    )


@pytest.mark.parametrize("is_wrong_still", [True, False])
def test_what_is_still_wrong_after_its_repair_is_not_repaired(*, is_wrong_still: bool) -> None:
    repaired = context([]).repair(FOUND, lambda: None, lambda: is_wrong_still)
    assert (repaired.is_repaired, repaired.repair_error) == (not is_wrong_still, None)


@pytest.mark.parametrize("error", [UnavailableError("The double", "away"), ZeroDivisionError()])
def test_a_repair_that_fails_leaves_its_error_and_reports_a_defect(error: Exception) -> None:
    def fail() -> Never:
        raise error

    defects: list[Exception] = []
    failed = context(defects).repair(FOUND, fail)
    assert (failed.is_repaired, failed.repair_error) == (False, error)
    assert defects == ([] if isinstance(error, UnavailableError) else [error])


def test_nothing_is_repaired_unless_requested() -> None:
    def fail() -> Never:
        raise AssertionError

    assert context([], repairs=False).repair(FOUND, fail) == FOUND
