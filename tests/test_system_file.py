"""Reading system.yaml: the good file, and the exact line for each thing that can be wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.paths import ROOT
from seatrial.system_file import load_system, parse_system

GOOD = """\
name: shop
namespace: shop
services:
  - name: web
    external: web-external
  - name: stock
edges:
  - caller: web
    callee: stock
    request: {path: /items}
"""


def problems(text: str) -> list[str]:
    """Return the lines of the error that a text causes, without the file's name."""
    with pytest.raises(UsageError) as caught:
        parse_system(text, "s.yaml")
    lines = str(caught.value).splitlines()
    assert all(line.startswith("s.yaml:") for line in lines), lines
    return [line.removeprefix("s.yaml:") for line in lines]


def with_line(number: int, line: str) -> str:
    """Return the good file with one line replaced, or added after its end."""
    lines = GOOD.splitlines()
    lines[number - 1 : number] = [line]
    return "\n".join(lines)


WHOLE = {
    "empty": ("", "1: is empty; give at least name, namespace, services"),
    "only a comment": ("# nothing\n", "1: is empty; give at least name, namespace, services"),
    "a list": ("- a\n- b\n", "1: is not a mapping of fields; give at least name, namespace, services"),
    "a word": ("shop", "1: is not a mapping of fields; give at least name, namespace, services"),
    "tab": ("name: shop\n\tnamespace: shop\n", "2: is not YAML: found character '\\t' that cannot start any token"),
    "open list": ("name: [a\nnamespace: b\n", "2: is not YAML: expected ',' or ']', but got ':'"),
    "two documents": ("name: a\n---\nname: b\n", "2: is not YAML: but found another document"),
    "unknown alias": ("name: *shop\n", "1: is not YAML: found undefined alias 'shop'"),
    "control character": ("name: a\nnamespace: \x07\n", "2: is not YAML: the character U+0007 is not allowed"),
    "nested without end": ("[" * 5000, "1: is nested too deeply"),
}


@pytest.mark.parametrize(("text", "problem"), WHOLE.values(), ids=WHOLE.keys())
def test_what_is_no_description_at_all_is_told_in_one_line(text: str, problem: str):
    assert problems(text) == [problem]


def test_aliases_that_expand_without_end_are_stopped():
    layers = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))
    assert problems(f"a0: &a0 x\n{layers}")[0].endswith("is not YAML: more than 20000 values")


def test_merges_are_refused():
    text = GOOD.replace("request: {path: /items}", "request: {<<: {path: /x}, path: /items}")
    assert problems(text)[0].startswith("10: edges[0].request: '<<' merges are not supported")


def test_all_problems_are_told_in_the_order_of_the_file():
    text = GOOD.replace("namespace: shop", "namespace: Shop").replace("callee: stock", "callee: stok")
    text = text.replace("external: web-external", "port: 0\n    port: 1") + "tolerances: {alfa: 1}\n"
    assert problems(text) == [
        "2: namespace: 'Shop' is not a name; give a name of at most 63 lower-case letters, digits and inner dashes",
        "5: services[0].port: 0 is out of range; give an integer from 1 to 65535",
        "6: services[0].port: is given twice, first in line 5; keep one of them",
        "10: edges[0].callee: 'stok' is not a declared service; did you mean stock?",
        "12: tolerances.alfa: there is no such field; did you mean alpha?",
    ]


def test_the_reference_system_loads():
    system = load_system(ROOT / "system.yaml")
    assert [service.name for service in system.services] == ["auth", "users", "leads", "buyers"]
    assert all(service.external and service.headless for service in system.services)
    assert {(edge.caller, edge.callee) for edge in system.edges} == {
        ("users", "auth"),
        ("leads", "auth"),
        ("leads", "users"),
        ("buyers", "leads"),
        ("buyers", "users"),
        ("buyers", "auth"),
    }
    assert [step.name for step in system.journey if not step.request.login] == ["log in"]


def test_defaults_fill_what_is_left_out():
    web, stock = parse_system(GOOD, "s.yaml").services
    assert (web.workload, web.service, web.port, web.external) == ("web", "web", 80, "web-external")
    assert (stock.service, stock.external, stock.probes.readiness) == ("stock", None, "/readyz")


