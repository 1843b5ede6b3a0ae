"""Facts about the manifests of the reference system that need no cluster: what lies in the YAML, by plain reading."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifest_files import (
    MANIFESTS,
    NEXT,
    ROOT,
    SYSTEM,
    Document,
    documents,
    exposed,
    kustomization,
    overlays,
    parts_of,
    patches_of_parts,
    resources_of,
)

from seatrial.observe.agent import PORT
from seatrial.system import Probes, Service

BASE = MANIFESTS / "base"
SERVICES = [service["name"] for service in SYSTEM["services"]]
MUTANTS = sorted(path for path in (MANIFESTS / "mutants").iterdir() if path.is_dir())
FAULT_SWITCHES = MANIFESTS / "components" / "fault-switches" / "kustomization.yaml"
BESIDE = MANIFESTS / "components" / "vantage-beside"
DIRECT = MANIFESTS / "components" / "direct-port"

GATEWAY = MANIFESTS / "gateway" / "nginx"
ROUTES = SYSTEM["gateway"]["routes"]
NAMESPACE = SYSTEM["namespace"]
LOCATION = re.compile(r"^\s*location (=|~|) ?(\S+) \{ (.*) \}$", re.MULTILINE)

every_workload = pytest.mark.parametrize("name", [*SERVICES, "gateway"])
every_service = pytest.mark.parametrize("name", SERVICES)
every_mutant = pytest.mark.parametrize("folder", MUTANTS, ids=lambda folder: folder.name)


def merged(mine: Any, every: Any) -> Any:
    """Merge as kustomize does: objects by key, lists of named things by name, other lists as a whole."""
    if isinstance(mine, dict) and isinstance(every, dict):
        both = {key: merged(mine[key], value) if key in mine else value for key, value in every.items()}
        return {**mine, **both}
    if isinstance(mine, list) and isinstance(every, list) and all("name" in each for each in [*mine, *every]):
        named = {each["name"]: each for each in mine}
        return list((named | {each["name"]: merged(named.get(each["name"], {}), each) for each in every}).values())
    return every


@cache
def all_of_base() -> tuple[Document, ...]:
    return with_defaults(BASE)


def with_defaults(folder: Path) -> tuple[Document, ...]:
    """Return the objects of a kustomization that includes what all workloads have in common."""
    (included,) = kustomization(folder)["components"]
    defaults = (folder / included).resolve()
    patches = kustomization(defaults)["patches"]
    by_kind = {patch["target"]["kind"]: documents(defaults / patch["path"])[0] for patch in patches}
    own = [document for resource in kustomization(folder)["resources"] for document in documents(folder / resource)]
    return tuple(merged(each, by_kind.get(each["kind"], {})) | {"metadata": each["metadata"]} for each in own)


def of_kind(kind: str) -> dict[str, Document]:
    return {document["metadata"]["name"]: document for document in all_of_base() if document["kind"] == kind}


@cache
def of_gateway(kind: str) -> dict[str, Document]:
    found = documents(GATEWAY / "gateway.yaml")
    return {document["metadata"]["name"]: document for document in found if document["kind"] == kind}


def anywhere(kind: str) -> dict[str, Document]:
    """Return the objects of the base and of the gateway that stands before it."""
    return of_kind(kind) | of_gateway(kind)


def pod(name: str) -> Document:
    spec: Document = anywhere("Deployment")[name]["spec"]["template"]["spec"]
    return spec


def container(name: str) -> Document:
    (only,) = pod(name)["containers"]
    return only


@pytest.mark.parametrize("kind", ["Deployment", "ServiceAccount", "HorizontalPodAutoscaler", "PodDisruptionBudget"])
def test_base_has_the_services_of_system_yaml_and_no_other(kind: str):
    assert sorted(of_kind(kind)) == sorted(SERVICES)


def test_base_has_a_service_and_a_headless_one_for_each():
    headless = {name for name, service in of_kind("Service").items() if service["spec"].get("clusterIP") == "None"}
    assert headless == {service["headless"] for service in SYSTEM["services"]}
    assert set(of_kind("Service")) - headless == set(SERVICES)


def test_the_overlay_lets_customers_in_by_the_external_services_of_system_yaml():
    external = {each["metadata"]["name"]: each for each in documents(MANIFESTS / "overlays/baseline/external.yaml")}
    assert set(external) == {service["external"] for service in SYSTEM["services"]}
    assert {each["spec"]["type"] for each in external.values()} == {"NodePort"}


def test_everything_lies_in_the_namespace_of_system_yaml():
    assert kustomization(BASE)["namespace"] == SYSTEM["namespace"]
    assert kustomization(MANIFESTS / "overlays" / "baseline")["namespace"] == SYSTEM["namespace"]
    assert list(of_kind("Namespace")) == [SYSTEM["namespace"]]


def test_the_namespace_enforces_restricted_pod_security():
    labels = of_kind("Namespace")[SYSTEM["namespace"]]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_everything_is_labelled_as_part_of_the_system_pods_included():
    (labels,) = kustomization(BASE)["labels"]
    assert labels == {
        "includeTemplates": True,
        "pairs": {
            "app.kubernetes.io/part-of": "lead-marketplace",
            "app.kubernetes.io/managed-by": "seatrial",
        },
    }


@every_workload
def test_workload_services_and_disruption_budget_select_the_same_pods(name: str):
    label = {"app.kubernetes.io/name": name}
    deployment = anywhere("Deployment")[name]
    assert deployment["metadata"]["labels"] == label
    version = {"version": "current"} if name == "users" else {}
    assert deployment["spec"]["template"]["metadata"]["labels"] == label | version
    assert deployment["spec"]["selector"]["matchLabels"] == label
    assert anywhere("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == label
    for service in (name, f"{name}-headless") if name in SERVICES else (name,):
        assert anywhere("Service")[service]["spec"]["selector"] == label


@every_service
def test_ports_are_named_and_targeted_by_name(name: str):
    assert container(name)["ports"] == [{"name": "http", "containerPort": 8080}]
    ports = {service: of_kind("Service")[service]["spec"]["ports"] for service in (name, f"{name}-headless")}
    common = {"name": "http", "targetPort": "http", "appProtocol": "http"}
    assert ports == {name: [common | {"port": 80}], f"{name}-headless": [common | {"port": 8080}]}


@every_service
def test_three_probes_ask_three_different_things(name: str):
    wanted = Probes()
    asked = {kind: container(name)[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert asked == {
        "startup": {"path": wanted.startup, "port": "http"},
        "readiness": {"path": wanted.readiness, "port": "http"},
        "liveness": {"path": wanted.liveness, "port": "http"},
    }


@every_workload
@pytest.mark.parametrize("resource", ["cpu", "memory"])
@pytest.mark.parametrize("bound", ["requests", "limits"])
def test_requests_and_limits_are_set(name: str, bound: str, resource: str):
    assert container(name)["resources"][bound][resource]


@every_workload
def test_one_pod_at_a_time_may_be_evicted(name: str):
    assert anywhere("PodDisruptionBudget")[name]["spec"]["maxUnavailable"] == 1


@every_service
def test_the_autoscaler_goes_from_2_to_10_by_cpu_and_memory(name: str):
    spec = of_kind("HorizontalPodAutoscaler")[name]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    assert sorted(metric["resource"]["name"] for metric in spec["metrics"]) == ["cpu", "memory"]
    assert {metric["resource"]["target"]["type"] for metric in spec["metrics"]} == {"Utilization"}


@every_service
def test_the_number_of_replicas_is_left_to_the_autoscaler(name: str):
    assert "replicas" not in of_kind("Deployment")[name]["spec"]


@every_service
def test_a_pod_that_ends_waits_and_drains_within_its_grace_period(name: str):
    code = (ROOT / "reference" / "marketplace" / "__main__.py").read_text()
    (drain,) = re.findall(r"^DRAIN_SECONDS = (\d+)$", code, re.MULTILINE)
    wait = container(name)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert wait > 0
    assert wait + int(drain) < pod(name)["terminationGracePeriodSeconds"]


@every_workload
def test_no_token_of_the_cluster_is_mounted(name: str):
    assert pod(name)["serviceAccountName"] == name
    assert pod(name)["automountServiceAccountToken"] is False
    assert anywhere("ServiceAccount")[name]["automountServiceAccountToken"] is False


@every_workload
def test_a_pod_is_as_restricted_as_its_namespace_asks_and_its_root_is_read_only(name: str):
    security = pod(name)["securityContext"]
    assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    assert security["runAsUser"] > 0
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@every_workload
def test_replicas_are_spread_over_nodes_and_replaced_one_by_one(name: str):
    (constraint,) = pod(name)["topologySpreadConstraints"]
    assert (constraint["topologyKey"], constraint["maxSkew"]) == ("kubernetes.io/hostname", 1)
    strategy = {"type": "RollingUpdate"} | anywhere("Deployment")[name]["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


@every_service
def test_a_process_is_told_which_service_and_replica_it_is_and_nothing_about_faults(name: str):
    given = {entry["name"]: entry for entry in container(name)["env"]}
    always = {"SERVICE", "POD_NAME", "NODE_NAME", "LINGER_SECONDS"}
    assert set(given) == always | ({"TOKEN_KEY"} if name == "auth" else set())
    assert given["SERVICE"]["value"] == name


def test_the_component_opens_the_fault_switches_on_the_port_of_system_yaml_and_no_service_leads_there():
    (patch,) = kustomization(FAULT_SWITCHES.parent)["patches"]
    opened = yaml.safe_load(patch["patch"])["spec"]["template"]["spec"]["containers"][0]
    assert opened["env"] == [{"name": "SEATRIAL_FAULTS", "value": "enabled"}]
    assert opened["ports"] == [{"name": "faults", "containerPort": SYSTEM["faults"]["port"]}]
    targets = {port["targetPort"] for service in of_kind("Service").values() for port in service["spec"]["ports"]}
    assert targets == {"http"}


def patches_of(component: Path) -> list[Any]:
    patches = kustomization(component)["patches"]
    selector = "app.kubernetes.io/part-of=lead-marketplace"
    assert all(each["target"] == {"kind": "Deployment", "labelSelector": selector} for each in patches)
    return [yaml.safe_load(each["patch"]) for each in patches]


def test_an_agent_beside_the_application_is_that_of_the_nodes_but_says_nothing_about_the_replica():
    (added,) = patches_of(BESIDE)[1]
    assert (added["op"], added["path"]) == ("add", "/spec/template/spec/containers/-"), "behind the application"
    vantage = documents(MANIFESTS / "vantage" / "daemonset.yaml")
    (node,) = (each for each in vantage if each["kind"] == "DaemonSet")
    mine, (theirs,) = added["value"], node["spec"]["template"]["spec"]["containers"]
    for field in ("name", "image", "imagePullPolicy", "env", "securityContext"):
        assert mine[field] == theirs[field], field
    assert mine["resources"]["limits"] == theirs["resources"]["limits"]
    assert [port["containerPort"] for port in mine["ports"]] == [PORT]
    assert not [name for name in mine if name.endswith("Probe")]
    assert SYSTEM["vantage_beside"] is True


def test_a_mesh_is_told_to_leave_alone_the_agent_the_fault_switches_and_the_direct_port():
    annotations = patches_of(BESIDE)[0]["spec"]["template"]["metadata"]["annotations"]
    direct = patches_of(DIRECT)[0]["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]
    assert annotations == {
        "kubectl.kubernetes.io/default-container": container(SERVICES[0])["name"],
        "traffic.sidecar.istio.io/excludeInboundPorts": f"{PORT},{SYSTEM['faults']['port']},{direct}",
        "traffic.sidecar.istio.io/excludeOutboundPorts": f"{direct}",
    }


def test_the_agent_of_a_node_asks_the_gateway_the_direct_ports_and_other_agents_without_the_mesh():
    (workload,) = (each for each in documents(MANIFESTS / "vantage" / "daemonset.yaml") if each["kind"] == "DaemonSet")
    annotations = workload["spec"]["template"]["metadata"]["annotations"]
    (safe,) = (port["port"] for port in of_gateway("Service")["gateway"]["spec"]["ports"] if port["name"] == "https")
    direct = Service(name="any").direct_port
    assert annotations["traffic.sidecar.istio.io/excludeInboundPorts"] == f"{PORT}"
    assert annotations["traffic.sidecar.istio.io/excludeOutboundPorts"] == f"{safe},{direct},{PORT}"


def test_nobody_but_the_component_beside_says_what_a_sidecar_leaves_alone():
    """The annotation holds all ports in one: who comes later would replace what was said before."""
    saying = {
        path.parent
        for path in MANIFESTS.rglob("kustomization.yaml")
        if "excludeInboundPorts" in path.read_text() and MANIFESTS / "mutants" not in path.parents
    }
    assert saying == {BESIDE}


@every_service
def test_the_direct_service_leads_to_the_same_pods_by_the_port_that_they_listen_on(name: str):
    (declared,) = (each for each in SYSTEM["services"] if each["name"] == name)
    port = Service(name=name).direct_port
    (service,) = (
        each for each in documents(DIRECT / "services.yaml") if each["metadata"]["name"] == declared["direct"]
    )
    assert service["spec"]["selector"] == of_kind("Service")[name]["spec"]["selector"]
    (offered,) = service["spec"]["ports"]
    assert offered == {"name": "http-direct", "port": port, "targetPort": "direct", "appProtocol": "http"}
    opened = patches_of(DIRECT)[0]["spec"]["template"]["spec"]["containers"][0]
    assert opened["name"] == container(name)["name"]
    assert opened["env"] == [{"name": "DIRECT_PORT", "value": f"{port}"}]
    assert opened["ports"] == [{"name": "direct", "containerPort": port}]


def test_held_autoscaling_gives_each_service_the_replicas_of_system_yaml():
    held = kustomization(MANIFESTS / "components" / "hold-autoscaling")["replicas"]
    assert held == [{"name": service["name"], "count": service.get("replicas", 3)} for service in SYSTEM["services"]]


@pytest.mark.parametrize("name", ["baseline", "nginx"])
def test_an_overlay_without_a_mesh_opens_nothing_but_by_services(name: str):
    overlay = MANIFESTS / "overlays" / name
    assert {each["kind"] for each in resources_of(overlay)}.isdisjoint({"Ingress", "Gateway", "HTTPRoute"})
    patched = {patch["target"]["kind"] for patch in patches_of_parts(overlay)}
    assert patched <= {"Deployment", "HorizontalPodAutoscaler"}, "no patch opens what is not read here"


def test_the_nginx_overlay_opens_the_gateway_of_system_yaml_and_nothing_else():
    before = exposed(resources_of(MANIFESTS / "overlays" / "baseline"))
    assert set(before) == {service["external"] for service in SYSTEM["services"]}
    (only,) = exposed(resources_of(MANIFESTS / "overlays" / "nginx")).items()
    assert (only[0], only[1]["type"]) == (SYSTEM["gateway"].get("service", "gateway"), "NodePort")
    assert {port["name"]: port["targetPort"] for port in only[1]["ports"]} == {"http": "http", "https": "https"}
    assert {port["name"] for port in container("gateway")["ports"]} == {"http", "https"}


@pytest.mark.parametrize("overlay", overlays(), ids=lambda folder: folder.name)
def test_every_overlay_lies_in_the_namespace_and_stands_on_the_base(overlay: Path):
    assert kustomization(overlay)["namespace"] == NAMESPACE
    assert {BASE, BESIDE, DIRECT} <= set(parts_of(overlay))


def test_the_gateway_has_two_replicas_that_are_checked_and_drained():
    assert of_gateway("Deployment")["gateway"]["spec"]["replicas"] >= 2
    for kind in ("startup", "readiness", "liveness"):
        assert container("gateway")[f"{kind}Probe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    wait = container("gateway")["lifecycle"]["preStop"]["sleep"]["seconds"]
    (longest,) = re.findall(r"proxy_read_timeout (\d+)s;", nginx())
    assert wait > 0
    assert wait + 2 * int(longest) <= pod("gateway")["terminationGracePeriodSeconds"]


def test_the_gateway_writes_only_to_its_scratch_and_its_certificate_is_nowhere_in_the_repository():
    mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in container("gateway")["volumeMounts"]}
    assert mounts == {"/etc/gateway": True, "/tls": True, "/tmp": False}
    volumes = {volume["name"]: volume for volume in pod("gateway")["volumes"]}
    assert volumes["tls"]["secret"] == {"secretName": SYSTEM["gateway"].get("tls_secret", "gateway-tls")}
    assert volumes["scratch"]["emptyDir"]["sizeLimit"]
    assert of_gateway("Secret") == {}


def test_the_gateway_runs_the_image_of_the_lock():
    lock = yaml.safe_load((ROOT / "images" / "components.yaml").read_text())["images"]
    assert container("gateway")["image"] in {image["image"] for image in lock if image["name"] == "nginx"}


@cache
def nginx() -> str:
    """Return the configuration of the gateway with its parts in place."""
    text = (GATEWAY / "nginx.conf").read_text()
    return re.sub(r"include (\S+);", lambda found: (GATEWAY / found[1]).read_text().rstrip(), text)


def chosen(path: str) -> str:
    """Return the rule that NGINX takes for a path among those that lead to a service: exact ones, then patterns."""
    rules = [rule for rule in LOCATION.findall(nginx()) if "proxy_pass" in rule[2]]
    exact = [rule for kind, wanted, rule in rules if kind == "=" and wanted == path]
    patterns = [rule for kind, wanted, rule in rules if kind == "~" and re.search(wanted, path)]
    return (*exact, *patterns, "")[0]


def test_every_part_of_the_gateways_configuration_is_mounted_and_included():
    generator, exporter = kustomization(GATEWAY)["configMapGenerator"]
    assert (generator["name"], exporter) == ("gateway-config", {"name": "gateway-exporter", "files": ["exporter.yaml"]})
    assert sorted(generator["files"]) == sorted(["nginx.conf", *(path.name for path in GATEWAY.glob("*.part"))])
    included = re.findall(r"include (\S+);", (GATEWAY / "nginx.conf").read_text())
    assert {*included, "nginx.conf"} == set(generator["files"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route["path"])
def test_the_gateway_has_a_rule_for_each_route_that_leads_to_its_service(route: Document):
    for path in (route["path"], route.get("request", route)["path"]):
        target = f"\\$({route['service']}_version)" if "split" in route else route["service"]
        assert re.search(rf"proxy_pass http://{target};$", chosen(path)), path


def test_the_gateway_has_no_other_route_and_refuses_what_only_begins_like_one():
    assert len(re.findall("proxy_pass", nginx())) == len(ROUTES)
    for path in ("/", "/faults", "/metrics", "/whoami", "/readyz", *(f"{route['path']}x" for route in ROUTES)):
        assert chosen(path) == "", path
    assert LOCATION.findall(nginx())[-1][:2] == ("", "/")
    assert "return 404" in LOCATION.findall(nginx())[-1][2]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route["path"])
def test_the_gateway_limits_the_routes_that_have_a_quota_and_no_other(route: Document):
    limit = re.search(r"limit_req zone=(\w+) burst=(\d+) nodelay;", chosen(route["path"]))
    if "quota" not in route:
        assert "limit_req" not in chosen(route["path"])
        return
    assert limit
    (rate,) = re.findall(rf"limit_req_zone \S+ zone={limit[1]}:\S+ rate=(\d+)r/s;", nginx())
    assert {"per_second": int(rate), "burst": int(limit[2])} == route["quota"]
    assert "limit_req_status 429;" in nginx()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route["path"])
def test_the_gateway_limits_what_is_under_way_at_the_same_time_where_that_is_declared(route: Document):
    limit = re.search(r"limit_conn (\w+) (\d+);", chosen(route["path"]))
    assert (int(limit[2]) if limit else None) == route.get("concurrent")
    if limit:
        zones = re.findall(r"limit_conn_zone \$server_name zone=(\w+):64k;", nginx())
        assert zones.count(limit[1]) == 1
        assert limit[1] not in re.findall(r"zone (\w+) 64k;", nginx()), "NGINX refuses one name for two kinds of zones"
    assert "limit_conn_status 503;" in nginx()


def test_the_gateway_tries_as_often_and_leaves_out_as_soon_as_declared():
    assert re.findall(r"proxy_next_upstream_tries (\d+);", nginx()) == [str(SYSTEM["gateway"]["attempts"])]
    assert "non_idempotent" not in nginx()
    ejection = SYSTEM["gateway"]["ejection"]
    found = re.findall(r"resolve max_fails=(\d+) fail_timeout=(\d+)s;", nginx())
    assert len(found) == len(SERVICES) + 1  # and the next version of one
    for failures, seconds in found:
        assert 1 <= int(failures) <= ejection["failures"]
        assert int(seconds) >= ejection["for_seconds"]


def test_the_gateway_answers_to_the_host_of_system_yaml_and_refuses_others():
    host = SYSTEM["gateway"]["host"]
    names = re.findall(r"^\s*server_name (.+);", nginx(), re.MULTILINE)
    assert names == [host, host], "with TLS and without"
    assert nginx().count("default_server;") == 2
    assert "location / { return 421; }" in nginx()


@every_service
def test_the_gateway_finds_the_replicas_of_a_service_by_its_headless_name(name: str):
    (service,) = (each for each in SYSTEM["services"] if each["name"] == name)
    (upstream,) = re.findall(rf"^\s*upstream {name} \{{ (.*) \}}$", nginx(), re.MULTILINE)
    (port,) = of_kind("Service")[service["headless"]]["spec"]["ports"]
    address = f"{service['headless']}.{NAMESPACE}.svc.cluster.local:{port['port']}"
    assert f"server {address} resolve " in upstream
    routes = [route for route in ROUTES if route["service"] == name]
    balancing = {route.get("balancing", "round_robin") for route in routes}
    assert balancing == {"least_request" if "least_conn;" in upstream else "round_robin"}
    cookies = {route["affinity"]["cookie"] for route in routes if "affinity" in route}
    assert set(re.findall(r"sticky cookie (\S+) path=/ secure httponly samesite=lax;", upstream)) == cookies


@pytest.mark.parametrize("route", [route for route in ROUTES if "split" in route], ids=lambda route: route["path"])
def test_the_gateway_gives_the_other_version_its_declared_share(route: Document):
    (rule,) = re.findall(
        rf"^split_clients \$request_id \${route['service']}_version \{{ (.*) \}}$", nginx(), re.MULTILINE
    )
    other = route["split"]["service"]
    assert rule == f"{route['split']['percent']}% {other.replace('-', '_')}; * {route['service']};"
    (upstream,) = re.findall(rf"^\s*upstream {other.replace('-', '_')} \{{ (.*) \}}$", nginx(), re.MULTILINE)
    assert f"server {other}-headless.{NAMESPACE}.svc.cluster.local:8080 resolve " in upstream


def of_next(kind: str) -> dict[str, Document]:
    return {document["metadata"]["name"]: document for document in with_defaults(NEXT) if document["kind"] == kind}


def test_the_next_version_is_the_same_service_under_other_labels():
    (deployment,) = of_next("Deployment").values()
    template, current = deployment["spec"]["template"], of_kind("Deployment")["users"]["spec"]["template"]
    assert template["spec"] == current["spec"], "image, environment, probes, limits, and identity"
    assert template["metadata"]["labels"] == {"app.kubernetes.io/name": "users-next", "version": "next"}
    assert deployment["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": "users-next"}
    assert deployment["spec"]["replicas"] == 2


def test_the_next_version_has_services_of_its_own_and_no_service_of_the_current_one_leads_there():
    selectors = {name: service["spec"]["selector"] for name, service in of_next("Service").items()}
    label = {"app.kubernetes.io/name": "users-next"}
    assert selectors == {"users-next": label, "users-next-headless": label}
    assert of_next("Service")["users-next-headless"]["spec"]["clusterIP"] == "None"
    assert of_kind("Service")["users"]["spec"]["selector"] == {"app.kubernetes.io/name": "users"}
    assert of_next("PodDisruptionBudget")["users-next"]["spec"]["maxUnavailable"] == 1
    assert kustomization(NEXT)["labels"] == kustomization(BASE)["labels"]


def test_overlays_whose_gateway_splits_traffic_have_the_next_version():
    assert NEXT in parts_of(MANIFESTS / "overlays" / "nginx")
    assert NEXT not in parts_of(MANIFESTS / "overlays" / "baseline")


def exporter() -> Document:
    (only,) = pod("gateway")["initContainers"]
    return only


def test_answers_are_counted_beside_the_gateway_from_before_its_start():
    assert exporter()["restartPolicy"] == "Always"
    assert "readinessProbe" not in exporter(), "customers are served where nobody counts"
    assert exporter()["securityContext"] == container("gateway")["securityContext"]
    assert all(exporter()["resources"][bound][kind] for bound in ("requests", "limits") for kind in ("cpu", "memory"))


def test_the_exporter_is_found_where_the_overlay_says_and_by_prometheus():
    metrics = yaml.safe_load((MANIFESTS / "overlays" / "nginx" / "metrics.yaml").read_text())
    (settings,) = documents(GATEWAY / "exporter.yaml")
    (namespace,) = settings["namespaces"]
    assert exporter()["ports"] == [{"name": "metrics", "containerPort": metrics["port"]}]
    assert settings["listen"]["port"] == metrics["port"]
    annotations = of_gateway("Deployment")["gateway"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": str(metrics["port"])}
    assert metrics["requests"] == f"{namespace['name']}_http_response_count_total"
    assert metrics["latency"] == f"{namespace['name']}_http_response_time_seconds_hist"
    assert {labels["route"] for labels in metrics["routes"].values()} == {
        route["path"].rpartition("/")[2] for route in ROUTES
    }


def test_every_answer_is_told_to_the_exporter_with_the_labels_that_it_counts_by():
    (settings,) = documents(GATEWAY / "exporter.yaml")
    (namespace,) = settings["namespaces"]
    ((server, options, tag),) = re.findall(r"access_log syslog:server=([\d.:]+),(\w+),tag=(\w+) counted;", nginx())
    assert namespace["source"]["syslog"] == {"listen_address": f"udp://{server}", "format": "rfc3164", "tags": [tag]}
    assert (server.partition(":")[0], options) == ("127.0.0.1", "nohostname")
    (line,) = re.findall(r"log_format counted escape=json '(.*)';", nginx())
    told = set(re.findall(r'"(\w+)":', line))
    assert told == {"request_time", *(each["from"] for each in namespace["relabel_configs"])}


def test_nothing_of_the_gateway_leads_to_the_fault_switches():
    assert not re.search(rf"\b{SYSTEM['faults']['port']}\b", nginx() + (GATEWAY / "gateway.yaml").read_text())
    assert SYSTEM["faults"]["path"] not in nginx()


def test_the_gateways_log_names_each_route():
    (pattern,) = re.findall(r'"~(\^/v1/\S+)"', nginx())
    pattern = pattern.replace("(?<", "(?P<")
    assert [re.match(pattern, route["path"])["name"] for route in ROUTES] == [
        route["path"].rpartition("/")[2] for route in ROUTES
    ]


def test_there_are_mutants_and_each_has_a_number_of_its_own():
    numbers = [re.fullmatch(r"(\d\d)-[a-z0-9]+(-[a-z0-9]+)*", folder.name) for folder in MUTANTS]
    assert all(numbers), [folder.name for folder in MUTANTS]
    assert len({found[1] for found in numbers if found}) == len(MUTANTS) > 10


@every_mutant
def test_a_mutant_says_its_fault_in_the_first_line(folder: Path):
    first = (folder / "kustomization.yaml").read_text().splitlines()[0]
    assert re.fullmatch(r"# [A-Z].{10,}\.", first), first


@every_mutant
def test_a_mutant_is_a_component_that_changes_something(folder: Path):
    document = kustomization(folder)
    assert document["kind"] == "Component"
    assert set(document) - {"apiVersion", "kind"}


def overlay_of(folder: Path) -> Path:
    """Return the overlay that a mutant is laid over."""
    (expectation,) = documents(folder / "expect.yaml")
    return MANIFESTS / "overlays" / expectation.get("overlay", "nginx")


def what_it_is_laid_over(folder: Path) -> list[Document]:
    """Return the objects of a mutant's overlay: those of the base with what all workloads have in common."""
    base = all_of_base()
    known = {(each["kind"], each["metadata"]["name"]) for each in base}
    others = resources_of(overlay_of(folder))
    return [*base, *(each for each in others if (each["kind"], each["metadata"]["name"]) not in known)]


