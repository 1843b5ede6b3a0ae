"""The Istio overlay keeps what system.yaml says: who comes in, what goes where, who may call whom. By plain reading."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml
from manifest_files import (
    MANIFESTS,
    NEXT,
    SYSTEM,
    Document,
    documents,
    exposed,
    kustomization,
    overlays,
    parts_of,
    resources_of,
)

OVERLAY = MANIFESTS / "overlays" / "istio"
MESH = MANIFESTS / "mesh"
OBJECTS = resources_of(OVERLAY)
FRONT = SYSTEM["gateway"]
ROUTES = FRONT["routes"]
PATHS = [route["path"] for route in ROUTES]
SERVICES = [service["name"] for service in SYSTEM["services"]]
ATTEMPTS = FRONT.get("attempts", 2)
TIMEOUT_SECONDS = FRONT.get("timeout_seconds", 5.0)
READS, WRITES = ("GET", "HEAD", "OPTIONS"), ("POST", "PUT", "PATCH", "DELETE")
UNSENT = {"connect-failure", "refused-stream"}
"""Envoy's words for a request that no replica has seen."""
RATE_LIMIT = "envoy.filters.http.local_ratelimit"

every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route["path"])
every_service = pytest.mark.parametrize("name", SERVICES)


def of_kind(kind: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in OBJECTS if each["kind"] == kind}


def gateway_pod() -> Document:
    template: Document = of_kind("Deployment")["gateway"]["spec"]["template"]
    return template


def is_gateways(labels: Document) -> bool:
    """Tell whether labels select the gateway's pods."""
    return bool(labels) and labels.items() <= gateway_pod()["metadata"]["labels"].items()


def door() -> Document:
    (only,) = of_kind("Gateway").values()
    return only


def servers() -> dict[str, Document]:
    return {server["port"]["name"]: server for server in door()["spec"]["servers"]}


def seconds(duration: str) -> float:
    assert re.fullmatch(r"[\d.]+s", duration), duration
    return float(duration[:-1])


def short(host: str) -> str:
    """Return the name of a Service without its domain."""
    return host.partition(".")[0]


def rules() -> list[Document]:
    """Return the rules of the door, in the order in which they are tried."""
    bound = [each for each in of_kind("VirtualService").values() if "gateways" in each["spec"]]
    return [rule for each in bound for rule in each["spec"]["http"]]


def matches(match: Document, method: str, path: str) -> bool:
    """Tell whether a request without headers of its own is meant, as Envoy does."""

    def fits(wanted: Document, given: str) -> bool:
        ((kind, value),) = wanted.items()
        how = {"exact": value == given, "prefix": given.startswith(value), "regex": bool(re.fullmatch(value, given))}
        return how[kind]

    if match.get("headers"):
        return False
    return fits(match.get("uri", {"prefix": "/"}), path) and fits(match.get("method", {"prefix": ""}), method)


def chosen(method: str, path: str) -> Document | None:
    """Return the rule that Envoy takes: the first that matches."""
    path = path.partition("?")[0]
    fitting = (rule for rule in rules() if any(matches(each, method, path) for each in rule.get("match", [{}])))
    return next(fitting, None)


def rule_of(method: str, path: str) -> Document:
    rule = chosen(method, path)
    assert rule, f"{method} {path} leads nowhere"
    return rule


def calls() -> Iterator[tuple[str, str]]:
    """Yield method and path of all that customers are said to ask."""
    for each in (*ROUTES, *SYSTEM["journey"]):
        request = each.get("request", each)
        yield request.get("method", "GET"), request["path"]


def destinations(rule: Document) -> dict[str, int]:
    """Return the share of each Service, in percent."""
    parts = rule["route"]
    assert all(part["destination"].get("port", {"number": 80})["number"] == 80 for part in parts)
    shares = {short(part["destination"]["host"]): part.get("weight", 100) for part in parts}
    assert len(shares) == len(parts)
    return shares


def expected_destinations(route: Document) -> dict[str, int]:
    """Return the declared shares; an overlay without the other version gives it none."""
    if "split" not in route or NEXT not in parts_of(OVERLAY):
        return {route["service"]: 100}
    percent = route["split"]["percent"]
    return {route["service"]: 100 - percent, route["split"]["service"]: percent}


def gateways_rule(host: str) -> Document:
    """Return what the gateway goes by at a Service: a rule of its own, else that of everybody."""
    mine = [each["spec"] for each in of_kind("DestinationRule").values() if short(each["spec"]["host"]) == host]
    selected = [each for each in mine if is_gateways(each.get("workloadSelector", {}).get("matchLabels", {}))]
    (rule,) = selected or [each for each in mine if "workloadSelector" not in each]
    return rule


