"""The Ingress keeps what system.yaml says, as far as an Ingress can say it. By plain reading."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from manifest_files import (
    MANIFESTS,
    SYSTEM,
    Document,
    documents,
    exposed,
    kustomization,
    parts_of,
    patches_of_parts,
    resources_of,
)

OVERLAY = MANIFESTS / "overlays" / "ingress"
ROUTES_ONLY = MANIFESTS / "gateway" / "ingress"
OF_ISTIO, OF_NGINX = ROUTES_ONLY / "istio", ROUTES_ONLY / "nginx"
OBJECTS = resources_of(OVERLAY)
FRONT = SYSTEM["gateway"]
ROUTES = FRONT["routes"]
PREFIX = "nginx.ingress.kubernetes.io/"

every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route["path"])


def of_kind(kind: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in OBJECTS if each["kind"] == kind}


def routes_of(ingress: Document) -> Iterator[tuple[str, str, str]]:
    """Yield path, type and service of each route of an Ingress."""
    for rule in ingress["spec"]["rules"]:
        assert rule["host"] == FRONT["host"]
        for each in rule["http"]["paths"]:
            assert each["backend"]["service"]["port"] == {"name": "http"}
            yield each["path"], each["pathType"], each["backend"]["service"]["name"]


def leads(path: str, route: tuple[str, str, str]) -> bool:
    """Tell whether a path is that of a route or, where its type says so, lies below it, as the standard says."""
    wanted, kind, _ = route
    return path == wanted or (kind == "Prefix" and path.startswith(f"{wanted.rstrip('/')}/"))


def is_secured(ingress: Document) -> bool:
    return bool(
        ingress["spec"]["tls"] == [{"hosts": [FRONT["host"]], "secretName": FRONT.get("tls_secret", "gateway-tls")}]
    )


@pytest.fixture(scope="module")
def ingress() -> Document:
    (only,) = of_kind("Ingress").values()
    return only


@every_route
def test_everything_that_customers_ask_below_a_route_leads_to_its_service(route: Document, ingress: Document) -> None:
    for path in (route["path"], route.get("request", route)["path"]):
        (found,) = (each for each in routes_of(ingress) if leads(path, each))
        assert found[2] == route["service"], path


def test_there_is_no_other_route_and_no_backend_for_the_rest(ingress: Document) -> None:
    assert len(list(routes_of(ingress))) == len(ROUTES)
    assert "defaultBackend" not in ingress["spec"]
    for path in ("/", "/faults", "/metrics", "/whoami", *(f"{route['path']}x" for route in ROUTES)):
        assert not [each for each in routes_of(ingress) if leads(path, each)], path


def test_the_host_of_system_yaml_is_served_with_its_certificate(ingress: Document) -> None:
    assert is_secured(ingress)
    assert of_kind("Secret") == {}, "the certificate is nowhere in the repository"


def test_the_routes_name_no_controller_by_themselves(ingress: Document) -> None:
    """The components beside them do; without one the cluster's default class counts."""
    assert "ingressClassName" not in ingress["spec"]
    assert "annotations" not in ingress["metadata"]


def operations(component: Document, kind: str) -> list[Document]:
    (patch,) = (each for each in component["patches"] if each["target"] == {"kind": kind, "name": "gateway"})
    found: list[Document] = yaml.safe_load(patch["patch"])
    return found


def test_on_kind_the_class_is_that_of_istios_own_controller() -> None:
    (chosen,) = operations(kustomization(OF_ISTIO), "Ingress")
    assert chosen == {"op": "add", "path": "/spec/ingressClassName", "value": "istio"}
    assert of_kind("IngressClass")["istio"]["spec"] == {"controller": "istio.io/ingress-controller"}


def test_the_control_plane_has_the_ingress_served_by_the_pods_of_the_gateway() -> None:
    operator = yaml.safe_load((MANIFESTS / "platform" / "istio" / "operator.yaml").read_text())
    mesh = operator["spec"]["meshConfig"]
    assert "ingressControllerMode" not in mesh, "the default will do"
    template = of_kind("Deployment")["gateway"]["spec"]["template"]
    assert template["metadata"]["labels"]["istio"] == mesh["ingressSelector"]


def test_the_overlay_opens_the_gateway_of_system_yaml_and_nothing_else() -> None:
    ((name, service),) = exposed(OBJECTS).items()
    assert (name, service["type"]) == (FRONT.get("service", "gateway"), "NodePort")
    kinds = {each["kind"] for each in OBJECTS}
    assert kinds.isdisjoint({"Gateway", "VirtualService", "DestinationRule", "HTTPRoute"}), "an Ingress, and no more"
    assert {patch["target"]["kind"] for patch in patches_of_parts(OVERLAY)} <= {
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
    }


