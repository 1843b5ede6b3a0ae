"""The gateway's certificate: made once, used again while it is good, and placed before whoever mounts it."""

from __future__ import annotations

import base64
import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from seatrial.cluster.certificates import DIGEST, NAME, RENEW_BEFORE, VALID, is_usable, make, with_certificate
from seatrial.errors import EnvironmentFault, UsageError

HOST = "shop.test"
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def data(host: str = HOST, ends: datetime = NOW + VALID) -> dict[str, bytes]:
    """Return the data of a TLS Secret with a real certificate that ends then."""
    authority = trustme.CA()
    issued = authority.issue_cert(host, not_after=ends)
    return {
        "tls.crt": issued.cert_chain_pems[0].bytes(),
        "tls.key": issued.private_key_pem.bytes(),
        "ca.crt": authority.cert_pem.bytes(),
    }


def nameless() -> bytes:
    """Return a certificate that says its name in the subject only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    plain = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - HOUR, NOW + VALID)
    return plain.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


GOOD = data()
UNUSABLE = {
    "nothing": {},
    "no certificate": {"tls.key": GOOD["tls.key"], "ca.crt": GOOD["ca.crt"]},
    "no key": {"tls.crt": GOOD["tls.crt"], "ca.crt": GOOD["ca.crt"]},
    "no authority": {"tls.crt": GOOD["tls.crt"], "tls.key": GOOD["tls.key"]},
    "garbage": GOOD | {"tls.crt": b"garbage"},
    "empty": GOOD | {"tls.crt": b""},
    "cut off": GOOD | {"tls.crt": GOOD["tls.crt"][:200]},
    "no name": GOOD | {"tls.crt": nameless()},
    "other host": data("other.test"),
    "host below": data(f"www.{HOST}"),
    "expired": data(ends=NOW - HOUR),
    "ends soon": data(ends=NOW + RENEW_BEFORE - HOUR),
}
unusable = pytest.mark.parametrize("live", UNUSABLE.values(), ids=UNUSABLE.keys())


@pytest.mark.parametrize("live", [GOOD, data(ends=NOW + RENEW_BEFORE + HOUR), make(HOST)], ids=["week", "just", "made"])
def test_a_certificate_for_the_host_that_is_valid_for_long_enough_is_usable(live: dict[str, bytes]) -> None:
    assert is_usable(live, HOST, NOW)


@unusable
def test_anything_else_is_not_usable(live: dict[str, bytes]) -> None:
    assert not is_usable(live, HOST, NOW)


def test_it_is_renewed_exactly_when_the_time_has_come() -> None:
    made = make(HOST)
    end = x509.load_pem_x509_certificate(made["tls.crt"]).not_valid_after_utc
    assert is_usable(made, HOST, end - RENEW_BEFORE - timedelta(seconds=1))
    assert not is_usable(made, HOST, end - RENEW_BEFORE)
    assert not is_usable(made, HOST, end + HOUR)


def test_what_is_made_is_short_lived_and_signed_by_its_authority() -> None:
    made = make(HOST)
    leaf, authority = (x509.load_pem_x509_certificate(made[key]) for key in ("tls.crt", "ca.crt"))
    leaf.verify_directly_issued_by(authority)
    assert abs(leaf.not_valid_after_utc - datetime.now(UTC) - VALID) < timedelta(minutes=1)
    assert leaf.public_key() == serialization.load_pem_private_key(made["tls.key"], None).public_key()
    assert "organizationName" in str(ssl.create_default_context(cadata=made["ca.crt"].decode()).get_ca_certs())


def test_no_two_deployments_share_a_key() -> None:
    assert make(HOST)["tls.key"] != make(HOST)["tls.key"]


def cluster(live: dict[str, bytes] | Exception | None) -> Any:
    """A cluster whose namespace ``shop`` has the Secret ``door-tls`` of this data, or says no."""

    def read(name: str, namespace: str) -> Any:
        assert (name, namespace) == ("door-tls", "shop")
        if live is None:
            raise ApiException(status=404, reason="Not Found")
        if isinstance(live, Exception):
            raise live
        return SimpleNamespace(data={key: base64.b64encode(value).decode() for key, value in live.items()} or None)

    return SimpleNamespace(core=SimpleNamespace(read_namespaced_secret=read))


def thing(kind: str, name: str = "x") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}}


def workload(name: str, secret: str = "", kind: str = "Deployment", **metadata: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"volumes": [{"name": "scratch", "emptyDir": {}}]} if secret else {}
    if secret:
        spec["volumes"] += [{"name": "tls", "secret": {"secretName": secret}}]
    template = {"spec": spec, **({"metadata": metadata} if metadata else {})}
    return thing(kind, name) | {"spec": {"template": template}}


def certified(live: Any, *objects: dict[str, Any]) -> list[dict[str, Any]]:
    return with_certificate(cluster(live), objects, "shop", "door-tls", HOST)


def secret_of(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (item for item in objects if item["kind"] == "Secret")
    return found


def decoded(secret: dict[str, Any]) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in secret["data"].items()}


def annotations(item: dict[str, Any]) -> dict[str, str]:
    return item["spec"]["template"].get("metadata", {}).get("annotations", {})


def test_a_gateway_gets_a_secret_of_its_own_right_behind_namespaces_and_accounts() -> None:
    objects = certified(
        None,
        thing("Namespace"),
        thing("ServiceAccount"),
        thing("ConfigMap"),
        workload("web"),
        workload("gateway", "door-tls"),
    )
    kinds = ["Namespace", "ServiceAccount", "Secret", "ConfigMap", "Deployment", "Deployment"]
    assert [item["kind"] for item in objects] == kinds
    secret = secret_of(objects)
    assert (secret["apiVersion"], secret["type"]) == ("v1", "kubernetes.io/tls")
    assert secret["metadata"] == {"name": "door-tls", "namespace": "shop"}
    assert is_usable(decoded(secret), HOST, NOW)


def test_a_secret_comes_first_where_there_is_no_namespace() -> None:
    assert [item["kind"] for item in certified(None, workload("gateway", "door-tls"))] == ["Secret", "Deployment"]


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet"])
def test_pods_that_read_the_certificate_are_told_which_and_others_are_not(kind: str) -> None:
    gateway = workload("gateway", "door-tls", kind, labels={"app": "gateway"}, annotations={"note": "kept"})
    secret, web, gateway = certified(None, workload("web", "web-tls"), gateway)
    digest = hashlib.sha256(decoded(secret)["tls.crt"]).hexdigest()[:16]
    assert annotations(gateway) == {"note": "kept", DIGEST: digest}
    assert gateway["spec"]["template"]["metadata"]["labels"] == {"app": "gateway"}
    assert annotations(web) == {}


def test_a_good_certificate_is_used_again_so_that_pods_stay() -> None:
    first, again = (certified(GOOD, workload("gateway", "door-tls")) for _ in range(2))
    assert decoded(secret_of(first)) == GOOD
    assert first == again


@unusable
def test_any_other_is_replaced_and_so_are_the_pods(live: dict[str, bytes]) -> None:
    secret, gateway = certified(live, workload("gateway", "door-tls"))
    assert is_usable(decoded(secret), HOST, NOW)
    assert annotations(gateway) != annotations(certified(GOOD, workload("gateway", "door-tls"))[1])


def ingress(*secrets: str) -> dict[str, Any]:
    """Return an Ingress that takes these Secrets."""
    return thing("Ingress") | {"spec": {"tls": [{"hosts": [HOST], "secretName": name} for name in secrets]}}


def brought(data: dict[str, bytes] | None, field: str = "data") -> dict[str, Any]:
    """Return a Secret of the overlay's own; without data it is filled by somebody else."""
    if data is None:
        return thing("Secret", "door-tls")
    told = {
        key: value.decode() if field == "stringData" else base64.b64encode(value).decode()
        for key, value in data.items()
    }
    return thing("Secret", "door-tls") | {field: told}