def gateways_policy(host: str) -> Document:
    policy: Document = gateways_rule(host)["trafficPolicy"]
    return policy


def patches() -> list[Document]:
    """Return what is patched into Envoy's configuration."""
    return [patch for each in of_kind("EnvoyFilter").values() for patch in each["spec"]["configPatches"]]


def buckets() -> dict[str, Document]:
    """Return the token bucket of each rule that has one."""
    found = {}
    for patch in patches():
        limit = patch["patch"].get("value", {}).get("typed_per_filter_config", {}).get(RATE_LIMIT)
        if limit:
            found[patch["match"]["routeConfiguration"]["vhost"]["route"]["name"]] = limit
    return found


def test_an_overlay_asks_for_istio_when_it_stands_on_its_proxies_and_no_other_overlay_does() -> None:
    asking = {overlay.name for overlay in overlays() if (overlay / "addons.yaml").exists()}
    proxies = {MESH, MANIFESTS / "gateway" / "istio" / "proxy"}
    assert asking == {overlay.name for overlay in overlays() if proxies & set(parts_of(overlay))}
    assert asking == {"ingress", "istio"}
    for name in asking:
        assert yaml.safe_load((MANIFESTS / "overlays" / name / "addons.yaml").read_text()) == ["istio"]


# who comes in


def test_the_overlay_opens_the_gateway_of_system_yaml_and_nothing_else() -> None:
    ((name, service),) = exposed(OBJECTS).items()
    assert (name, service["type"]) == (FRONT.get("service", "gateway"), "NodePort")
    assert is_gateways(service["selector"])
    assert {each["kind"] for each in OBJECTS}.isdisjoint({"Ingress", "HTTPRoute"})


def test_the_door_is_opened_by_the_gateways_pods_on_the_ports_of_their_service() -> None:
    assert is_gateways(door()["spec"]["selector"])
    ports = {port["name"]: port["port"] for port in of_kind("Service")["gateway"]["spec"]["ports"]}
    assert ports == {name: server["port"]["number"] for name, server in servers().items()}
    names = {FRONT.get("http_port_name", "http"): "HTTP", FRONT.get("https_port_name", "https"): "HTTPS"}
    assert names == {name: server["port"]["protocol"] for name, server in servers().items()}


def test_the_gateway_answers_to_the_host_of_system_yaml_and_to_no_other() -> None:
    assert {host for server in servers().values() for host in server["hosts"]} == {FRONT["host"]}
    bound = [each["spec"] for each in of_kind("VirtualService").values() if "gateways" in each["spec"]]
    assert bound
    for each in bound:
        assert (each["hosts"], each["gateways"]) == ([FRONT["host"]], [door()["metadata"]["name"]])


def test_who_comes_without_tls_is_redirected_and_old_tls_is_refused() -> None:
    assert servers()["http"]["tls"] == {"httpsRedirect": True}
    tls = servers()["https"]["tls"]
    assert (tls["mode"], tls["credentialName"]) == ("SIMPLE", FRONT.get("tls_secret", "gateway-tls"))
    assert tls["minProtocolVersion"] in ("TLSV1_2", "TLSV1_3")
    assert of_kind("Secret") == {}, "the certificate is nowhere in the repository"


def test_the_control_plane_may_read_the_certificate_for_the_gateway_only() -> None:
    (role,), (binding,) = (of_kind(kind).values() for kind in ("Role", "RoleBinding"))
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": gateway_pod()["spec"]["serviceAccountName"]}]
    assert of_kind("ServiceAccount")["gateway"]["automountServiceAccountToken"] is False


# what goes where


@every_route
def test_everything_below_a_route_leads_to_its_service_in_the_declared_shares(route: Document) -> None:
    for method in (*READS, *WRITES):
        for path in {route["path"], route.get("request", route)["path"]}:
            assert destinations(rule_of(method, path)) == expected_destinations(route), f"{method} {path}"


def test_the_gateway_has_no_other_route_and_refuses_what_only_begins_like_one() -> None:
    for path in ("/", "/faults", "/metrics", "/whoami", "/readyz", *(f"{path}x" for path in PATHS)):
        for method in (*READS, *WRITES):
            assert chosen(method, path) is None, f"{method} {path}"


