"""Why a workload is not rolled out: what its own status, its pods and the warnings about them say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault

Object = Mapping[str, Any]


def observe_troubles(cluster: Cluster, target: str, namespace: str) -> list[str]:
    """Return why a workload (``deployment/gateway``) is not rolled out, a line for each pod; one line at least."""

    def read(*arguments: str) -> Any:
        return json.loads(cluster.kubectl("get", *arguments, f"--namespace={namespace}", "--output=json"))

    try:
        workload = read(target)
        labels = (workload["spec"]["selector"].get("matchLabels") or {}).items()
        pods = read("pods", f"--selector={','.join(f'{key}={value}' for key, value in sorted(labels))}")["items"]
        warnings = read("events", "--field-selector=type=Warning", "--sort-by=.lastTimestamp")["items"]
    except (EnvironmentFault, ValueError, KeyError) as error:
        return [f"its pods cannot be read: {str(error).splitlines()[0]}"]
    return list(troubles(workload, pods, warnings)) or ["it has no pods, and nothing tells why"]


def troubles(workload: Object, pods: Sequence[Object], warnings: Sequence[Object]) -> Iterator[str]:
    """Yield a line for what keeps the workload from making pods, and for each pod that is not ready."""
    for each in (workload.get("status") or {}).get("conditions") or ():
        if (each["type"], each["status"]) == ("ReplicaFailure", "True"):
            yield f"{each.get('reason', '')}: {_one_line(each.get('message', ''))}"
    last = {each["involvedObject"].get("name"): each for each in warnings}
    for pod in pods:
        if _condition(pod, "Ready") != "True":
            name = pod["metadata"]["name"]
            found = [*_states(pod), *([_warning(last[name])] if name in last else [])]
            yield f"{name}: {'; '.join(found) or 'not ready'}"


def _states(pod: Object) -> Iterator[str]:
    status = pod.get("status") or {}
    for each in status.get("conditions") or ():
        if (each["type"], each["status"]) == ("PodScheduled", "False"):
            yield f"is not scheduled: {_one_line(each.get('message', ''))}"
    for each in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        state = each.get("state") or {}
        if "waiting" in state:
            told = filter(None, (state["waiting"].get("reason"), state["waiting"].get("message")))
            yield f"{each['name']} waits: {_one_line(': '.join(told))}"
        elif "running" in state and not each.get("ready"):
            yield f"{each['name']} runs, and is not ready"
        elif "terminated" in state and state["terminated"].get("exitCode"):
            yield f"{each['name']} ended with exit code {state['terminated']['exitCode']}"


def _condition(pod: Object, kind: str) -> str:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((str(each["status"]) for each in conditions if each["type"] == kind), "")


def _warning(event: Object) -> str:
    return f"{event.get('reason', '')}: {_one_line(event.get('message', ''))}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
