"""Actions on packets, name servers, proxies and the mesh: whom they hit, in which order, and what they refuse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from chaoslib.exceptions import ActivityFailed
from fake_api import FakeApi

from seatrial.chaos import shrinking
from seatrial.chaos.actions import dns, mesh, network, proxies
from seatrial.chaos.limits import Harm
from seatrial.errors import Failed, GuardRefusal
from seatrial.observe.records import PodView, ServiceView, Workload
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    """
name: shop
namespace: shop
services: [{name: items}, {name: users}, {name: orders}]
edges:
  - {caller: users, callee: items, request: {path: /v1/users/1}}
  - {caller: orders, callee: items, request: {path: /v1/orders}}
  - {caller: orders, callee: users, request: {path: /v1/orders}}
""",
    "system.yaml",
)
MODULES = (dns, mesh, network, proxies)


def container(name: str) -> str:
    """Return the id of the container of a pod: hexadecimal digits, as containerd's are."""
    return name.encode().hex().ljust(64, "0")


def pod(name: str, node: str = "worker", *, ready: bool = True, namespace: str = "shop") -> PodView:
    ip = f"10.0.0.{sum(map(ord, name)) % 250}"
    return PodView(
        namespace, name, f"uid-{name}", ip, node, "Running", ready, False, 0, "app", container(name), 0.0, 0.0
    )


Events = list[Any]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    """What was permitted, written down and done, in order."""
    seen: Events = []
    cluster = SimpleNamespace(
        core=SimpleNamespace(
            read_namespace=lambda name: SimpleNamespace(metadata=SimpleNamespace(labels={})),
        )
    )
    for module in MODULES:
        monkeypatch.setattr(module, "cluster_here", lambda: cluster)
        monkeypatch.setattr(module, "system_here", lambda: SYSTEM, raising=False)
        monkeypatch.setattr(module, "permit", lambda cluster, system, harm: seen.append(harm))
    replicas = {"users": (pod("users-1"), pod("users-2", "worker2")), "items": (pod("items-1"),)}
    monkeypatch.setattr(network, "observe_replicas", lambda cluster, system, service: replicas.get(service.name, ()))
    monkeypatch.setattr(network, "lay", lambda rules: seen.append((rules[0].node, len(rules))))
    return seen


def refuse(*_: object) -> None:
    raise GuardRefusal("not ours")


def test_packets_are_lost_node_by_node_each_time_by_leave(events: Events):
    targets = network.lose_packets("users", "items", 0.1)
    assert events == [Harm(nodes=("worker",)), ("worker", 2), Harm(nodes=("worker2",)), ("worker2", 2)]
    assert [(each["node"], each["edge"]) for each in targets] == [
        ("worker", "users → items"),
        ("worker2", "users → items"),
    ]


@pytest.mark.parametrize("probability", [0, -1, 1.5])
def test_a_chance_that_is_none_is_told(events: Events, probability: float):
    with pytest.raises(ActivityFailed, match=r"probability: .* is not above 0 and at most 1"):
        network.lose_packets("users", "items", probability)
    assert events == []


@pytest.mark.parametrize(
    ("caller", "callee", "edge"),
    [
        ("", "", "users → items"),
        ("orders", "", "orders → items"),
        ("", "users", "orders → users"),
        ("orders", "users", "orders → users"),
    ],
)
def test_the_first_declared_call_that_fits_is_meant(caller: str, callee: str, edge: str):
    found = network.required_edge(SYSTEM, caller, callee)
    assert f"{found.caller} → {found.callee}" == edge


def test_a_call_that_is_not_declared_is_told_with_those_that_are(events: Events):
    with pytest.raises(ActivityFailed) as caught:
        network.lose_packets("", "orders", 0.1)
    assert str(caught.value) == (
        "no declared call is anybody → orders (SEATRIAL_CALLER, SEATRIAL_SERVICE); "
        "declared are: users → items, orders → items, orders → users"
    )


def test_a_service_without_ready_replicas_is_told_and_nothing_is_laid(events: Events):
    with pytest.raises(ActivityFailed, match=r"^orders has no ready replica$"):
        network.lose_packets("orders", "items", 0.1)
    assert events == []


