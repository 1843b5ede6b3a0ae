"""Findings judge numbers, not machines."""

from pathlib import Path

from seatrial.cluster import doctor


def test_too_little_disk_is_wrong_and_says_what_mends_it() -> None:
    finding = doctor.disk(3 * 10**9, Path("cache"))
    assert not finding.ok
    assert finding.fatal
    assert finding.observed == "3.0 GB free for cache, 20 GB wanted for a cold build"
    assert "seatrial down --all" in finding.remedy
    assert doctor.disk(80 * 10**9, Path("cache")).ok


def test_too_little_memory_is_wrong() -> None:
    assert not doctor.memory(4 * 10**9).ok
    assert doctor.memory(24 * 10**9).ok


def test_every_finding_that_is_wrong_has_a_remedy() -> None:
    assert all(finding.ok or finding.remedy for finding in doctor.examine())