def test_no_rule_stands_behind_another_one_that_takes_all_of_its_requests() -> None:
    """The order counts: what may be repeated is told apart before the rest of its path."""
    asked = [(method, path) for method in (*READS, *WRITES) for each in PATHS for path in (each, f"{each}/1")]
    taken = {rule["name"] for rule in (chosen(method, path) for method, path in asked) if rule}
    without_headers = [rule for rule in rules() if not all(each.get("headers") for each in rule.get("match", [{}]))]
    assert taken == {rule["name"] for rule in without_headers}


@every_route
def test_rules_are_named_after_their_route_each_by_a_name_of_its_own(route: Document) -> None:
    """Quotas and counts find a rule by its name."""
    names = [rule["name"] for rule in rules()]
    assert len(set(names)) == len(names)
    for method in (*READS, *WRITES):
        name = rule_of(method, route["path"])["name"]
        assert name.partition("-")[0] == route["path"].rpartition("/")[2], f"{method} {route['path']}"


def test_what_customers_read_is_asked_again_elsewhere_as_often_as_declared() -> None:
    reads = {(method, path) for method, path in calls() if method in READS}
    assert reads
    for method, path in reads:
        rule = rule_of(method, path)
        retries = rule["retries"]
        assert retries["attempts"] == ATTEMPTS - 1, f"{method} {path}"
        assert {"5xx", "reset", *UNSENT} <= set(retries["retryOn"].split(",")), f"{method} {path}"
        assert seconds(retries["perTryTimeout"]) == TIMEOUT_SECONDS, f"{method} {path}"
        assert seconds(rule["timeout"]) >= ATTEMPTS * TIMEOUT_SECONDS, "the last attempt has its full time"


def test_what_is_written_is_asked_again_only_where_no_replica_has_seen_it() -> None:
    """A rule that says nothing has Istio's own retries, on HTTP 503 too."""
    writes = {(method, path) for method in WRITES for path in PATHS} | {call for call in calls() if call[0] in WRITES}
    for method, path in writes:
        rule = rule_of(method, path)
        assert set(rule["retries"]["retryOn"].split(",")) <= UNSENT, f"{method} {path}"
        assert seconds(rule["timeout"]) == TIMEOUT_SECONDS, f"{method} {path}"


def test_only_methods_that_may_be_repeated_are() -> None:
    for rule in rules():
        if set(rule["retries"]["retryOn"].split(",")) <= UNSENT:
            continue
        for match in rule["match"]:
            assert not [each for each in WRITES if matches({"method": match["method"]}, each, "/")], rule["name"]


def test_a_replica_that_fails_is_left_out_as_declared_wherever_requests_are_handed_out() -> None:
    handed_out = of_kind("DestinationRule")
    assert handed_out
    for name, rule in handed_out.items():
        ejection = rule["spec"]["trafficPolicy"]["outlierDetection"]
        assert ejection["consecutive5xxErrors"] == FRONT["ejection"]["failures"], name
        assert seconds(ejection["baseEjectionTime"]) == FRONT["ejection"]["for_seconds"], name
    for route in ROUTES:
        for host in expected_destinations(route):
            assert gateways_policy(host)["outlierDetection"]


@pytest.mark.parametrize("route", [each for each in ROUTES if "affinity" not in each], ids=lambda route: route["path"])
def test_the_gateway_hands_out_requests_as_declared(route: Document) -> None:
    wanted = route.get("balancing", "round_robin").upper()
    for host in expected_destinations(route):
        assert gateways_policy(host)["loadBalancer"]["simple"] == wanted, host


@pytest.mark.parametrize("route", [each for each in ROUTES if "affinity" in each], ids=lambda route: route["path"])
def test_the_gateway_knows_customers_again_by_what_is_declared(route: Document) -> None:
    cookie = gateways_policy(route["service"])["loadBalancer"]["consistentHash"]["httpCookie"]
    assert (cookie["name"], cookie["path"]) == (route["affinity"]["cookie"], "/")
    assert seconds(cookie["ttl"]) == 0, "as long as the browser; without a lifetime the gateway gives no cookie at all"


@every_route
def test_the_gateway_limits_what_is_under_way_at_the_same_time_where_that_is_declared(route: Document) -> None:
    limits = gateways_policy(route["service"]).get("connectionPool", {})
    if "concurrent" not in route:
        assert limits == {}
        return
    assert limits["tcp"]["maxConnections"] == limits["http"]["http2MaxRequests"] == route["concurrent"]
    assert limits["http"]["http1MaxPendingRequests"] == route.get("pending", 0)


