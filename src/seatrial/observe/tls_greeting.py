"""How the gateway greets: which versions of TLS it speaks, and which certificate it shows."""

from __future__ import annotations

import socket
import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from seatrial.errors import EnvironmentFault
from seatrial.observe.front_door import FrontDoor

TIMEOUT_SECONDS = 10.0
VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
WEAK = "ALL:@SECLEVEL=0"
"""Ciphers that a client must offer for the old versions to be spoken at all: a refusal is then the gateway's own."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """How a greeting ended that offers one version of TLS and one server name."""

    offered: str
    server_name: str
    version: str
    """Version that was agreed on; empty when the gateway refused."""
    alpn: str
    error: str
    """Why the client was not satisfied, or what the gateway refused; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that the gateway shows."""

    names: tuple[str, ...]
    not_after: datetime
    issuer: str


def greet(door: FrontDoor, offered: str, server_name: str = "") -> Handshake:
    """Offer one version of TLS and return how the gateway took it."""
    context = door.trust()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # offering what is deprecated is the point
        context.set_ciphers(WEAK)
        context.minimum_version = context.maximum_version = VERSIONS[offered]
    name = server_name or door.host
    try:
        with (
            socket.create_connection((door.address, door.https_port), TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            return Handshake(offered, name, secured.version() or "", secured.selected_alpn_protocol() or "", "")
    except OSError as error:
        return Handshake(offered, name, "", "", str(error) or type(error).__name__)


def observe_certificate(door: FrontDoor) -> Certificate:
    """Return the certificate that is shown to who asks for the declared host, verified or not.

    Raises EnvironmentFault when there is no connection.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((door.address, door.https_port), TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=door.host) as secured,
        ):
            leaf = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    except OSError as error:
        raise EnvironmentFault(f"the gateway shows no certificate for {door.host}: {error}") from error
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        shown = tuple(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        shown = ()
    return Certificate(shown, leaf.not_valid_after_utc.astimezone(UTC), leaf.issuer.rfc4514_string())