@every_mutant
def test_a_mutant_patches_what_there_is(folder: Path):
    """A patch whose target or path does not exist is no fault: kustomize leaves the one out and fails at the other."""
    for patch in kustomization(folder).get("patches", []):
        target = patch["target"]
        found = [
            document
            for document in what_it_is_laid_over(folder)
            if document["kind"] == target["kind"] and document["metadata"]["name"] == target.get("name")
        ]
        assert len(found) == 1 or "name" not in target, target
        for operation in operations_of(patch) if found else []:
            assert_applies(operation, found[0])


def operations_of(patch: Document) -> list[Document]:
    """Return the steps of a JSON patch (RFC 6902); a patch of another kind has none."""
    text = yaml.safe_load(patch["patch"])
    return text if isinstance(text, list) else []


@every_mutant
def test_a_mutant_looks_at_each_item_of_a_list_before_it_changes_it(folder: Path):
    """An item that has moved is then told when the fault is laid over, and nothing else is broken in its place."""
    for patch in kustomization(folder).get("patches", []):
        looked_at: list[str] = []
        for operation in operations_of(patch):
            path = operation["path"]
            if operation["op"] == "test":
                looked_at.append(path)
                continue
            for item in (path[: found.end()] for found in re.finditer(r"/\d+(?=/|$)", path)):
                assert any(f"{each}/".startswith(f"{item}/") for each in looked_at), f"{path}: what is {item}?"


