"""Facts about the manifests of the reference system that need no cluster: what lies in the YAML, by plain reading."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.system import Probes

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "manifests"
BASE = MANIFESTS / "base"
SYSTEM = yaml.safe_load((ROOT / "system.yaml").read_text())
SERVICES = [service["name"] for service in SYSTEM["services"]]
MUTANTS = sorted(path for path in (MANIFESTS / "mutants").iterdir() if path.is_dir())
FAULT_SWITCHES = MANIFESTS / "components" / "fault-switches" / "kustomization.yaml"

Document = dict[str, Any]

every_service = pytest.mark.parametrize("name", SERVICES)
every_mutant = pytest.mark.parametrize("folder", MUTANTS, ids=lambda folder: folder.name)


def documents(path: Path) -> list[Document]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def kustomization(folder: Path) -> Document:
    (document,) = documents(folder / "kustomization.yaml")
    return document


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
    defaults = {path.stem: documents(path)[0] for path in (BASE / "defaults").glob("*.yaml")}
    by_kind = {"Deployment": defaults["deployment"], "HorizontalPodAutoscaler": defaults["autoscaler"]}
    own = [document for resource in kustomization(BASE)["resources"] for document in documents(BASE / resource)]
    return tuple(merged(each, by_kind.get(each["kind"], {})) | {"metadata": each["metadata"]} for each in own)


def of_kind(kind: str) -> dict[str, Document]:
    return {document["metadata"]["name"]: document for document in all_of_base() if document["kind"] == kind}


def pod(name: str) -> Document:
    spec: Document = of_kind("Deployment")[name]["spec"]["template"]["spec"]
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


@every_service
def test_workload_services_and_disruption_budget_select_the_same_pods(name: str):
    label = {"app.kubernetes.io/name": name}
    deployment = of_kind("Deployment")[name]
    assert deployment["metadata"]["labels"] == label
    assert deployment["spec"]["template"]["metadata"]["labels"] == label
    assert deployment["spec"]["selector"]["matchLabels"] == label
    assert of_kind("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == label
    for service in (name, f"{name}-headless"):
        assert of_kind("Service")[service]["spec"]["selector"] == label


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


@every_service
@pytest.mark.parametrize("resource", ["cpu", "memory"])
@pytest.mark.parametrize("bound", ["requests", "limits"])
def test_requests_and_limits_are_set(name: str, bound: str, resource: str):
    assert container(name)["resources"][bound][resource]


@every_service
def test_one_pod_at_a_time_may_be_evicted(name: str):
    assert of_kind("PodDisruptionBudget")[name]["spec"]["maxUnavailable"] == 1


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


@every_service
def test_no_token_of_the_cluster_is_mounted(name: str):
    assert pod(name)["serviceAccountName"] == name
    assert pod(name)["automountServiceAccountToken"] is False
    assert of_kind("ServiceAccount")[name]["automountServiceAccountToken"] is False


@every_service
def test_a_pod_is_as_restricted_as_its_namespace_asks_and_its_root_is_read_only(name: str):
    security = pod(name)["securityContext"]
    assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    assert security["runAsUser"] > 0
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@every_service
def test_replicas_are_spread_over_nodes_and_replaced_one_by_one(name: str):
    (constraint,) = pod(name)["topologySpreadConstraints"]
    assert (constraint["topologyKey"], constraint["maxSkew"]) == ("kubernetes.io/hostname", 1)
    strategy = of_kind("Deployment")[name]["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


@every_service
def test_a_process_is_told_which_service_and_replica_it_is_and_nothing_about_faults(name: str):
    given = {entry["name"]: entry for entry in container(name)["env"]}
    assert set(given) == {"SERVICE", "POD_NAME", "NODE_NAME"} | ({"TOKEN_KEY"} if name == "auth" else set())
    assert given["SERVICE"]["value"] == name


def test_the_component_opens_the_fault_switches_on_the_port_of_system_yaml_and_no_service_leads_there():
    (patch,) = kustomization(FAULT_SWITCHES.parent)["patches"]
    opened = yaml.safe_load(patch["patch"])["spec"]["template"]["spec"]["containers"][0]
    assert opened["env"] == [{"name": "SEATRIAL_FAULTS", "value": "enabled"}]
    assert opened["ports"] == [{"name": "faults", "containerPort": SYSTEM["faults"]["port"]}]
    targets = {port["targetPort"] for service in of_kind("Service").values() for port in service["spec"]["ports"]}
    assert targets == {"http"}


def test_held_autoscaling_gives_each_service_the_replicas_of_system_yaml():
    held = kustomization(MANIFESTS / "components" / "hold-autoscaling")["replicas"]
    assert held == [{"name": service["name"], "count": service.get("replicas", 3)} for service in SYSTEM["services"]]


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


@every_mutant
def test_a_mutant_patches_what_there_is(folder: Path):
    """A patch whose target or path does not exist is no fault: kustomize leaves the one out and fails at the other."""
    for patch in kustomization(folder).get("patches", []):
        target = patch["target"]
        found = [
            document
            for document in all_of_base()
            if document["kind"] == target["kind"] and document["metadata"]["name"] == target.get("name")
        ]
        assert len(found) == 1 or "name" not in target, target
        operations = yaml.safe_load(patch["patch"])
        for operation in operations if isinstance(operations, list) and found else []:
            assert_applies(operation, found[0])


def assert_applies(operation: Document, document: Document) -> None:
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    place: Any = document
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if operation["op"] in ("replace", "remove"):
        assert last in place, operation["path"]
        assert operation.get("value") != place[last], f"{operation['path']} is that already"
    else:
        assert isinstance(place, list) or operation["value"] != place.get(last), f"{operation['path']} is that already"