def clusters(route: Document) -> set[str]:
    """Return what Envoy calls where a route leads to."""
    taken = [rule_of(method, route["path"]) for method in (*READS, *WRITES)]
    found = [part["destination"] for rule in taken for part in rule["route"]]
    domain = f"{SYSTEM['namespace']}.svc.cluster.local"
    return {f"outbound|80|{each.get('subset', '')}|{short(each['host'])}.{domain}" for each in found}


@every_route
def test_the_statistics_of_a_route_are_those_of_where_it_leads_and_of_no_other(route: Document) -> None:
    metrics = yaml.safe_load((OVERLAY / "metrics.yaml").read_text())
    for other in ROUTES:
        counted = [re.fullmatch(metrics["routes"][route["path"]]["cluster_name"], each) for each in clusters(other)]
        assert all(counted) if other is route else not any(counted), other["path"]


def test_every_subset_that_a_route_leads_to_is_one_of_its_service_and_leaves_out_no_replica() -> None:
    """A label of a subset must be one that all its replicas have."""
    named = {
        (short(part["destination"]["host"]), part["destination"]["subset"])
        for rule in rules()
        for part in rule["route"]
        if "subset" in part["destination"]
    }
    for host, subset in named:
        (found,) = (each for each in gateways_rule(host)["subsets"] if each["name"] == subset)
        template = of_kind("Deployment")[host]["spec"]["template"]
        assert found.get("labels", {}).items() <= template["metadata"]["labels"].items(), (host, subset)


@every_service
def test_sidecars_hand_out_requests_by_turns(name: str) -> None:
    found = [each["spec"] for each in of_kind("DestinationRule").values() if short(each["spec"]["host"]) == name]
    (everybodys,) = (each for each in found if "workloadSelector" not in each)
    assert everybodys["trafficPolicy"]["loadBalancer"]["simple"] == "ROUND_ROBIN"


@every_route
def test_a_route_with_a_quota_has_a_bucket_of_that_size_and_no_other_has_one(route: Document) -> None:
    names = {rule_of(method, route["path"])["name"] for method in (*READS, *WRITES)}
    limits = [limit for name, limit in buckets().items() if name in names]
    if "quota" not in route:
        assert limits == []
        return
    (limit,) = limits
    assert names <= set(buckets()), "whatever the method"
    bucket = limit["token_bucket"]
    assert bucket["max_tokens"] == route["quota"]["burst"] + 1, "the burst, and the request that is due"
    rate = bucket.get("tokens_per_fill", 1) / seconds(bucket["fill_interval"])
    assert rate == pytest.approx(route["quota"]["per_second"])
    always = {"numerator": 100}
    assert limit["filter_enabled"]["default_value"] == limit["filter_enforced"]["default_value"] == always


def test_a_quota_is_counted_by_a_filter_that_limits_nothing_by_itself() -> None:
    (inserted,) = (each for each in patches() if each["patch"].get("value", {}).get("name") == RATE_LIMIT)
    assert (inserted["applyTo"], inserted["patch"]["operation"]) == ("HTTP_FILTER", "INSERT_BEFORE")
    assert "token_bucket" not in inserted["patch"]["value"]["typed_config"]
    for each in of_kind("EnvoyFilter").values():
        if RATE_LIMIT in yaml.safe_dump(each):
            assert is_gateways(each["spec"]["workloadSelector"]["labels"]), "services limit nothing among themselves"


def test_a_request_keeps_the_id_that_the_customer_gave_it() -> None:
    merged = [patch["patch"]["value"].get("typed_config", {}) for patch in patches()]
    assert [each["preserve_external_request_id"] for each in merged if "preserve_external_request_id" in each] == [True]


def test_what_is_asked_again_is_asked_of_another_replica_even_where_the_failing_one_is_preferred() -> None:
    policies = [patch["patch"]["value"].get("route", {}).get("retry_policy", {}) for patch in patches()]
    (most,) = [each["host_selection_retry_max_attempts"] for each in policies if each]
    preferred = 5 / 9  # an idle one of three, where the less busy of two is taken that are drawn independently
    assert preferred ** (most + 1) < 1e-6


def test_nothing_of_the_gateway_leads_to_the_fault_switches() -> None:
    text = "\n".join(path.read_text() for path in (MANIFESTS / "gateway" / "istio").rglob("*.yaml"))
    assert not re.search(rf"\b{SYSTEM['faults']['port']}\b", text)
    assert SYSTEM["faults"]["path"] not in text