def assert_applies(operation: Document, document: Document) -> None:
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    place: Any = document
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if operation["op"] == "test":
        assert (place[int(last)] if isinstance(place, list) else place[last]) == operation["value"], operation["path"]
    elif operation["op"] in ("replace", "remove"):
        there = place[int(last)] if isinstance(place, list) else place[last]
        assert operation.get("value") != there, f"{operation['path']} is that already"
    else:
        assert isinstance(place, list) or operation["value"] != place.get(last), f"{operation['path']} is that already"


@every_mutant
def test_a_mutant_of_the_gateway_changes_one_line_of_a_part_that_there_is(folder: Path):
    for generator in kustomization(folder).get("configMapGenerator", []):
        assert overlay_of(folder).name == "nginx"
        assert (generator["name"], generator["behavior"]) == ("gateway-config", "merge")
        for name in generator["files"]:
            mine, good = ((place / name).read_text().splitlines() for place in (folder, GATEWAY))
            assert len(mine) == len(good), name
            assert sum(line != other for line, other in zip(mine, good, strict=True)) == 1, name


@every_mutant
def test_a_mutant_changes_one_object_or_adds_one(folder: Path):
    """What is red is then red because of that. The number of a service's replicas lies in two: what scales it, too."""
    document = kustomization(folder)
    changes = [each for key in ("patches", "configMapGenerator", "resources") for each in document.get(key, [])]
    counted = [each["name"] for each in document.get("replicas", [])]
    scaled = [each["target"]["name"] for each in changes if counted]
    assert len(changes) == 1
    assert counted == scaled


