"""Is the connection to the gateway as private as declared? Each function yields the failures that it finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from seatrial.errors import Failure
from seatrial.observe.tls_greeting import VERSIONS, Certificate, Handshake

SPOKEN = ("TLSv1.2", "TLSv1.3")
"""RFC 8996 forbids what is older."""


def wrong_versions(handshakes: Sequence[Handshake]) -> Iterator[Failure]:
    """Yield each version of TLS that is spoken although it is too old, refused although it is good, or never tried."""
    untried = [version for version in VERSIONS if version not in {each.offered for each in handshakes}]
    if untried:
        yield Failure("not every version of TLS was tried", ", ".join(VERSIONS), f"none of {', '.join(untried)}")
    for each in handshakes:
        spoken = bool(each.version)
        if spoken is (each.offered in SPOKEN):
            continue
        yield Failure(
            f"{each.server_name}: {each.offered} is {'spoken' if spoken else 'refused'}",
            f"{' and '.join(SPOKEN)} are spoken, nothing older",
            f"agreed on {each.version}" if spoken else each.error,
            hint="" if spoken else "the chain does not lead to the declared authority, the name differs, or it is off",
        )


def without_http2(handshakes: Iterable[Handshake]) -> Iterator[Failure]:
    """Yield a failure when a greeting that offers HTTP/2 does not get it."""
    agreed = [each.alpn for each in handshakes if each.version]
    if not agreed or set(agreed) != {"h2"}:
        observed = ", ".join(sorted({alpn or "no protocol" for alpn in agreed})) or "no connection"
        yield Failure("HTTP/2 is not offered", "h2 by ALPN", observed)


def wrong_certificate(certificate: Certificate, host: str, now: datetime, least_hours: float) -> Iterator[Failure]:
    """Yield what is wrong with the certificate itself; that its chain is trusted is the handshakes' matter."""
    if not {host, f"*.{host.partition('.')[2]}"} & set(certificate.names):
        yield Failure(f"{host}: the certificate is for another name", host, ", ".join(certificate.names) or "no name")
    hours = (certificate.not_after - now.astimezone(UTC)).total_seconds() / 3600
    if hours < least_hours:
        yield Failure(
            f"{host}: the certificate {'has expired' if hours < 0 else 'expires soon'}",
            f"valid for {least_hours:g} h more",
            f"until {certificate.not_after:%Y-%m-%d %H:%M} UTC, {hours:.1f} h from now",
            hint="it is not renewed, or not read again after it was",
        )
