"""The vantages: agents on each node of the cluster, or beside replicas, asked through the API server's pod proxy.

All times in what they return are on the clock of this machine, unless they are not asked for. Whatever fails between
here and an agent is an EnvironmentFault that names node and pod; what fails between an agent and the system is data.
"""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.observe.agent import Agent
from seatrial.observe.find_agents import find_agents, find_agents_beside
from seatrial.observe.records import DnsAnswer, DnsRecord, Traffic
from seatrial.observe.target import Target
from seatrial.observe.vantage_run import Run

__all__ = ["Answer", "Run", "Vantage", "vantages", "vantages_beside"]

IDENTITY_HEADER = "X-Served-By"
TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to one request; ``error`` is empty or a class as in :class:`Request`."""

    node: str
    url: str
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: str
    """Text, at most 1 MiB."""
    error: str

    def json(self) -> Any:
        """Return the body decoded; ValueError when it is no JSON."""
        return json_text.loads(self.body)


@dataclass(frozen=True)
class Vantage:
    """One agent. Safe to use from several threads."""

    agent: Agent

    @property
    def node(self) -> str:
        return self.agent.node

    @property
    def pod(self) -> str:
        return self.agent.pod

    def resolve(self, name: str, type: str = "A", *, timeout_seconds: float = TIMEOUT_SECONDS) -> DnsAnswer:
        """Ask the node's cluster DNS as a pod does, by its search list; the type is A, AAAA, SRV or CNAME.

        ``rcode`` is TIMEOUT, or UNREACHABLE, when no server answers.
        """
        order: dict[str, Any] = {"name": name, "type": type, "timeout_seconds": timeout_seconds}
        answer = self.agent.post("resolve", order)
        return DnsAnswer(
            node=self.node,
            question=name,
            resolved=answer["resolved"],
            type=type,
            rcode=answer["rcode"],
            records=tuple(DnsRecord(**record) for record in answer["records"]),
            seconds=answer["seconds"],
        )

    def requests(
        self,
        url: str,
        *,
        count: int,
        concurrency: int = 16,
        fresh: bool = True,
        headers: Mapping[str, str] | None = None,
        identity_header: str = IDENTITY_HEADER,
        timeout_seconds: float = TIMEOUT_SECONDS,
        method: str = "GET",
        json: Any = None,
        timed: bool = True,
    ) -> Traffic:
        """Send so many requests as fast as ``concurrency`` connections allow; not ``fresh``: connections are kept.

        ``json`` is sent as body unless it is None. Not ``timed``: the times stay on the agent's clock, for whoever
        asks only who answers.
        """
        amount: dict[str, Any] = {"count": count, "concurrency": concurrency}
        if json is not None:
            amount |= {"body": json_text.dumps(json)}
            headers = {"Content-Type": "application/json", **(headers or {})}
        amount |= {"method": method}
        return self._begin(amount, url, fresh, headers, identity_header, timeout_seconds, timed).wait()

    def start(
        self,
        url: str,
        *,
        rate_per_second: float,
        duration_seconds: float,
        concurrency: int = 128,
        connections: int = 0,
        fresh: bool = True,
        headers: Mapping[str, str] | None = None,
        identity_header: str = IDENTITY_HEADER,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Run:
        """Begin to send at a steady rate, whatever the answers are (open loop).

        Where all of ``concurrency`` connections wait for answers, requests go out late, and their ``start`` says so.
        So many ``connections`` are open before the first one is due, where they are not ``fresh``.
        """
        amount = {"rate_per_second": rate_per_second, "duration_seconds": duration_seconds, "concurrency": concurrency}
        amount |= {"connections": connections} if connections else {}
        return self._begin(amount, url, fresh, headers, identity_header, timeout_seconds)

    def load(
        self,
        target: Target,
        *,
        rate_per_second: float,
        count: int,
        concurrency: int,
        connections: int,
        identity_header: str = IDENTITY_HEADER,
        timeout_seconds: float = TIMEOUT_SECONDS,
        other: Target | None = None,
        turns: str = "",
    ) -> Run:
        """Begin to send so many requests at a steady rate over kept connections (open loop).

        ``connections`` are open before the first one is due; more are opened when these are all busy, up to
        ``concurrency``. With another target, each digit of ``turns`` sends an equal part of the requests in turn: 0 to
        the first target, 1 to the other.
        """
        order: dict[str, Any] = {**_way(target), "count": count, "rate_per_second": rate_per_second, "fresh": False}
        order |= {"concurrency": concurrency, "connections": connections}
        order |= {"identity_header": identity_header, "timeout_seconds": timeout_seconds}
        if other:
            order |= {"other": _way(other), "turns": turns, "turn_requests": count // len(turns)}
        return Run(self.agent, target.url, False, self.agent.post("runs", order)["id"])

    def address(self) -> str:
        """Return the address of the agent's own pod, as a URL writes it."""
        address = str(self.agent.get("healthz")["ip"])
        return f"[{address}]" if ":" in address else address

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Answer:
        """Send one request and return its whole answer; ``json`` is sent as body unless it is None."""
        given = dict(headers or {})
        if json is not None:
            given = {"Content-Type": "application/json", **given}
        order: dict[str, Any] = {"method": method, "url": url, "headers": given, "timeout_seconds": timeout_seconds}
        answer = self.agent.post("call", order | {"body": "" if json is None else json_text.dumps(json)})
        return Answer(node=self.node, url=url, **answer)

    def _begin(
        self,
        amount: Mapping[str, Any],
        url: str,
        fresh: bool,
        headers: Mapping[str, str] | None,
        identity_header: str,
        timeout_seconds: float,
        timed: bool = True,
    ) -> Run:
        order: dict[str, Any] = {"url": url, "headers": dict(headers or {}), "identity_header": identity_header}
        order |= {"fresh": fresh, "timeout_seconds": timeout_seconds, **amount}
        return Run(self.agent, url, fresh, self.agent.post("runs", order)["id"], timed)


def vantages(cluster: Cluster, namespace: str, within_seconds: float = 60.0) -> tuple[Vantage, ...]:
    """Return the vantage of each Ready node, by node name, waiting until each has one that is ready.

    Raises EnvironmentFault that names the nodes without one.
    """
    return tuple(Vantage(agent) for agent in find_agents(cluster, namespace, within_seconds))


def vantages_beside(cluster: Cluster, namespace: str, workload: str) -> tuple[Vantage, ...]:
    """Return the vantages in the replicas of a Deployment that should get traffic, by pod name.

    Raises EnvironmentFault when there is none.
    """
    return tuple(Vantage(agent) for agent in find_agents_beside(cluster, namespace, workload))


def _way(target: Target) -> dict[str, Any]:
    secured = {"server_name": target.server_name, "authority": target.authority}
    return {"url": target.url, "headers": dict(target.headers), **secured}