@every_mutant
def test_what_a_mutant_adds_is_new_and_lies_in_the_namespace_or_is_the_platforms(folder: Path):
    """A component's own objects are laid over the overlay when that has named its namespace.

    What the platform has is given back to it by the next run that does not have the fault; nothing else lies outside.
    """
    known = {(each["kind"], each["metadata"]["name"]) for each in what_it_is_laid_over(folder)}
    for name in kustomization(folder).get("resources", []):
        for document in documents(folder / name):
            address = (document["kind"], document["metadata"]["name"])
            assert document["metadata"].get("namespace") == NAMESPACE or address in of_platform()
            assert address not in known


@cache
def of_platform() -> frozenset[tuple[str, str]]:
    """Return the objects of the platform that lie in no namespace, by kind and name."""
    found = documents(MANIFESTS / "platform" / "metrics-server" / "metrics-server.yaml")
    return frozenset((each["kind"], each["metadata"]["name"]) for each in found if each["kind"] == "APIService")


def platform_object(kind: str) -> Document:
    found = documents(MANIFESTS / "platform" / "metrics-server" / "metrics-server.yaml")
    (only,) = (each for each in found if each["kind"] == kind)
    return only


def test_the_broken_metrics_api_differs_from_the_platforms_in_its_service_alone():
    (broken,) = documents(MANIFESTS / "mutants" / "24-metrics-api-broken" / "metrics-api.yaml")
    good = platform_object("APIService")
    assert broken["metadata"]["name"] == good["metadata"]["name"]
    differing = {key for key in good["spec"] if good["spec"][key] != broken["spec"][key]}
    assert (differing, set(broken["spec"])) == ({"service"}, set(good["spec"]))
    service = platform_object("Service")["metadata"]["name"]
    assert good["spec"]["service"]["name"] == service != broken["spec"]["service"]["name"]


