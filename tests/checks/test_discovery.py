"""Discovery: what is published, what names lead to, and who takes part in declared calls."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.discovery import (
    broken_edge,
    called_replicas,
    known_strangers,
    unpublished,
    unpublished_headless,
    wrong_addresses,
    wrong_ports,
)
from seatrial.observe.records import DnsAnswer, DnsRecord, Endpoint, PodView, ServicePort, ServiceView
from seatrial.system import Edge, Service
from seatrial.system_values import Call

from .traffic import pod, pods, told

LEADS = Service(name="leads", headless="leads-all")
PORT = ServicePort("http", 80, "web", "TCP")
VIEW = ServiceView("lead-platform", "leads", "10.96.0.7", (PORT,), "None", (("app", "leads"), ("tier", "api")))
HEADLESS = replace(VIEW, name="leads-all", cluster_ip="None")
NAME = "leads.lead-platform.svc.cluster.local"


def endpoint(of: PodView, *, ready: bool = True, ports: tuple[int, ...] = (8080,)) -> Endpoint:
    return Endpoint(of.ip, of.name, of.node, ready, ready, not ready, ports)


def endpoints(letters: str, **more) -> tuple[Endpoint, ...]:
    return tuple(endpoint(each, **more) for each in pods(letters))


def published(view=VIEW, offered=None, replicas=None) -> str:
    offered = endpoints("abc") if offered is None else offered
    replicas = pods("abc") if replicas is None else replicas
    return told(unpublished(LEADS, "lead-platform/leads", view, offered, replicas))


def published_headless(view=HEADLESS, offered=None) -> str:
    offered = endpoints("abc") if offered is None else offered
    return told(unpublished_headless(LEADS, "lead-platform/leads-all", view, offered, pods("abc")))


def dns(*addresses: str, rcode: str = "NOERROR", question: str = "leads") -> DnsAnswer:
    records = tuple(DnsRecord(NAME, "A", 30, address) for address in addresses)
    return DnsAnswer("node-x", question, NAME, "A", rcode, records, 0.0042)


def srv(*ports: int, target: str = NAME, rcode: str = "NOERROR") -> DnsAnswer:
    name = f"_http._tcp.{NAME}"
    records = tuple(DnsRecord(name, "SRV", 30, target, port) for port in ports)
    return DnsAnswer("node-x", "_http._tcp.leads", name, "SRV", rcode, records, 0.0042)


def addressed(*answers: DnsAnswer, expected: frozenset[str] = frozenset({"10.96.0.7"})) -> str:
    return told(wrong_addresses(LEADS, expected, answers, "the address of the Service"))


def test_a_service_as_declared_with_exactly_its_ready_replicas_is_good():
    assert published() == ""


def test_replicas_that_are_not_ready_or_terminating_are_not_expected():
    others = (replace(pod("d"), ready=False), replace(pod("e"), terminating=True))
    offered = (*endpoints("abc"), *endpoints("de", ready=False))
    assert published(offered=offered, replicas=(*pods("abc"), *others)) == ""


def test_a_service_that_is_missing_is_told():
    assert published(None) == cleandoc(
        """
        leads (Service lead-platform/leads): there is no such Service
          expected  a Service object
          observed  none
        """
    )


def test_a_service_without_a_virtual_address_another_port_and_no_endpoints_is_told_in_one_go():
    view = replace(VIEW, cluster_ip="None", ports=(replace(PORT, protocol="UDP"), ServicePort("", 81, "81", "TCP")))
    assert published(view, offered=()) == cleandoc(
        """
        leads (Service lead-platform/leads): it has no virtual address
          expected  a cluster IP
          observed  clusterIP None
          hint      the Service was made headless: clients get pod addresses and balance on their own
        leads (Service lead-platform/leads): the declared port is not offered
          expected  http 80/TCP
          observed  (no name) 81/TCP, http 80/UDP
        leads (Service lead-platform/leads): its endpoints are not its ready replicas
          expected  3 ready replicas: 10.0.0.1, 10.0.0.2, 10.0.0.3
          observed  0 ready endpoints: none
                    missing 10.0.0.1 (leads-a)
                    missing 10.0.0.2 (leads-b)
                    missing 10.0.0.3 (leads-c)
          hint      the selector of the Service (app=leads, tier=api) does not match the replicas' labels
        """
    )


def test_a_service_without_any_port_offers_none():
    assert published(replace(VIEW, ports=())) == cleandoc(
        """
        leads (Service lead-platform/leads): the declared port is not offered
          expected  http 80/TCP
          observed  none
        """
    )


def test_an_endpoint_of_another_pod_is_told_and_an_unready_one_is_not():
    offered = (*endpoints("abcz"), *endpoints("y", ready=False), replace(endpoint(pod("x")), pod=""))
    assert published(offered=offered) == cleandoc(
        """
        leads (Service lead-platform/leads): its endpoints are not its ready replicas
          expected  3 ready replicas: 10.0.0.1, 10.0.0.2, 10.0.0.3
          observed  5 ready endpoints: 10.0.0.1, 10.0.0.2, 10.0.0.24, 10.0.0.26, 10.0.0.3
                    extra 10.0.0.24 (no pod)
                    extra 10.0.0.26 (leads-z)
          hint      the selector of the Service (app=leads, tier=api) matches other pods too, or endpoints are behind
        """
    )


@pytest.mark.parametrize(
    ("offered", "hint"),
    [
        (endpoints("abc", ports=()), "no container port matches the target port web"),
        ((*endpoints("ab"), *endpoints("c", ready=False)), "endpoints are behind the replicas' readiness"),
        (endpoints("ab"), "the selector of the Service (app=leads, tier=api) does not match the replicas' labels"),
    ],
    ids=["no port", "not ready", "not selected"],
)
def test_the_hint_names_why_a_ready_replica_is_no_ready_endpoint(offered, hint):
    assert published(offered=offered).splitlines()[-1] == f"  hint      {hint}"


@pytest.mark.parametrize("replicas", [(), (replace(pod("a"), ready=False),), (replace(pod("a"), terminating=True),)])
def test_a_service_without_ready_replicas_is_not_published(replicas):
    assert published(offered=(), replicas=replicas) == cleandoc(
        """
        leads (Service lead-platform/leads): its endpoints are not its ready replicas
          expected  0 ready replicas: none
          observed  0 ready endpoints: none
          hint      no replica is ready
        """
    )


def test_a_headless_service_over_the_ready_replicas_is_good():
    assert published_headless() == ""


@pytest.mark.parametrize(("view", "observed"), [(None, "no such Service"), (VIEW, "clusterIP 10.96.0.7")])
def test_a_headless_service_that_is_none_is_told(view, observed):
    assert published_headless(view) == "\n".join(
        [
            "leads (headless Service lead-platform/leads-all): it is not published as headless",
            "  expected  clusterIP None",
            f"  observed  {observed}",
        ]
    )


def test_a_headless_service_that_misses_a_replica_is_told():
    assert published_headless(replace(HEADLESS, selector=()), offered=endpoints("ac")) == cleandoc(
        """
        leads (headless Service lead-platform/leads-all): its endpoints are not its ready replicas
          expected  3 ready replicas: 10.0.0.1, 10.0.0.2, 10.0.0.3
          observed  2 ready endpoints: 10.0.0.1, 10.0.0.3
                    missing 10.0.0.2 (leads-b)
          hint      the selector of the headless Service (none) does not match the replicas' labels
        """
    )


def test_names_that_lead_to_the_service_are_good():
    assert addressed(dns("10.96.0.7"), dns("10.96.0.7", question=f"{NAME}.")) == ""


def test_each_name_that_leads_elsewhere_is_told():
    assert addressed(dns("10.0.0.2", "10.0.0.1"), dns("10.96.0.7"), dns(rcode="NXDOMAIN")) == cleandoc(
        """
        leads: the name leads asked on node-x does not lead to the address of the Service
          expected  A 10.96.0.7
          observed  NOERROR 10.0.0.1, 10.0.0.2 for leads.lead-platform.svc.cluster.local in 4 ms
          hint      DNS is behind the API server, or the Service is of another kind than declared
        leads: the name leads asked on node-x does not lead to the address of the Service
          expected  A 10.96.0.7
          observed  NXDOMAIN none for leads.lead-platform.svc.cluster.local in 4 ms
          hint      there is no Service of that name, or the pod's search list is not the cluster's
        """
    )


@pytest.mark.parametrize("rcode", ["TIMEOUT", "UNREACHABLE", "SERVFAIL"])
def test_a_resolver_that_gives_no_answer_is_the_hint_of_every_lookup(rcode):
    silent = dns(rcode=rcode)
    found = [
        *wrong_addresses(LEADS, frozenset({"10.96.0.7"}), [silent], "the address of the Service"),
        *wrong_ports(LEADS, NAME, [silent]),
        *known_strangers([silent]),
    ]
    assert [failure.hint for failure in found] == ["the cluster's DNS does not answer on node-x"] * 3


def test_an_empty_answer_is_not_what_a_service_without_addresses_should_give():
    assert addressed(dns(), expected=frozenset()) == cleandoc(
        """
        leads: the name leads asked on node-x does not lead to the address of the Service
          expected  A none
          observed  NOERROR none for leads.lead-platform.svc.cluster.local in 4 ms
          hint      there is no address that it could lead to
        """
    )


def test_names_that_were_not_asked_for_are_told():
    found = [
        *wrong_addresses(LEADS, frozenset({"10.96.0.7"}), [], "the address of the Service"),
        *wrong_ports(LEADS, NAME, []),
        *known_strangers([]),
    ]
    assert told(found) == cleandoc(
        """
        leads: its name was not asked for on any node
          expected  an answer on every node
          observed  none
        leads: its port was not asked for on any node
          expected  an answer on every node
          observed  none
        a name that nobody has was not asked for on any node
          expected  an answer on every node
          observed  none
        """
    )


def test_a_port_that_leads_to_the_service_is_good():
    assert told(wrong_ports(LEADS, NAME, [srv(80)])) == ""


@pytest.mark.parametrize(
    ("answer", "observed"),
    [
        (srv(8080), f"NOERROR {NAME}:8080"),
        (srv(80, target="10-0-0-1." + NAME), f"NOERROR 10-0-0-1.{NAME}:80"),
        (srv(80, 81), f"NOERROR {NAME}:80, {NAME}:81"),
        (srv(), "NOERROR none"),
        (srv(rcode="NXDOMAIN"), "NXDOMAIN none"),
    ],
    ids=["another port", "another target", "two ports", "no record", "no such name"],
)
def test_a_port_that_leads_elsewhere_is_told(answer, observed):
    assert told(wrong_ports(LEADS, NAME, [answer])) == "\n".join(
        [
            "leads: the name _http._tcp.leads asked on node-x does not lead to its port",
            f"  expected  SRV {NAME}:80",
            f"  observed  {observed}",
            "  hint      the Service does not offer http 80/TCP",
        ]
    )


def test_a_name_that_nobody_has_is_refused():
    assert told(known_strangers([dns(rcode="NXDOMAIN", question="nobody")])) == ""


def test_an_answer_to_a_name_that_nobody_has_is_told():
    assert told(known_strangers([dns("192.0.2.1", question="nobody")])) == cleandoc(
        """
        the name nobody, which nobody has, asked on node-x is not refused
          expected  NXDOMAIN
          observed  NOERROR 192.0.2.1 for leads.lead-platform.svc.cluster.local
          hint      a wildcard record or a search domain outside the cluster answers for everything
        """
    )


@pytest.mark.parametrize("answer", [dns(), dns("192.0.2.1", rcode="NXDOMAIN")])
def test_only_a_plain_nxdomain_refuses_a_name(answer):
    assert len([*known_strangers([answer])]) == 1


@pytest.mark.parametrize(
    ("header", "called"),
    [
        ("", {}),
        ("auth=auth-5d9-x7", {"auth": "auth-5d9-x7"}),
        ("auth=auth-5d9-x7, users=users-66-qq", {"auth": "auth-5d9-x7", "users": "users-66-qq"}),
        (" , auth, =x, users= ,leads=leads-a,", {"leads": "leads-a"}),
    ],
)
def test_called_replicas_are_read_from_the_header(header, called):
    assert called_replicas(header) == called


EDGE = Edge(caller="auth", callee="leads", request=Call(method="POST", path="/orders", status=201))


def called(status: int = 201, error: str = "", by: dict[str, str] | None = None, callees: str = "ab") -> str:
    return told(broken_edge(EDGE, "node-x", status, error, {} if by is None else by, iter(pods(callees))))


def test_a_call_in_which_a_replica_of_the_callee_took_part_is_good():
    assert called(by={"leads": "leads-b"}) == ""


@pytest.mark.parametrize(
    ("status", "error", "observed"),
    [(503, "", "HTTP 503"), (200, "", "HTTP 200"), (0, "timeout", "no answer: timeout")],
)
def test_a_call_that_is_not_answered_as_declared_is_told(status, error, observed):
    assert called(status, error, {"leads": "leads-b"}) == "\n".join(
        [
            "auth → leads (POST /orders from node-x): the call is not answered as declared",
            "  expected  HTTP 201",
            f"  observed  {observed}",
            "  hint      auth cannot reach leads, or auth itself is not reached",
        ]
    )


@pytest.mark.parametrize(
    ("by", "observed"),
    [
        ({}, "the answer names no called replica"),
        ({"users": "users-1"}, "users-1 for users"),
        ({"leads": "leads-z"}, "leads-z for leads"),
    ],
)
def test_a_call_without_a_replica_of_the_callee_is_told(by, observed):
    assert called(by=by) == "\n".join(
        [
            "auth → leads (POST /orders from node-x): no replica of leads took part",
            "  expected  one of leads-a, leads-b",
            f"  observed  {observed}",
            "  hint      auth has another address for leads",
        ]
    )


def test_a_call_to_a_service_without_replicas_is_told():
    assert called(by={"leads": "leads-a"}, callees="") == cleandoc(
        """
        auth → leads (POST /orders from node-x): no replica of leads took part
          expected  one of none
          observed  leads-a for leads
          hint      leads has no replica
        """
    )