def test_there_is_no_mesh_so_that_the_namespace_keeps_its_restrictions_and_the_gateway_meets_them() -> None:
    assert MANIFESTS / "mesh" not in parts_of(OVERLAY)
    (namespace,) = of_kind("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (patch,) = (each for each in kustomization(OF_ISTIO)["patches"] if each["target"]["kind"] == "Deployment")
    pod = yaml.safe_load(patch["patch"])["spec"]["template"]["spec"]
    (proxy,) = pod["containers"]
    assert proxy["name"] == of_kind("Deployment")["gateway"]["spec"]["template"]["spec"]["containers"][0]["name"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    security = proxy["securityContext"]
    assert (security["runAsNonRoot"], security["allowPrivilegeEscalation"]) == (True, False)
    assert security["capabilities"] == {"drop": ["ALL"]}


def test_the_services_learn_the_host_that_was_asked_for_whatever_customers_say() -> None:
    (patch,) = of_kind("EnvoyFilter")["forwarded-host"]["spec"]["configPatches"]
    (added,) = patch["patch"]["value"]["request_headers_to_add"]
    assert added["header"] == {"key": "x-forwarded-host", "value": "%REQ(:AUTHORITY)%"}
    assert added["append_action"] == "OVERWRITE_IF_EXISTS_OR_ADD"


# for clusters with ingress-nginx


def moved() -> list[str]:
    """Return the paths that are taken out of the Ingress of all routes, in that order."""
    steps = operations(kustomization(OF_NGINX), "Ingress")
    paths = documents(ROUTES_ONLY / "ingress.yaml")[0]["spec"]["rules"][0]["http"]["paths"]
    taken = []
    for test, remove in zip(steps[2::2], steps[3::2], strict=True):
        assert (test["op"], remove["op"]) == ("test", "remove")
        assert test["path"] == f"{remove['path']}/path", "what is removed is what was looked at"
        assert test["value"] == paths.pop(int(remove["path"].rpartition("/")[2]))["path"]
        taken.append(test["value"])
    return taken


def of_its_own() -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in documents(OF_NGINX / "routes.yaml")}


def annotations(path: str) -> dict[str, str]:
    """Return what is said of the Ingress that a route stands in, without the prefix; not of a share of it."""
    common = {each["path"]: each for each in operations(kustomization(OF_NGINX), "Ingress")}["/metadata/annotations"]
    own = (
        each
        for name, each in of_its_own().items()
        if name != "users-next" and any(path == route[0] for route in routes_of(each))
    )
    given = next((each["metadata"]["annotations"] for each in own), common["value"])
    return {name.removeprefix(PREFIX): value for name, value in given.items()}


def test_a_route_that_is_taken_out_is_an_ingress_of_its_own_and_no_other_is() -> None:
    own = {
        (path, service)
        for name, each in of_its_own().items()
        if name != "users-next"
        for path, _, service in routes_of(each)
    }
    assert own == {(each["path"], each["service"]) for each in ROUTES if each["path"] in moved()}
    for each in of_its_own().values():
        assert each["spec"]["ingressClassName"] == "nginx"
        assert is_secured(each)


@every_route
def test_every_route_waits_and_tries_again_as_declared(route: Document) -> None:
    told = annotations(route["path"])
    assert float(told["proxy-read-timeout"]) == FRONT.get("timeout_seconds", 5.0)
    assert int(told["proxy-next-upstream-tries"]) == FRONT.get("attempts", 2)
    assert "non_idempotent" not in told["proxy-next-upstream"]
    assert told["ssl-redirect"] == "true"


@every_route
def test_a_route_has_the_quota_the_cookie_and_the_balancing_that_are_declared(route: Document) -> None:
    told = annotations(route["path"])
    rate, burst = int(told.get("limit-rps", 0)), int(told.get("limit-burst-multiplier", 0))
    quota = {"per_second": rate, "burst": rate * burst} if rate else None
    assert quota == route.get("quota")
    cookie = {"cookie": told["session-cookie-name"]} if told.get("affinity") == "cookie" else None
    assert cookie == route.get("affinity")
    assert ("load-balance" in told) == (route.get("balancing") == "least_request")


def test_the_other_version_gets_its_declared_share() -> None:
    (route,) = (each for each in ROUTES if "split" in each)
    share = of_its_own()[route["split"]["service"]]
    assert share["metadata"]["annotations"] == {
        f"{PREFIX}canary": "true",
        f"{PREFIX}canary-weight": str(route["split"]["percent"]),
    }
    assert list(routes_of(share)) == [(route["path"], "Prefix", route["split"]["service"])]
