"""One context for the connections of several threads."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from seatrial.tls import client_context

CA = trustme.CA(organization_name="Trial")


def greeting(context: ssl.SSLContext) -> bytes:
    """Return the first bytes that a client with this context sends."""
    sent = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="door.test")
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return sent.read()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What OpenSSL is told to offer, each time."""
    calls: list[list[str]] = []
    plain = ssl.SSLContext.set_alpn_protocols

    def noted(context: ssl.SSLContext, protocols: Iterable[str]) -> None:
        calls.append(list(protocols))
        plain(context, protocols)

    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", noted)
    return calls


def test_what_threads_offer_is_told_once_and_in_every_greeting(told: list[list[str]]) -> None:
    context = client_context()

    def connect(_: int) -> bytes:
        context.set_alpn_protocols(["http/1.1"])  # as httpx does before each connection
        return greeting(context)

    with ThreadPoolExecutor(4) as threads:
        greetings = list(threads.map(connect, range(400)))
    assert told == [["http/1.1"]]
    assert all(b"\x00\x09\x08http/1.1" in each for each in greetings)


def test_another_offer_is_told(told: list[list[str]]) -> None:
    context = client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert b"\x00\x0c\x02h2\x08http/1.1" in greeting(context)
    context.set_alpn_protocols(("http/1.1",))
    assert b"\x00\x09\x08http/1.1" in greeting(context)
    assert told == [["h2", "http/1.1"], ["http/1.1"]]


def test_the_authorities_are_those_given_or_those_of_this_machine(tmp_path: Path) -> None:
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    pem = CA.cert_pem.bytes().decode()
    found = [client_context(cafile=tmp_path / "ca.pem").get_ca_certs(), client_context(cadata=pem).get_ca_certs()]
    assert found[0] == found[1]
    assert len(found[0]) == 1
    assert client_context(cadata="").get_ca_certs() == ssl.create_default_context().get_ca_certs()


def test_names_and_certificates_are_checked() -> None:
    context = client_context()
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