# the gateway itself


def test_the_gateway_has_replicas_that_are_replaced_one_by_one_spread_and_drained() -> None:
    spec, pod = of_kind("Deployment")["gateway"]["spec"], gateway_pod()["spec"]
    assert spec["replicas"] >= 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert of_kind("PodDisruptionBudget")["gateway"]["spec"]["maxUnavailable"] == 1
    (constraint,) = pod["topologySpreadConstraints"]
    assert (constraint["topologyKey"], constraint["maxSkew"]) == ("kubernetes.io/hostname", 1)
    wait = proxy()["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert wait > 0
    assert wait + ATTEMPTS * TIMEOUT_SECONDS <= pod["terminationGracePeriodSeconds"]


def proxy() -> Document:
    (only,) = (each for each in gateway_pod()["spec"]["containers"] if each["name"] == "istio-proxy")
    return only


def test_the_injector_makes_the_gateways_proxy_of_the_image_that_lies_in_the_node() -> None:
    metadata = gateway_pod()["metadata"]
    assert metadata["labels"]["sidecar.istio.io/inject"] == "true"
    assert metadata["annotations"]["inject.istio.io/templates"] == "gateway"
    assert (proxy()["image"], proxy()["imagePullPolicy"]) == ("auto", "IfNotPresent")
    for bound in ("requests", "limits"):
        assert set(proxy()["resources"][bound]) == {"cpu", "memory"}


def test_the_gateway_takes_turns_by_as_many_threads_as_declared() -> None:
    config = yaml.safe_load(gateway_pod()["metadata"]["annotations"]["proxy.istio.io/config"])
    assert config["concurrency"] == FRONT.get("workers", 1)


# between the services


def test_every_pod_of_the_namespace_gets_a_sidecar() -> None:
    (patch,) = (each for each in kustomization(MESH)["patches"] if each["target"]["kind"] == "Namespace")
    assert yaml.safe_load(patch["patch"])["metadata"]["labels"]["istio-injection"] == "enabled"


def test_nothing_is_spoken_but_mutual_tls() -> None:
    (privacy,) = of_kind("PeerAuthentication").values()
    assert privacy["spec"] == {"mtls": {"mode": "STRICT"}}, "for all, and for every port"
    for name, rule in of_kind("DestinationRule").items():
        mode = rule["spec"]["trafficPolicy"].get("tls", {}).get("mode", "ISTIO_MUTUAL")
        assert mode == "ISTIO_MUTUAL", name


def callers_of(workload: str) -> set[str]:
    """Return whom system.yaml names as caller, with the front door and the observer.

    The other version of a service stands behind a Service of its own, where only the gateway sends anybody.
    """
    edges = {edge["caller"] for edge in SYSTEM["edges"] if edge["callee"] == workload}
    (vantage,) = (
        each for each in documents(MANIFESTS / "vantage" / "daemonset.yaml") if each["kind"] == "ServiceAccount"
    )
    return edges | {gateway_pod()["spec"]["serviceAccountName"], vantage["metadata"]["name"]}


def workloads() -> list[str]:
    """Return all that answers for a service: the other version of one, too."""
    others = [route["split"]["service"] for route in ROUTES if "split" in route]
    return [*SERVICES, *(others if NEXT in parts_of(OVERLAY) else [])]


def test_every_workload_of_a_service_has_a_policy() -> None:
    """One without is open to everybody."""
    policies = of_kind("AuthorizationPolicy").values()
    selected = [each["spec"]["selector"]["matchLabels"] for each in policies]
    for workload in workloads():
        assert {"app.kubernetes.io/name": workload} in selected, workload
    assert len(selected) == len(workloads()), "policies add up: a second one for a workload would open it"


@pytest.mark.parametrize("workload", workloads())
def test_a_workload_is_called_by_the_declared_callers_the_gateway_and_the_observer_and_by_nobody_else(
    workload: str,
) -> None:
    selector = {"matchLabels": {"app.kubernetes.io/name": workload}}
    (spec,) = (each["spec"] for each in of_kind("AuthorizationPolicy").values() if each["spec"]["selector"] == selector)
    assert spec["action"] == "ALLOW"
    sources = [origin["source"] for rule in spec["rules"] for origin in rule["from"]]
    assert all(set(source) <= {"serviceAccounts", "principals"} for source in sources)
    allowed = [name for source in sources for names in source.values() for name in names]
    assert {name.rpartition("/")[2] for name in allowed} == callers_of(workload)
