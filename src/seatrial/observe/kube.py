"""What the API server says: Services, endpoints, replicas, as they are at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.records import Endpoint, PodView, Probe, ServicePort, ServiceView, Workload

SERVICE_LABEL = "kubernetes.io/service-name"
"""Label that ties an EndpointSlice to its Service."""
TEMPLATE_LABEL = "pod-template-hash"
"""Label by which a Deployment tells the pods of its revisions apart."""
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
UNREAD = (ApiException, HTTPError)
"""What the client raises when the API server refuses, and when it does not answer."""


def kubernetes_version(cluster: Cluster) -> str:
    """Return the version of the first node's kubelet: a first word with the cluster."""
    try:
        nodes: Any = cluster.core.list_node(_request_timeout=10).items
    except UNREAD as error:
        raise unread(f"the nodes of the cluster of {cluster.kubeconfig}", error) from error
    return str(nodes[0].status.node_info.kubelet_version)


def observe_service(cluster: Cluster, namespace: str, name: str) -> ServiceView | None:
    """Return a Service, or None when there is none of that name."""
    try:
        found = cluster.core.read_namespaced_service(name, namespace)
    except UNREAD as error:
        if isinstance(error, ApiException) and error.status == 404:
            return None
        raise unread(f"Service {namespace}/{name}", error) from error
    spec: Any = found.spec
    ports = tuple(
        ServicePort(port.name or "", port.port, str(port.target_port), port.protocol or "TCP", port.node_port or 0)
        for port in spec.ports or ()
    )
    selector = tuple(sorted((spec.selector or {}).items()))
    return ServiceView(namespace, name, spec.cluster_ip or "", ports, spec.session_affinity or "None", selector)


def observe_endpoints(cluster: Cluster, namespace: str, service: str) -> tuple[Endpoint, ...]:
    """Return the endpoints of a Service, joined from all its EndpointSlices, in order of address."""
    try:
        slices = cluster.discovery.list_namespaced_endpoint_slice(
            namespace, label_selector=f"{SERVICE_LABEL}={service}"
        ).items
    except UNREAD as error:
        raise unread(f"EndpointSlices of {namespace}/{service}", error) from error
    found = (endpoint for item in slices for endpoint in endpoints_of(item))
    return tuple(sorted(found, key=lambda endpoint: endpoint.address))


def endpoints_of(item: Any) -> tuple[Endpoint, ...]:
    """Return the endpoints of one EndpointSlice; a condition that is not given means ready, as the API says."""
    ports = tuple(port.port or 0 for port in item.ports or ())
    return tuple(
        Endpoint(
            address=each.addresses[0],
            pod=each.target_ref.name if each.target_ref else "",
            node=each.node_name or "",
            ready=_is_not(each.conditions.ready if each.conditions else None, False),
            serving=_is_not(each.conditions.serving if each.conditions else None, False),
            terminating=bool(each.conditions and each.conditions.terminating),
            ports=ports,
        )
        for each in item.endpoints or ()
    )


def observe_pods(cluster: Cluster, namespace: str, workload: str) -> tuple[PodView, ...]:
    """Return the replicas of a Deployment, by its own selector, in order of name.

    The Service's selector is not asked: whether it selects these replicas is what a trial is to find out.
    """
    try:
        selector = pod_selector(cluster, namespace, workload)
        pods = cluster.core.list_namespaced_pod(namespace, label_selector=selector).items
    except UNREAD as error:
        raise unread(f"replicas of Deployment {namespace}/{workload}", error) from error
    return tuple(sorted(map(pod_view, pods), key=lambda pod: pod.name))


def pod_selector(cluster: Cluster, namespace: str, workload: str) -> str:
    """Return the label selector of a Deployment's pods."""
    deployment: Any = cluster.apps.read_namespaced_deployment(workload, namespace)
    return ",".join(f"{key}={value}" for key, value in sorted(deployment.spec.selector.match_labels.items()))


def pod_view(pod: Any) -> PodView:
    """Return what matters of a pod and of its application container."""
    container = application_container(pod)
    # the statuses are in no order of the specification
    status = next((each for each in pod.status.container_statuses or () if each.name == container), None)
    ready = next((each for each in pod.status.conditions or () if each.type == "Ready"), None)
    since = ready.last_transition_time.timestamp() if ready and ready.last_transition_time else 0.0
    return PodView(
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        ip=pod.status.pod_ip or "",
        node=pod.spec.node_name or "",
        phase=pod.status.phase or "",
        ready=bool(ready and ready.status == "True"),
        terminating=pod.metadata.deletion_timestamp is not None,
        restarts=status.restart_count if status else 0,
        container=container,
        container_id=(status.container_id or "").rpartition("//")[2] if status else "",
        created=pod.metadata.creation_timestamp.timestamp(),
        ready_since=since,
        service_account=pod.spec.service_account_name or "",
        template=(pod.metadata.labels or {}).get(TEMPLATE_LABEL, ""),
        ended=_last_end(status),
    )


def _last_end(status: Any) -> str:
    states = (status.state, status.last_state) if status else ()
    return next((state.terminated.reason or "" for state in states if state and state.terminated), "")


def application_container(pod: Any) -> str:
    """Return the name of the container that kubectl asks by default: the annotated one, else the first.

    A mesh puts containers into pods that others wrote, perhaps before theirs, and names the application then.
    """
    names = [each.name for each in pod.spec.containers]
    annotated = (pod.metadata.annotations or {}).get(DEFAULT_CONTAINER)
    return str(annotated if annotated in names else names[0])


def observe_workload(cluster: Cluster, namespace: str, workload: str) -> Workload:
    """Return a Deployment: wanted and available replicas and the probes of its application container."""
    try:
        found: Any = cluster.apps.read_namespaced_deployment(workload, namespace)
    except UNREAD as error:
        raise unread(f"Deployment {namespace}/{workload}", error) from error
    container = found.spec.template.spec.containers[0]
    kinds = ("readiness", "liveness", "startup")
    probes = ((kind, getattr(container, f"{kind}_probe")) for kind in kinds)
    return Workload(
        name=workload,
        replicas=found.spec.replicas or 0,
        available=found.status.available_replicas or 0,
        probes=tuple(_probe(kind, probe) for kind, probe in probes if probe),
    )


def ready_pods(pods: Iterable[PodView]) -> tuple[PodView, ...]:
    """Return those that should get traffic: ready and not on their way out."""
    return tuple(pod for pod in pods if pod.ready and not pod.terminating)


def _probe(kind: str, probe: Any) -> Probe:
    path = probe.http_get.path if probe.http_get else ""
    return Probe(kind, path or "", probe.period_seconds or 10, probe.timeout_seconds or 1, probe.failure_threshold or 3)


def _is_not(value: bool | None, other: bool) -> bool:
    return value is not other


def unread(what: str, error: Exception) -> EnvironmentFault:
    """Return the fault that tells in one line what could not be read, and why."""
    return cannot_be("read", what, error)


def cannot_be(done: str, what: str, error: Exception) -> EnvironmentFault:
    """Return the fault that tells in one line what could not be done to an object, and why."""
    why = f"{error.status} {error.reason}" if isinstance(error, ApiException) else getattr(error, "reason", error)
    return EnvironmentFault(f"{what} cannot be {done}: {why}")
