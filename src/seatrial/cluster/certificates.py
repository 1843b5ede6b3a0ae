"""The gateway's certificate: made at deployment, short-lived, and never written anywhere but into the cluster."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import trustme
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from kubernetes.client.exceptions import ApiException

from seatrial.cluster.client import Cluster
from seatrial.cluster.deploy import WORKLOADS, Object, address
from seatrial.errors import UsageError
from seatrial.observe.kube import UNREAD, unread

VALID = timedelta(days=7)
RENEW_BEFORE = timedelta(days=3)
"""A certificate that is used again must outlive the longest run, and what the criterion about its expiry demands."""
DIGEST = "seatrial.dev/certificate"
"""Annotation of pods that read the certificate at their start: another certificate means other pods."""
NAME = "seatrial.dev/certificate-for"
"""Annotation of the workload, Gateway or Ingress that uses the certificate: the name that it is for, where it is not
the host that customers ask for, such as ``*.shop.test``."""
IS_NAME = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*")


def with_certificate(cluster: Cluster, objects: Sequence[Object], namespace: str, name: str, host: str) -> list[Object]:
    """Return the objects with a TLS Secret, when a workload mounts one of that name, or a Gateway or Ingress names it.

    It is for the host, or for another name that an annotation of what uses it says. A Secret that is among the objects
    stays. Raises UsageError when the name is none, or the certificate in that Secret will not do.
    """
    users = [item for item in objects if item["kind"] in WORKLOADS and name in _mounted(item)]
    named = [item for item in objects if name in _named(item)]
    if not (users or named):
        return list(objects)
    host = next((other for item in (*users, *named) if (other := _annotated(item))), host)
    brought = [item for item in objects if item["kind"] == "Secret" and item["metadata"]["name"] == name]
    if brought:
        _refuse_unfit(brought[0], host)
        return list(objects)
    data = _live(cluster, namespace, name)
    if not is_usable(data, host, datetime.now(UTC)):
        data = make(host)
    for item in users:
        annotations = item["spec"]["template"].setdefault("metadata", {}).setdefault("annotations", {})
        annotations[DIGEST] = hashlib.sha256(data["tls.crt"]).hexdigest()[:16]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": namespace},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }
    first = next((i for i, item in enumerate(objects) if item["kind"] not in ("Namespace", "ServiceAccount")), 0)
    return [*objects[:first], secret, *objects[first:]]


def make(host: str) -> dict[str, bytes]:
    """Return the data of a TLS Secret: a certificate for the host, its key, and the authority that signed it."""
    authority = trustme.CA(organization_name="Sea Trial, for this deployment only")
    issued = authority.issue_cert(host, common_name=host, not_after=datetime.now(UTC) + VALID)
    return {
        "tls.crt": b"".join(blob.bytes() for blob in issued.cert_chain_pems),
        "tls.key": issued.private_key_pem.bytes(),
        "ca.crt": authority.cert_pem.bytes(),
    }


def is_usable(data: dict[str, bytes], host: str, now: datetime) -> bool:
    """Tell whether a certificate that was made here is for the host, and valid for long enough."""
    try:
        leaf = x509.load_pem_x509_certificate(data["tls.crt"])
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (KeyError, ValueError, x509.ExtensionNotFound):
        return False
    complete = {"tls.key", "ca.crt"} <= set(data)
    return (
        complete and host in names.get_values_for_type(x509.DNSName) and leaf.not_valid_after_utc - now > RENEW_BEFORE
    )


def unfit(data: dict[str, bytes], host: str, now: datetime) -> str:
    """Return why the certificate of a TLS Secret will not do for the host, empty when it will."""
    missing = [key for key in ("tls.crt", "tls.key") if not data.get(key)]
    if missing:
        return f"it has no {' and no '.join(missing)}"
    try:
        leaf = x509.load_pem_x509_certificate(data["tls.crt"])
        key = serialization.load_pem_private_key(data["tls.key"], None)
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "its certificate has no name"
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "it is no certificate with its key in PEM"
    if key.public_key() != leaf.public_key():
        return "its key is not that of its certificate"
    names = found.get_values_for_type(x509.DNSName)
    if not {host, f"*.{host.partition('.')[2]}"} & set(names):
        return f"its certificate is for {', '.join(names) or 'no name'}, and not for {host}"
    end = leaf.not_valid_after_utc
    return "" if now < end else f"its certificate ended at {end:%Y-%m-%d %H:%M} UTC"


def _refuse_unfit(secret: Object, host: str) -> None:
    """Raise UsageError when a Secret that the overlay brings will not do; an empty one is filled by somebody else."""
    plain = {key: value.encode() for key, value in (secret.get("stringData") or {}).items()}
    try:
        data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()} | plain
    except ValueError:
        raise UsageError(f"{address(secret)}: its data is not in base64", remedy="give stringData instead") from None
    why = unfit(data, host, datetime.now(UTC)) if data else ""
    if why:
        remedy = f"bring one for {host} with its key, or leave it out: one is then made at deployment"
        raise UsageError(f"{address(secret)}: {why}", remedy=remedy)


def _live(cluster: Cluster, namespace: str, name: str) -> dict[str, bytes]:
    try:
        secret: Any = cluster.core.read_namespaced_secret(name, namespace)
    except UNREAD as error:
        if isinstance(error, ApiException) and error.status == 404:
            return {}
        raise unread(f"Secret {namespace}/{name}", error) from error
    return {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}


def _annotated(item: Object) -> str:
    other = str((item["metadata"].get("annotations") or {}).get(NAME, ""))
    if other and not IS_NAME.fullmatch(other):
        remedy = "give a domain such as shop.test or *.shop.test"
        raise UsageError(f"{address(item)}: annotation {NAME}: {other!r} is not a name", remedy=remedy)
    return other


def _named(item: Object) -> list[str]:
    """Return the Secrets that Istio's Gateway or an Ingress names; they take another certificate without other pods."""
    if item["kind"] == "Gateway":
        return [(server.get("tls") or {}).get("credentialName", "") for server in item["spec"].get("servers") or ()]
    if item["kind"] == "Ingress":
        return [each.get("secretName", "") for each in item["spec"].get("tls") or ()]
    return []


def _mounted(workload: Object) -> list[str]:
    volumes = workload["spec"]["template"]["spec"].get("volumes", ())
    return [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]