def test_numbers_may_be_written_as_in_json():
    assert parse_system(with_line(11, "tolerances: {alpha: 1e-9}"), "s.yaml").tolerances.alpha == 1e-9


def test_an_alias_repeats_a_value():
    text = with_line(10, "    request: &read {path: /items}\n  - {caller: stock, callee: web, request: *read}")
    first, second = parse_system(text, "s.yaml").edges
    assert first.request == second.request


def test_a_body_keeps_its_types():
    text = with_line(10, "    request: {path: /, json: {a: [1, 2.5, null, true, 'yes']}}")
    assert parse_system(text, "s.yaml").edges[0].request.json_body == {"a": [1, 2.5, None, True, "yes"]}


def test_a_byte_order_mark_is_no_problem(tmp_path: Path):
    path = tmp_path / "system.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_system(path).name == "shop"


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        load_system(path)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_missing_file_a_folder_and_other_encodings_are_told(tmp_path: Path):
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: a\nnamespace: M\xfcnchen".encode("latin-1"))
    missing = tmp_path / "none.yaml"
    assert refusal(missing) == f"{missing}: there is no such file; write it as docs/configuration.md shows"
    assert refusal(tmp_path) == f"{tmp_path}: is a folder; name the file in it that describes the system"
    assert refusal(latin) == f"{latin}:2: is not UTF-8 text; save the file as UTF-8"


def test_a_path_that_leads_through_a_file_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "x.yaml").endswith("x.yaml: cannot be read: Not a directory")


def test_a_file_here_is_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "system.yaml").write_text(GOOD.replace("external: web-external", "port: eighty"))
    expected = "system.yaml:5: services[0].port: 'eighty' is not a port; give an integer from 1 to 65535"
    assert refusal(tmp_path / "system.yaml") == expected
    assert refusal(Path("system.yaml")) == expected


GATEWAY = "gateway: {host: shop.test, routes: [{path: /, service: web}]}\n"


def test_a_gateway_has_a_default_for_all_but_its_host_and_routes():
    gateway = parse_system(GOOD + GATEWAY, "s.yaml").gateway
    assert gateway
    assert (gateway.service, gateway.tls_secret) == ("gateway", "gateway-tls")
    assert (gateway.http_port_name, gateway.https_port_name) == ("http", "https")
    (route,) = gateway.routes
    assert (route.path, route.service, route.request, route.quota) == ("/", "web", None, None)
    assert parse_system(GOOD, "s.yaml").gateway is None


@pytest.mark.parametrize(("per_second", "burst"), [(1, 0), (10000, 10000)])
def test_a_quota_may_be_as_small_and_as_large_as_its_bounds(per_second: int, burst: int):
    quota = f"quota: {{per_second: {per_second}, burst: {burst}}}"
    gateway = parse_system(GOOD + GATEWAY.replace("service: web", f"service: web, {quota}"), "s.yaml").gateway
    assert gateway
    assert gateway.routes[0].quota
    assert (gateway.routes[0].quota.per_second, gateway.routes[0].quota.burst) == (per_second, burst)


@pytest.mark.parametrize(
    ("more", "policy", "cookies", "told"),
    [
        ("", "round_robin", set(), ""),
        (", balancing: least_request", "least_request", set(), ""),
        (", affinity: {cookie: basket}", "affinity", {"basket"}, "cookie basket"),
        (", affinity: {header: X-Customer}", "affinity", set(), "header X-Customer"),
    ],
)
def test_a_route_has_one_policy_and_its_cookie_is_the_gateways(more: str, policy: str, cookies: set[str], told: str):
    gateway = parse_system(GOOD + GATEWAY.replace("service: web", f"service: web{more}"), "s.yaml").gateway
    assert gateway
    (route,) = gateway.routes
    assert (route.policy, gateway.cookies, route.affinity.told if route.affinity else "") == (policy, cookies, told)