def mutant(number: str) -> Path:
    (found,) = (MANIFESTS / "mutants").glob(f"{number}-*")
    return found


def patched(number: str) -> tuple[Document, Any]:
    """Return the target of a mutant's one patch, and the patch."""
    (patch,) = kustomization(mutant(number))["patches"]
    return patch["target"], yaml.safe_load(patch["patch"])


@pytest.mark.parametrize("kind", ["startup", "readiness", "liveness"])
def test_without_a_startup_probe_liveness_gives_up_sooner_than_the_slow_boot_is_over(kind: str):
    probe = container("leads")[f"{kind}Probe"]
    waits = probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
    boot = float(SYSTEM["slow_boot"]["BOOT_SECONDS"])
    assert (waits > 2 * boot) is (kind == "startup")
    assert waits < boot or kind == "startup"


def test_one_replica_is_fewer_than_all_and_the_others_stay():
    assert kustomization(mutant("15"))["replicas"] == [{"name": "leads", "count": 1}]
    assert Service(name="leads").replicas > 1


def test_a_replica_that_does_not_drain_has_neither_of_what_gives_it_time():
    _, patch = patched("17")
    (only,) = patch["spec"]["template"]["spec"]["containers"]
    assert only["name"] == container("leads")["name"]
    assert only["lifecycle"] is None
    assert {each["name"]: each["value"] for each in only["env"]} == {"LINGER_SECONDS": "0", "ABRUPT_END": "1"}
    assert "LINGER_SECONDS" in {each["name"] for each in container("leads")["env"]}


def test_a_budget_is_deleted_by_its_name():
    target, patch = patched("18")
    assert patch["$patch"] == "delete"
    assert patch["metadata"]["name"] == target["name"] == "leads"
    assert target["kind"] == patch["kind"] == "PodDisruptionBudget"


def test_too_little_memory_is_asked_for_and_allowed_alike_else_nothing_would_be_made():
    _, (_, *patch) = patched("20")
    assert {each["value"] for each in patch} == {"64Mi"}
    assert {each["path"].split("/")[-2] for each in patch} == {"requests", "limits"}


def test_without_a_request_for_cpu_there_is_no_limit_that_stands_in_for_it():
    _, (_, *patch) = patched("22")
    removed = {(each["op"], each["path"].partition("/resources/")[2]) for each in patch}
    assert removed == {("remove", "requests/cpu"), ("remove", "limits/cpu")}


def test_the_autoscalers_of_system_yaml_are_those_of_the_manifests():
    declared = SYSTEM["autoscaling"]
    spec = of_kind("HorizontalPodAutoscaler")[declared["service"]]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (declared["min_replicas"], declared["max_replicas"])
    assert [edge for edge in SYSTEM["edges"] if edge["caller"] == declared["service"]] == [], "it calls nobody"
