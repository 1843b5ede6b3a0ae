"""Is the connection as private as declared: versions of TLS, the certificate, HTTP/2."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from inspect import cleandoc

import pytest

from seatrial.checks.privacy import without_http2, wrong_certificate, wrong_versions
from seatrial.observe.tls_greeting import Certificate, Handshake

from .traffic import told

HOST = "shop.test"
NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


def spoken(version: str, alpn: str = "h2") -> Handshake:
    return Handshake(version, HOST, version, alpn, "")


def refused(version: str, error: str = "tlsv1 alert protocol version") -> Handshake:
    return Handshake(version, HOST, "", "", error)


GOOD = [refused("TLSv1"), refused("TLSv1.1"), spoken("TLSv1.2"), spoken("TLSv1.3")]


def test_current_versions_and_no_other_are_private():
    assert told(wrong_versions(GOOD)) == ""


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_an_old_version_that_is_spoken_is_told(version: str):
    greetings = [spoken(version) if each.offered == version else each for each in GOOD]
    assert told(wrong_versions(greetings)) == cleandoc(
        f"""
        shop.test: {version} is spoken
          expected  TLSv1.2 and TLSv1.3 are spoken, nothing older
          observed  agreed on {version}
        """
    )


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_current_version_that_is_refused_is_told_with_what_may_be_wrong(version: str):
    greetings = [refused(version, "unable to get issuer") if each.offered == version else each for each in GOOD]
    assert told(wrong_versions(greetings)) == cleandoc(
        f"""
        shop.test: {version} is refused
          expected  TLSv1.2 and TLSv1.3 are spoken, nothing older
          observed  unable to get issuer
          hint      the chain does not lead to the declared authority, the name differs, or it is off
        """
    )


@pytest.mark.parametrize(
    ("greetings", "untried"),
    [([], "TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"), (GOOD[2:], "TLSv1, TLSv1.1"), (GOOD[:3], "TLSv1.3")],
    ids=["none", "only new", "all but one"],
)
def test_a_version_that_was_never_tried_proves_nothing(greetings: list[Handshake], untried: str):
    assert told(wrong_versions(greetings)) == cleandoc(
        f"""
        not every version of TLS was tried
          expected  TLSv1, TLSv1.1, TLSv1.2, TLSv1.3
          observed  none of {untried}
        """
    )


def test_all_wrong_versions_are_told():
    off = [spoken("TLSv1"), spoken("TLSv1.1"), refused("TLSv1.2"), refused("TLSv1.3")]
    assert [failure.subject for failure in wrong_versions(off)] == [
        "shop.test: TLSv1 is spoken",
        "shop.test: TLSv1.1 is spoken",
        "shop.test: TLSv1.2 is refused",
        "shop.test: TLSv1.3 is refused",
    ]


def test_http2_is_offered_when_every_connection_gets_it():
    assert told(without_http2(GOOD)) == ""


@pytest.mark.parametrize(
    ("greetings", "observed"),
    [
        ([], "no connection"),
        ([refused("TLSv1.2"), refused("TLSv1.3")], "no connection"),
        ([spoken("TLSv1.2", "http/1.1"), spoken("TLSv1.3", "http/1.1")], "http/1.1"),
        ([spoken("TLSv1.2", ""), spoken("TLSv1.3")], "h2, no protocol"),
    ],
    ids=["nobody greeted", "all refused", "old protocol", "one without"],
)
def test_a_connection_without_http2_is_told(greetings: list[Handshake], observed: str):
    assert told(without_http2(greetings)) == cleandoc(
        f"""
        HTTP/2 is not offered
          expected  h2 by ALPN
          observed  {observed}
        """
    )


CERTIFICATE = Certificate(("www.shop.test", HOST), NOW + timedelta(hours=24), "O=trial")


@pytest.mark.parametrize("names", [(HOST,), ("www.shop.test", HOST), ("*.test",)])
def test_a_certificate_is_good_for_its_names_until_just_before_its_end(names: tuple[str, ...]):
    assert told(wrong_certificate(replace(CERTIFICATE, names=names), HOST, NOW, 24)) == ""


def test_time_is_compared_across_zones():
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    assert told(wrong_certificate(CERTIFICATE, HOST, berlin, 24)) == ""
    assert told(wrong_certificate(CERTIFICATE, HOST, berlin + timedelta(seconds=1), 24))


@pytest.mark.parametrize(
    ("names", "observed"),
    [
        (("other.test", "www.shop.test"), "other.test, www.shop.test"),
        (("*.shop.test",), "*.shop.test"),
        ((), "no name"),
    ],
)
def test_a_certificate_for_another_name_is_told(names: tuple[str, ...], observed: str):
    assert told(wrong_certificate(replace(CERTIFICATE, names=names), HOST, NOW, 24)) == cleandoc(
        f"""
        shop.test: the certificate is for another name
          expected  shop.test
          observed  {observed}
        """
    )


@pytest.mark.parametrize(
    ("hours", "what", "observed"),
    [
        (-24, "has expired", "2029-12-31 12:00 UTC, -24.0 h from now"),
        (0, "expires soon", "2030-01-01 12:00 UTC, 0.0 h from now"),
        (23.5, "expires soon", "2030-01-02 11:30 UTC, 23.5 h from now"),
    ],
)
def test_a_certificate_that_ends_too_early_is_told(hours: float, what: str, observed: str):
    ending = replace(CERTIFICATE, not_after=NOW + timedelta(hours=hours))
    assert told(wrong_certificate(ending, HOST, NOW, 24)) == cleandoc(
        f"""
        shop.test: the certificate {what}
          expected  valid for 24 h more
          observed  until {observed}
          hint      it is not renewed, or not read again after it was
        """
    )