@pytest.fixture
def relays(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The relays that were opened; the Service of every callee has an address."""
    opened: list[Any] = []

    def open_relay(vantage: Any, to: str, seconds: float) -> str:
        opened.append((vantage.node, to, seconds))
        return f"{vantage.node}:4000"

    agents = [SimpleNamespace(node=node) for node in ("control-plane", "worker", "worker2")]
    monkeypatch.setattr(network, "open_relay", open_relay)
    monkeypatch.setattr(network, "vantages", lambda cluster, namespace: agents)
    view = ServiceView("shop", "items", "10.96.0.5", (), "None", ())
    monkeypatch.setattr(network, "observe_service", lambda cluster, namespace, name: view)
    return opened


def test_a_call_is_delayed_by_relays_on_the_callers_nodes_alone(events: Events, relays: list[Any]):
    network.delay_edge("users", "items", 0.3)
    assert relays == [("worker", "10.96.0.5:80", 0.3), ("worker2", "10.96.0.5:80", 0.3)]
    assert events == [Harm(nodes=("worker",)), ("worker", 1), Harm(nodes=("worker2",)), ("worker2", 1)]


def test_in_a_mesh_the_other_experiment_is_named(events: Events, relays: list[Any], monkeypatch: pytest.MonkeyPatch):
    meshed = SimpleNamespace(metadata=SimpleNamespace(labels={"istio-injection": "enabled"}))
    cluster = SimpleNamespace(core=SimpleNamespace(read_namespace=lambda name: meshed))
    monkeypatch.setattr(network, "cluster_here", lambda: cluster)
    with pytest.raises(ActivityFailed, match="make the calls; run edge-latency-mesh instead"):
        network.delay_edge("users", "items", 0.3)
    assert (events, relays) == ([], [])


@pytest.mark.parametrize("address", [None, "None"])
def test_a_service_without_an_address_is_told(
    events: Events, relays: list[Any], monkeypatch: pytest.MonkeyPatch, address: str | None
):
    view = ServiceView("shop", "items", address, (), "None", ()) if address else None
    monkeypatch.setattr(network, "observe_service", lambda cluster, namespace, name: view)
    with pytest.raises(ActivityFailed, match="Service shop/items has no address that calls could be led from"):
        network.delay_edge("users", "items", 0.3)
    assert (events, relays) == ([], [])


@pytest.fixture
def servers(events: Events, monkeypatch: pytest.MonkeyPatch) -> list[PodView]:
    """Two name servers; deletions are events, too."""
    found = [pod("coredns-1", namespace="kube-system"), pod("coredns-2", namespace="kube-system")]

    def delete(cluster: object, victim: PodView) -> float:
        events.append(victim.name)
        return 12.5

    monkeypatch.setattr(dns, "observe_name_servers", lambda cluster: found)
    monkeypatch.setattr(dns, "delete_by_force", delete)
    return found


@pytest.mark.parametrize(("everyone", "lost"), [(False, ["coredns-1"]), (True, ["coredns-1", "coredns-2"])])
def test_name_servers_are_deleted_each_by_leave(
    events: Events, servers: list[PodView], everyone: bool, lost: list[str]
):
    targets = dns.delete_name_servers(everyone)
    assert [(each["pod"], each["at"]) for each in targets] == [(name, 12.5) for name in lost]
    assert events == [entry for server in servers[: len(lost)] for entry in (Harm(pods=(server,)), server.name)]


def test_the_only_name_server_is_not_the_one_that_others_stand_in_for(events: Events, servers: list[PodView]):
    servers.pop()
    with pytest.raises(ActivityFailed, match="coredns-1 is the only name server: none would be left"):
        dns.delete_name_servers()
    assert events == []


def test_no_ready_name_server_is_told(events: Events, servers: list[PodView]):
    servers.clear()
    with pytest.raises(ActivityFailed, match="kube-system has no ready name server"):
        dns.delete_name_servers(everyone=True)


@pytest.fixture
def signals(events: Events, monkeypatch: pytest.MonkeyPatch) -> Events:
    """Proxies of two nodes, of which one is stopped, and two gateways; signals and notes are events, too."""
    monkeypatch.setattr(proxies, "observe_node_proxies", lambda _: (pod("proxy-1"), pod("proxy-2", "worker2")))
    monkeypatch.setattr(proxies, "observe_gateways", lambda *_: (pod("gateway-1", ready=False), pod("gateway-2")))
    monkeypatch.setattr(proxies, "signal_container", lambda *what: events.append(what))
    monkeypatch.setattr(proxies, "process_states", lambda node, _: ("T",) if node == "worker2" else ("S",))
    monkeypatch.setattr(proxies, "record", lambda undo: events.append((undo.node, undo.verb, undo.argument)))
    return events


def test_a_proxy_is_stopped_after_it_was_written_down_how_it_goes_on(signals: Events):
    (target,) = proxies.stop_node_proxy("worker")
    assert signals == [
        Harm(nodes=("worker",)),
        ("worker", "continue", container("proxy-1")),
        ("worker", container("proxy-1"), "SIGSTOP"),
    ]
    assert target["pod"] == "proxy-1"


@pytest.mark.parametrize("node", ["", "nowhere"])
def test_a_node_without_a_proxy_is_told_with_those_that_have_one(signals: Events, node: str):
    with pytest.raises(ActivityFailed) as caught:
        proxies.stop_node_proxy(node)
    assert str(caught.value) == (f"no kube-proxy runs on node {node!r} (SEATRIAL_NODE); it runs on: worker, worker2")
    assert signals == []


def test_only_proxies_that_are_stopped_are_continued(signals: Events):
    assert [each["node"] for each in proxies.continue_node_proxies()] == ["worker2"]
    assert signals == [("worker2", container("proxy-2"), "SIGCONT")]


@pytest.mark.parametrize("pattern", ["", "^gateway-2$"])
def test_a_ready_replica_of_the_gateway_crashes(signals: Events, pattern: str):
    proxies.crash_gateway(pattern)
    assert signals == [Harm(pods=(pod("gateway-2"),)), ("worker", container("gateway-2"), "SIGKILL")]


def test_a_pattern_that_matches_no_ready_gateway_is_told(signals: Events):
    with pytest.raises(ActivityFailed) as caught:
        proxies.crash_gateway("^gateway-1$")
    assert str(caught.value) == "no ready replica of the gateway matches '^gateway-1$'; there are: gateway-2"
    assert signals == []


@pytest.mark.parametrize(
    "act",
    [
        lambda: network.lose_packets("users", "items", 0.1),
        lambda: dns.delete_name_servers(everyone=True),
        lambda: proxies.stop_node_proxy("worker"),
        lambda: proxies.crash_gateway(),
    ],
    ids=["packets", "name servers", "node proxy", "gateway"],
)
def test_nothing_is_done_that_is_not_permitted(
    signals: Events, servers: list[PodView], monkeypatch: pytest.MonkeyPatch, act: Any
):
    for module in MODULES:
        monkeypatch.setattr(module, "permit", refuse)
    with pytest.raises(GuardRefusal):
        act()
    assert signals == []


ISTIOD = "/apis/apps/v1/namespaces/istio-system/deployments/istiod"


@pytest.fixture
def api(events: Events, monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """A control plane of two replicas, and a mesh that says how users are reached."""
    fake = FakeApi()
    fake.objects[ISTIOD] = {"metadata": {"name": "istiod", "uid": "u"}, "spec": {"replicas": 2}}
    routes = {"metadata": {"name": "users", "uid": "u"}, "spec": {"hosts": ["users"], "http": [{"route": []}]}}
    folder = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices"
    fake.objects |= {folder: {"items": [routes]}, f"{folder}/users": routes}
    labels = {"spec": {"selector": {"matchLabels": {"app": "orders"}}}}
    fake.objects["/apis/apps/v1/namespaces/shop/deployments/orders"] = labels
    for module in (mesh, proxies):
        monkeypatch.setattr(module, "cluster_here", lambda: fake.cluster)
    monkeypatch.setattr(proxies, "observe_pods", lambda *_: (pod("istiod-1"), pod("istiod-2")))
    for module in (mesh, shrinking):
        monkeypatch.setattr(module, "record", lambda undo: events.append((undo, len(fake.sent))))
    return fake


def test_the_control_plane_loses_all_replicas_and_gets_them_back(
    events: Events, api: FakeApi, monkeypatch: pytest.MonkeyPatch
):
    proxies.stop_control_plane()
    harm, (_, sent) = events
    assert (len(harm.pods), sent, api.objects[ISTIOD]["spec"]["replicas"]) == (2, 0, 0)
    monkeypatch.setattr(proxies, "observe_workload", lambda *_: Workload("istiod", 2, 2, ()))
    assert [each["replicas"] for each in proxies.start_control_plane(1)] == [2]
    assert api.objects[ISTIOD]["spec"]["replicas"] == 2
    assert proxies.start_control_plane(1) == []


def test_a_control_plane_that_does_not_come_back_is_told(events: Events, api: FakeApi, monkeypatch: pytest.MonkeyPatch):
    proxies.stop_control_plane()
    monkeypatch.setattr(proxies, "observe_workload", lambda *_: Workload("istiod", 2, 0, ()))
    with pytest.raises(Failed) as caught:
        proxies.start_control_plane(0)
    assert "Deployment istio-system/istiod: available replicas" in str(caught.value)


def test_a_call_in_the_mesh_is_delayed_and_the_way_before_written_down(events: Events, api: FakeApi):
    mesh.delay_edge_in_mesh("orders", "users", 0.3)
    harm, (undo, sent) = events
    assert (harm, sent, undo.body) == (Harm(namespaces=("shop",)), 0, {"spec": {"http": [{"route": []}]}})
    ((path, _, body),) = api.sent
    assert path == "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/users?fieldManager=seatrial-chaos"
    assert body["spec"]["http"][0]["match"] == [{"sourceLabels": {"app": "orders"}}]


def test_delays_are_taken_out_of_every_route_that_has_one(events: Events, api: FakeApi):
    mesh.delay_edge_in_mesh("orders", "users", 0.3)
    folder = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices"
    api.objects[folder] = {"items": [api.objects[f"{folder}/users"]]}
    assert [each["routes"] for each in mesh.end_mesh_delays()] == ["users"]
    assert api.objects[f"{folder}/users"]["spec"]["http"] == [{"route": []}]
    api.objects[folder] = {"items": [api.objects[f"{folder}/users"]]}
    assert mesh.end_mesh_delays() == []


def test_a_service_that_no_route_of_the_mesh_leads_to_is_told(events: Events, api: FakeApi):
    with pytest.raises(ActivityFailed, match="no VirtualService of shop says how sidecars reach items"):
        mesh.delay_edge_in_mesh("orders", "items", 0.3)
    assert (events, api.sent) == ([], [])