def test_a_split_may_lead_to_a_service_object_of_any_other_name():
    route = "service: web, split: {service: web-next, percent: 1}"
    gateway = parse_system(GOOD + GATEWAY.replace("service: web", route), "s.yaml").gateway
    assert gateway
    assert gateway.routes[0].split
    assert (gateway.routes[0].split.service, gateway.routes[0].split.percent) == ("web-next", 1)
    named = GOOD.replace("name: web\n", "name: web\n    service: web-next\n", 1)
    assert (
        "'web-next' is the Service of a declared service" in problems(named + GATEWAY.replace("service: web", route))[0]
    )


def test_a_journey_needs_no_external_service_where_there_is_a_gateway():
    journey = "journey: [{name: look, service: stock, request: {path: /}}]\n"
    assert problems(GOOD + journey)[0].startswith("11: journey[0].service: 'stock' cannot be reached from outside")
    assert parse_system(GOOD + journey + GATEWAY, "s.yaml").journey[0].service == "stock"
    assert problems(GOOD + journey + "gateway:\n")[0].startswith("11: journey[0].service: 'stock' cannot be reached")


def test_log_ins_on_routes_are_fine_where_one_is_declared():
    route = GATEWAY.replace("service: web", "service: web, request: {path: /, login: true}")
    login = "login: {service: web, request: {path: /login}}\n"
    gateway = parse_system(GOOD + login + route, "s.yaml").gateway
    assert gateway
    assert gateway.routes[0].request
    assert gateway.routes[0].request.login


def test_the_problems_of_a_gateway_are_told_at_once():
    text = "gateway:\n  host: Shop\n  routes:\n    - {path: /, service: wb}\n    - {path: x, service: web}\n"
    assert [problem.partition(": ")[0] + ": " + problem.split(": ")[1] for problem in problems(GOOD + text)] == [
        "12: gateway.host",
        "14: gateway.routes[0].service",
        "15: gateway.routes[1].path",
    ]


def test_a_path_goes_by_the_longest_route_above_it():
    routes = "{path: /, service: web}, {path: /a/b, service: stock}, {path: /a, service: web}"
    gateway = parse_system(f"{GOOD}gateway: {{host: shop.test, routes: [{routes}]}}\n", "s.yaml").gateway
    assert gateway
    expected = {"/": "/", "/ab": "/", "/a": "/a", "/a/": "/a", "/a?b=1": "/a", "/a/bc": "/a", "/a/b/c?d": "/a/b"}
    assert {path: getattr(gateway.route(path), "path", None) for path in expected} == expected
    without = gateway.model_copy(update={"routes": gateway.routes[1:]})
    assert (without.route("/b"), without.route("/")) == (None, None)


def test_what_the_services_learn_of_a_customer_is_told_in_fields_of_usual_names():
    text = GATEWAY.rstrip().removesuffix("}") + ", forwarded: {request: {path: /me}}}\n"
    gateway = parse_system(GOOD + text, "s.yaml").gateway
    assert gateway
    assert gateway.forwarded
    assert (gateway.forwarded.client, gateway.forwarded.scheme, gateway.forwarded.host) == ("client", "scheme", "host")


def test_a_mesh_has_a_default_for_everything_and_is_left_out_where_nobody_tells():
    mesh = parse_system(GOOD + "mesh: {}\n", "s.yaml").mesh
    assert mesh
    assert (mesh.trust_domain, mesh.caller_field, mesh.callee_field) == ("cluster.local", "caller", "callee")
    assert mesh.identity("shop", "web") == "spiffe://cluster.local/ns/shop/sa/web"
    assert parse_system(GOOD, "s.yaml").mesh is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("trust_domain: Shop", "mesh.trust_domain: 'Shop' is not a domain; give a domain such as cluster.local"),
        ("caller_field: ''", "mesh.caller_field: is empty; give "),
        ("caller: x", "mesh.caller: there is no such field; did you mean caller_field?"),
    ],
)
def test_what_is_wrong_with_a_mesh_is_told_by_its_line(given: str, problem: str):
    (told,) = problems(f"{GOOD}mesh: {{{given}}}\n")
    assert told.startswith(f"11: {problem}")


def test_the_other_system_has_no_gateway_and_loads():
    other = load_system(ROOT / "tests" / "e2e" / "othersystem" / "system.yaml")
    assert (other.name, other.gateway) == ("corner shop", None)
    assert [step.service for step in other.journey] == ["shop"]
