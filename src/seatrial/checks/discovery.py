"""Do names lead to the right replicas? Each function yields the failures that it finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from seatrial.errors import Failure
from seatrial.observe.records import DnsAnswer, Endpoint, PodView, ServiceView
from seatrial.system import Edge, Service


def unpublished(
    service: Service,
    address: str,
    view: ServiceView | None,
    endpoints: tuple[Endpoint, ...],
    pods: tuple[PodView, ...],
) -> Iterator[Failure]:
    """Yield where the published Service differs from its declaration, or its endpoints from the ready replicas."""
    subject = f"{service.name} (Service {address}):"
    if view is None:
        yield Failure(f"{subject} there is no such Service", "a Service object", "none")
        return
    if view.headless:
        yield Failure(
            f"{subject} it has no virtual address",
            "a cluster IP",
            "clusterIP None",
            hint="the Service was made headless: clients get pod addresses and balance on their own",
        )
    wanted = _declared(service)
    offered = [(port.name, port.port, port.protocol) for port in view.ports]
    if wanted not in offered:
        yield Failure(f"{subject} the declared port is not offered", _port(wanted), _set(map(_port, offered)))
    yield from _wrong_endpoints(subject, "Service", view, endpoints, pods)


def unpublished_headless(
    service: Service,
    address: str,
    view: ServiceView | None,
    endpoints: tuple[Endpoint, ...],
    pods: tuple[PodView, ...],
) -> Iterator[Failure]:
    """Yield what is wrong with the headless Service over the same replicas."""
    subject = f"{service.name} (headless Service {address}):"
    if view is None or not view.headless:
        observed = f"clusterIP {view.cluster_ip}" if view else "no such Service"
        yield Failure(f"{subject} it is not published as headless", "clusterIP None", observed)
        return
    yield from _wrong_endpoints(subject, "headless Service", view, endpoints, pods)


def wrong_addresses(
    service: Service, expected: frozenset[str], answers: Iterable[DnsAnswer], meaning: str
) -> Iterator[Failure]:
    """Yield each answer whose addresses are not the expected ones; ``meaning`` says whose addresses they are.

    No answer at all, and an answer where no address is expected, are failures too.
    """
    asked = tuple(answers)
    if not asked:
        yield _unasked(f"{service.name}: its name")
    for answer in asked:
        if answer.rcode != "NOERROR" or answer.addresses() != expected or not expected:
            yield Failure(
                f"{service.name}: the name {answer.question} asked on {answer.node} does not lead to {meaning}",
                f"{answer.type} {_set(expected)}",
                f"{answer.rcode} {_set(answer.addresses())} for {answer.resolved} in {answer.seconds * 1000:.0f} ms",
                hint=_dns_hint(answer) if expected else "there is no address that it could lead to",
            )


def wrong_ports(service: Service, target: str, answers: Iterable[DnsAnswer]) -> Iterator[Failure]:
    """Yield each SRV answer that does not name the Service and its port, and a failure when there is no answer."""
    asked = tuple(answers)
    if not asked:
        yield _unasked(f"{service.name}: its port")
    for answer in asked:
        found = {(record.data, record.port) for record in answer.records if record.type == "SRV"}
        if answer.rcode != "NOERROR" or found != {(target, service.port)}:
            yield Failure(
                f"{service.name}: the name {answer.question} asked on {answer.node} does not lead to its port",
                f"SRV {target}:{service.port}",
                f"{answer.rcode} {_set(f'{data}:{port}' for data, port in found)}",
                hint=_resolver_hint(answer) or f"the Service does not offer {_port(_declared(service))}",
            )


def known_strangers(answers: Iterable[DnsAnswer]) -> Iterator[Failure]:
    """Yield each answer to a name that nobody has which is not a plain NXDOMAIN; a failure when there is no answer."""
    asked = tuple(answers)
    if not asked:
        yield _unasked("a name that nobody has")
    for answer in asked:
        if answer.rcode != "NXDOMAIN" or answer.records:
            yield Failure(
                f"the name {answer.question}, which nobody has, asked on {answer.node} is not refused",
                "NXDOMAIN",
                f"{answer.rcode} {_set(answer.addresses())} for {answer.resolved}",
                hint=_resolver_hint(answer)
                or "a wildcard record or a search domain outside the cluster answers for everything",
            )


def called_replicas(header: str) -> dict[str, str]:
    """Return dependency to pod from a header such as ``auth=auth-5d9-x7, users=users-66-qq``."""
    pairs = (part.strip().partition("=") for part in header.split(","))
    return {name: pod for name, _, pod in pairs if name and pod}


def broken_edge(
    edge: Edge, node: str, status: int, error: str, called: Mapping[str, str], callee_pods: Iterable[PodView]
) -> Iterator[Failure]:
    """Yield what is wrong with one declared call, made for real from a node."""
    subject = f"{edge.caller} → {edge.callee} ({edge.request.method} {edge.request.path} from {node}):"
    if error or status != edge.request.status:
        yield Failure(
            f"{subject} the call is not answered as declared",
            f"HTTP {edge.request.status}",
            f"no answer: {error}" if error else f"HTTP {status}",
            hint=f"{edge.caller} cannot reach {edge.callee}, or {edge.caller} itself is not reached",
        )
        return
    names = {pod.name for pod in callee_pods}
    if called.get(edge.callee) not in names:
        yield Failure(
            f"{subject} no replica of {edge.callee} took part",
            f"one of {_set(names)}",
            _set(f"{pod} for {name}" for name, pod in called.items())
            if called
            else "the answer names no called replica",
            hint=f"{edge.caller} has another address for {edge.callee}" if names else f"{edge.callee} has no replica",
        )


def _wrong_endpoints(
    subject: str, kind: str, view: ServiceView, endpoints: tuple[Endpoint, ...], pods: tuple[PodView, ...]
) -> Iterator[Failure]:
    offered = {endpoint.address for endpoint in endpoints if endpoint.ready and endpoint.ports}
    ready = {pod.ip: pod.name for pod in pods if pod.ready and not pod.terminating}
    if offered == set(ready) and ready:
        return
    missing = [f"{ip} ({ready[ip]})" for ip in sorted(set(ready) - offered)]
    names = {each.address: each.pod or "no pod" for each in endpoints}
    extra = [f"{ip} ({names[ip]})" for ip in sorted(offered - set(ready))]
    yield Failure(
        f"{subject} its endpoints are not its ready replicas",
        f"{len(ready)} ready replicas: {_set(ready)}",
        f"{len(offered)} ready endpoints: {_set(offered)}",
        (*(f"missing {each}" for each in missing), *(f"extra {each}" for each in extra)),
        hint=_endpoint_hint(kind, view, endpoints, ready, missing),
    )


def _endpoint_hint(
    kind: str,
    view: ServiceView,
    endpoints: tuple[Endpoint, ...],
    ready: Mapping[str, str],
    missing: list[str],
) -> str:
    if not ready:
        return "no replica is ready"
    if any(not endpoint.ports for endpoint in endpoints):
        return f"no container port matches the target port {', '.join(port.target for port in view.ports)}"
    selector = ", ".join(f"{key}={value}" for key, value in view.selector) or "none"
    if not missing:
        return f"the selector of the {kind} ({selector}) matches other pods too, or endpoints are behind"
    if any(not endpoint.ready and endpoint.address in ready for endpoint in endpoints):
        return "endpoints are behind the replicas' readiness"
    return f"the selector of the {kind} ({selector}) does not match the replicas' labels"


def _unasked(what: str) -> Failure:
    return Failure(f"{what} was not asked for on any node", "an answer on every node", "none")


def _resolver_hint(answer: DnsAnswer) -> str:
    unanswered = answer.rcode in ("TIMEOUT", "UNREACHABLE", "SERVFAIL")
    return f"the cluster's DNS does not answer on {answer.node}" if unanswered else ""


def _dns_hint(answer: DnsAnswer) -> str:
    if hint := _resolver_hint(answer):
        return hint
    if answer.rcode == "NXDOMAIN":
        return "there is no Service of that name, or the pod's search list is not the cluster's"
    return "DNS is behind the API server, or the Service is of another kind than declared"


def _declared(service: Service) -> tuple[str, int, str]:
    return service.port_name, service.port, service.protocol


def _port(port: tuple[str, int, str]) -> str:
    name, number, protocol = port
    return f"{name or '(no name)'} {number}/{protocol}"


def _set(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)) or "none"
