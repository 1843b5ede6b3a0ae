"""Greetings, against real TLS servers on loopback."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from seatrial.errors import EnvironmentFault
from seatrial.observe.front_door import FrontDoor
from seatrial.observe.tls_greeting import VERSIONS, Certificate, Handshake, greet, observe_certificate

from .shop_servers import ENDS, HOST, Server, context, serving, serving_tls


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_current_version_is_agreed_on(server: Server, version: str) -> None:
    assert greet(server.door, version) == Handshake(version, HOST, version, "h2", "")
    assert server.greeted == [HOST]


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_the_refusal_of_an_old_version_is_the_servers_own(server: Server, version: str) -> None:
    greeting = greet(server.door, version)
    assert (greeting.offered, greeting.version, greeting.alpn) == (version, "", "")
    assert "alert protocol version" in greeting.error.lower().replace("_", " ")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
def test_a_server_that_still_speaks_old_versions_is_found_out() -> None:
    with serving_tls(oldest="TLSv1") as old:
        assert [greet(old.door, version).version for version in VERSIONS] == list(VERSIONS)


@pytest.mark.parametrize(("protocols", "agreed"), [([], ""), (["http/1.1"], "http/1.1")])
def test_a_server_without_http2_agrees_on_what_it_has(protocols: list[str], agreed: str) -> None:
    with serving_tls(protocols=protocols) as plain:
        assert greet(plain.door, "TLSv1.3").alpn == agreed


def test_a_greeting_ends_where_the_certificate_is_for_another_name(server: Server) -> None:
    greeting = greet(server.door, "TLSv1.3", "other.test")
    assert (greeting.server_name, greeting.version) == ("other.test", "")
    assert "certificate is not valid for 'other.test'" in greeting.error
    assert server.greeted == ["other.test"]


def test_a_greeting_that_nobody_takes_is_data(nobody: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Handshake("TLSv1.2", HOST, "", "", "[Errno 111] Connection refused")
    assert greet(nobody, "TLSv1.2") == refused

    def end(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(socket, "create_connection", end)
    assert greet(nobody, "TLSv1.2") == replace(refused, error="ConnectionError")


def test_the_certificate_is_read_though_nobody_trusts_it(server: Server) -> None:
    shown = observe_certificate(replace(server.door, authority=""))
    assert (shown.names, shown.not_after) == ((HOST,), ENDS)
    assert "O=Trial" in shown.issuer


def test_all_names_of_a_certificate_are_read_and_the_host_is_asked_for() -> None:
    with serving_tls("other.test", "*.shop.test", "10.0.0.1") as other:
        assert observe_certificate(other.door).names == ("other.test", "*.shop.test")
        assert other.greeted == [HOST]


def test_a_certificate_without_names_has_none() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, ENDS - timedelta(days=9), ENDS)
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    leaf = trustme.LeafCert(key.private_bytes(*plain), pem, [])
    with serving(context(leaf, "TLSv1.2", [])) as nameless:
        assert observe_certificate(nameless.door) == Certificate((), ENDS, f"CN={HOST}")


def test_a_door_that_shows_no_certificate_is_told(nobody: FrontDoor) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observe_certificate(nobody)
    assert str(caught.value) == "the gateway shows no certificate for shop.test: [Errno 111] Connection refused"