WILD = data(f"*.{HOST.partition('.')[2]}")


@pytest.mark.parametrize(
    "secret",
    [brought(None), brought(GOOD), brought(GOOD, "stringData"), brought(WILD), brought(data(ends=NOW + HOUR))],
    ids=["empty", "good", "plain", "wildcard", "ends soon"],
)
@pytest.mark.parametrize("user", [workload("gateway", "door-tls"), ingress("door-tls")], ids=["workload", "Ingress"])
def test_a_secret_that_the_overlay_brings_is_left_alone(secret: dict[str, Any], user: dict[str, Any]) -> None:
    objects = [secret, user]
    assert certified(AssertionError("was asked for"), *objects) == objects
    assert DIGEST not in str(objects)


ENDED = NOW - HOUR
NO_PEM = "it is no certificate with its key in PEM"
UNFIT = {
    "no certificate": ({"tls.key": GOOD["tls.key"]}, "it has no tls.crt"),
    "nothing of it": ({"ca.crt": GOOD["ca.crt"]}, "it has no tls.crt and no tls.key"),
    "garbage": (GOOD | {"tls.crt": b"garbage"}, NO_PEM),
    "garbage as key": (GOOD | {"tls.key": b"garbage"}, NO_PEM),
    "no name": (GOOD | {"tls.crt": nameless()}, "its certificate has no name"),
    "another key": (GOOD | {"tls.key": WILD["tls.key"]}, "its key is not that of its certificate"),
    "other host": (data("other.test"), f"its certificate is for other.test, and not for {HOST}"),
    "host below": (data(f"www.{HOST}"), f"its certificate is for www.{HOST}, and not for {HOST}"),
    "ended": (data(ends=ENDED), f"its certificate ended at {ENDED:%Y-%m-%d %H:%M} UTC"),
}


@pytest.mark.parametrize(("live", "told"), UNFIT.values(), ids=UNFIT.keys())
def test_a_certificate_that_will_not_do_is_refused_in_one_line(live: dict[str, bytes], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        certified(None, brought(live), workload("gateway", "door-tls"))
    assert str(caught.value) == (
        f"Secret/door-tls: {told}; bring one for {HOST} with its key, or leave it out: one is then made at deployment"
    )


def test_data_that_is_not_encoded_is_refused_too() -> None:
    secret = thing("Secret", "door-tls") | {"data": {"tls.crt": "a"}}
    with pytest.raises(UsageError) as caught:
        certified(None, secret, workload("gateway", "door-tls"))
    assert str(caught.value) == "Secret/door-tls: its data is not in base64; give stringData instead"


def test_a_certificate_for_the_name_that_is_wanted_instead_will_do() -> None:
    objects = [brought(data("other.test")), annotated(workload("gateway", "door-tls"), "other.test")]
    assert certified(None, *objects) == objects


def test_a_secret_that_nobody_uses_is_not_looked_at() -> None:
    objects = [brought(data("other.test")), workload("web")]
    assert certified(None, *objects) == objects


def test_another_secret_of_the_overlay_is_no_certificate() -> None:
    assert len(certified(None, thing("Secret", "token-key"), workload("gateway", "door-tls"))) == 3


def gateway(*credentials: str) -> dict[str, Any]:
    """Return an Istio Gateway that takes these Secrets, and redirects who comes without TLS."""
    plain = [{"port": {"number": 80}, "tls": {"httpsRedirect": True}}, {"port": {"number": 81}}]
    safe = [{"port": {"number": 443}, "tls": {"mode": "SIMPLE", "credentialName": name}} for name in credentials]
    return thing("Gateway") | {"spec": {"selector": {"istio": "gateway"}, "servers": [*plain, *safe]}}


@pytest.mark.parametrize("user", [gateway, ingress])
def test_a_gateway_or_an_ingress_that_names_the_secret_gets_one_before_it(user: Any) -> None:
    namespace, secret, *rest = certified(None, thing("Namespace"), user("other-tls", "door-tls"))
    assert (namespace["kind"], secret["kind"]) == ("Namespace", "Secret")
    assert secret["metadata"] == {"name": "door-tls", "namespace": "shop"}
    assert is_usable(decoded(secret), HOST, NOW)
    assert rest == [user("other-tls", "door-tls")]


def test_pods_of_a_gateway_that_names_its_secret_stay_when_that_is_renewed() -> None:
    """Its control plane hands the new certificate on."""
    door = workload("gateway")
    first, renewed = (certified(live, gateway("door-tls"), door) for live in (GOOD, UNUSABLE["expired"]))
    assert decoded(secret_of(first)) == GOOD
    assert decoded(secret_of(renewed)) != GOOD
    assert first[1:] == renewed[1:] == [gateway("door-tls"), door]


def annotated(item: dict[str, Any], name: str) -> dict[str, Any]:
    item["metadata"]["annotations"] = {NAME: name}
    return item


@pytest.mark.parametrize("name", ["other.test", "*.shop.test"])
@pytest.mark.parametrize(
    "user",
    [workload("door", "door-tls"), gateway("door-tls"), ingress("door-tls")],
    ids=["workload", "Gateway", "Ingress"],
)
def test_who_uses_the_certificate_may_say_for_which_other_name_it_is(user: dict[str, Any], name: str) -> None:
    secret, _ = certified(GOOD, annotated(user, name))
    assert is_usable(decoded(secret), name, NOW)
    assert not is_usable(decoded(secret), HOST, NOW)
    again, _ = certified(decoded(secret), annotated(user, name))
    assert decoded(again) == decoded(secret), "it is used again"
    back, _ = certified(decoded(secret), annotated(user, ""))
    assert is_usable(decoded(back), HOST, NOW), "and replaced where the annotation is taken away"


def test_the_annotation_of_another_workload_says_nothing() -> None:
    secret, *_ = certified(None, annotated(workload("web", "web-tls"), "other.test"), workload("gateway", "door-tls"))
    assert is_usable(decoded(secret), HOST, NOW)


@pytest.mark.parametrize("name", ["Other.test", "a b", "*", "*.", "other.test, shop.test", ".test"])
def test_what_is_no_name_is_told_with_the_workload(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        certified(None, annotated(workload("door", "door-tls"), name))
    assert str(caught.value) == (
        f"Deployment/door: annotation {NAME}: {name!r} is not a name; give a domain such as shop.test or *.shop.test"
    )


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"servers": None},
        {"servers": [{"tls": None}]},
        {"gatewayClassName": "x", "listeners": [{"name": "https"}]},
        {"tls": None},
        {"tls": [{"hosts": [HOST]}]},
    ],
)
@pytest.mark.parametrize("kind", ["Gateway", "Ingress"])
def test_who_names_no_secret_gets_none(kind: str, spec: dict[str, Any]) -> None:
    objects = [thing(kind) | {"spec": spec}, gateway(), gateway("other-tls"), ingress(), ingress("other-tls")]
    assert certified(AssertionError("was asked for"), *objects) == objects


@pytest.mark.parametrize("objects", [[], [thing("Namespace")], [workload("web")], [workload("web", "web-tls")]])
def test_where_nobody_mounts_it_there_is_none(objects: list[dict[str, Any]]) -> None:
    assert certified(AssertionError("was asked for"), *objects) == objects


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ApiException(status=403, reason="Forbidden"), "403 Forbidden"),
        (HTTPError("connection refused"), "connection refused"),
    ],
)
def test_a_secret_that_cannot_be_read_is_told_in_one_line(error: Exception, told: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        certified(error, workload("gateway", "door-tls"))
    assert str(caught.value) == f"Secret shop/door-tls cannot be read: {told}"
