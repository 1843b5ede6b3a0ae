"""The exact line for each thing that can be wrong with one line of system.yaml."""

from __future__ import annotations

import pytest

from seatrial.errors import UsageError
from seatrial.system_file import parse_system

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


def gateway(routes: str, host: str = "shop.test", more: str = "") -> str:
    return f"gateway: {{host: {host}, routes: [{routes}]{more}}}"


NAME = "a name of at most 63 lower-case letters, digits and inner dashes"
BROKEN = {
    "the only item of a list that needs one": (
        11,
        gateway("{path: /, service: web, quota: {per_second: x, burst: 0}}"),
        "11: gateway.routes[0].quota.per_second: 'x' is not an integer; give an integer from 1 to 10000",
    ),
    "unknown field": (5, "    prot: 80", "5: services[0].prot: there is no such field; did you mean port?"),
    "unknown field, nothing near": (
        10,
        "    request: {path: /items, zzz: 1}",
        "10: edges[0].request.zzz: there is no such field; choose from method, path, json, login, status",
    ),
    "python name instead of alias": (
        10,
        "    request: {path: /items, json_body: 1}",
        "10: edges[0].request.json_body: there is no such field; did you mean json?",
    ),
    "missing at the top": (2, "", "1: namespace: is missing; give " + NAME),
    "missing inside": (
        10,
        "    request: {method: GET}",
        "10: edges[0].request.path: is missing; give a path that begins with / and has no blanks",
    ),
    "word for a port": (
        5,
        "    port: eighty",
        "5: services[0].port: 'eighty' is not a port; give an integer from 1 to 65535",
    ),
    "text for a port": (
        5,
        "    port: '80'",
        "5: services[0].port: '80' is not a port; give an integer from 1 to 65535",
    ),
    "fraction for a port": (
        5,
        "    port: 80.0",
        "5: services[0].port: 80.0 is not a port; give an integer from 1 to 65535",
    ),
    "truth for a port": (5, "    port: yes", "5: services[0].port: yes is not a port; give an integer from 1 to 65535"),
    "nothing for a port": (5, "    port:", "5: services[0].port: is empty; give an integer from 1 to 65535"),
    "list for a port": (
        5,
        "    port: [80]",
        "5: services[0].port: a list is not a port; give an integer from 1 to 65535",
    ),
    "port too high": (
        5,
        "    port: 70000",
        "5: services[0].port: 70000 is out of range; give an integer from 1 to 65535",
    ),
    "port in octal": (
        5,
        "    port: 0777777",
        "5: services[0].port: 0777777 is out of range; give an integer from 1 to 65535",
    ),
    "too few replicas": (
        5,
        "    replicas: 1",
        "5: services[0].replicas: 1 is out of range; give an integer from 2 to 50",
    ),
    "bad label": (4, "  - name: web\n  - name: Web_1", f"5: services[1].name: 'Web_1' is not a name; give {NAME}"),
    "label too long": (
        5,
        f"    headless: {'a' * 64}",
        f"5: services[0].headless: '{'a' * 64}' is not a name; give {NAME}",
    ),
    "truth for a name": (1, "name: no", "1: name: no is not text; give text that is not empty, in quotes"),
    "empty name": (1, "name: ''", "1: name: is empty; give text that is not empty"),
    "bad path": (
        10,
        "    request: {path: items}",
        "10: edges[0].request.path: 'items' is not a path; give a path that begins with / and has no blanks",
    ),
    "unknown method": (
        10,
        "    request: {path: /, method: FETCH}",
        "10: edges[0].request.method: 'FETCH' is not known; give one of GET, POST, PUT, PATCH, DELETE, HEAD",
    ),
    "text for truth": (
        10,
        "    request: {path: /, login: 'true'}",
        "10: edges[0].request.login: 'true' is not true or false; give true or false",
    ),
    "text for a mapping": (
        10,
        "    request: GET /items",
        "10: edges[0].request: 'GET /items' is not a mapping; give a mapping with path",
    ),
    "empty mapping": (
        6,
        "  - {name: stock, probes: }",
        "6: services[1].probes: is empty; give a mapping of its fields",
    ),
    "text for a list": (11, "journey: none", "11: journey: 'none' is not a list; give a list"),
    "text for a time": (
        11,
        "tolerances: {dns_seconds: 40s}",
        "11: tolerances.dns_seconds: '40s' is not a duration; give a number of seconds above 0 and at most 3600",
    ),
    "no time at all": (
        11,
        "tolerances: {dns_seconds: 0}",
        "11: tolerances.dns_seconds: 0 is out of range; give a number of seconds above 0 and at most 3600",
    ),
    "alpha too large": (
        11,
        "tolerances: {alpha: 0.05}",
        "11: tolerances.alpha: 0.05 is out of range; give a number above 0 and below 0.05",
    ),
    "not a number": (11, "tolerances: {dns_seconds: .nan}", "11: tolerances.dns_seconds: .nan is not a finite number"),
    "a date": (1, "name: 2024-01-01", "1: name: '2024-01-01' is read as a date; put it in quotes to make it text"),
    "an impossible number": (1, "name: !!int shop", "1: name: shop cannot be read as int"),
    "half a character": (1, 'name: "\\ud800"', "1: name: '\\ud800' cannot be read as str"),
    "a tag": (1, "name: !shop shop", "1: name: the tag !shop is not supported; leave it out"),
    "a set": (11, "tolerances: !!set {a}", "11: tolerances: the tag set is not supported; leave it out"),
    "key that is no text": (11, "80: x", "11: the key 80 is not text"),
    "key that is a list": (11, "[a]: x", "11: the key that is a list or a mapping is not text"),
    "duplicate key": (
        2,
        "namespace: a\nnamespace: b",
        "3: namespace: is given twice, first in line 2; keep one of them",
    ),
    "duplicate service": (
        6,
        "  - name: stock\n  - name: web",
        "7: services[2].name: 'web' is already the name of services[0]; give a service a name of its own",
    ),
    "unknown callee": (
        9,
        "    callee: stocks",
        "9: edges[0].callee: 'stocks' is not a declared service; did you mean stock?",
    ),
    "unknown caller": (
        8,
        "  - caller: zzz",
        "8: edges[0].caller: 'zzz' is not a declared service; choose from web, stock",
    ),
    "call of itself": (9, "    callee: web", "9: edges[0].callee: 'web' calls itself; give two different services"),
    "log-in not declared": (
        10,
        "    request: {path: /items, login: true}",
        "10: edges[0].request.login: true needs the part login, which is missing; declare it at the top level",
    ),
    "log-in that needs one": (
        11,
        "login: {service: web, request: {path: /, login: true}}",
        "11: login.request.login: the request for a token cannot need a token; leave it out",
    ),
    "log-in at an unknown service": (
        11,
        "login: {service: auth, request: {path: /}}",
        "11: login.service: 'auth' is not a declared service; choose from web, stock",
    ),
    "journey to the inside": (
        11,
        "journey: [{name: look, service: stock, request: {path: /}}]",
        "11: journey[0].service: 'stock' cannot be reached from outside; give that service the field external",
    ),
    "route to an unknown service": (
        11,
        gateway("{path: /, service: stok}"),
        "11: gateway.routes[0].service: 'stok' is not a declared service; did you mean stock?",
    ),
    "second route to an unknown service": (
        11,
        gateway("{path: /, service: web}, {path: /z, service: zzz}"),
        "11: gateway.routes[1].service: 'zzz' is not a declared service; choose from web, stock",
    ),
    "route with a log-in that is not declared": (
        11,
        gateway("{path: /, service: web, request: {path: /, login: true}}"),
        "11: gateway.routes[0].request.login: true needs the part login, which is missing; declare it at the top level",
    ),
    "a large request without a body": (
        11,
        "largest: {service: web, request: {path: /, json: large}}",
        "11: largest.request: there is no body that a field could be added to; give a mapping as json",
    ),
    "a large request to an unknown service": (
        11,
        "largest: {service: wep, request: {path: /, json: {}}}",
        "11: largest.service: 'wep' is not a declared service; did you mean web?",
    ),
    "a large request with a log-in that is not declared": (
        11,
        "largest: {service: web, request: {path: /, json: {}, login: true}}",
        "11: largest.request.login: true needs the part login, which is missing; declare it at the top level",
    ),
    "an autoscaler of an unknown service": (
        11,
        "autoscaling: {service: auth}",
        "11: autoscaling.service: 'auth' is not a declared service; choose from web, stock",
    ),
    "an autoscaler without room": (
        11,
        "autoscaling: {service: web, max_replicas: 2}",
        "11: autoscaling: nothing scales from 2 to 2; give max_replicas above min_replicas",
    ),
    "a slow boot by a number": (
        11,
        "slow_boot: {BOOT_SECONDS: 10}",
        "11: slow_boot.BOOT_SECONDS: 10 is not a value; give any value, in quotes",
    ),
    "a queue without a limit": (
        11,
        gateway("{path: /, service: web, pending: 1}"),
        "11: gateway.routes[0].pending: nobody waits where all are let through; declare concurrent, or leave it out",
    ),
    "a period too short": (
        11,
        "gateway: {host: a.test, ejection: {for_seconds: 0}, routes: [{path: /, service: web}]}",
        "11: gateway.ejection.for_seconds: 0 is out of range; give a number of seconds from 0.5 to 3600",
    ),
    "a request that no route leads to": (
        11,
        gateway("{path: /a, service: web}, {path: /b, service: web}", more=", forwarded: {request: {path: /ab}}"),
        "11: gateway.forwarded.request.path: no route leads to '/ab'; give a path below /a or /b",
    ),
    "a request of the gateway that needs a log-in": (
        11,
        gateway("{path: /, service: web}", more=", forwarded: {request: {path: /me, login: true}}"),
        "11: gateway.forwarded.request.login: true needs the part login, which is missing; declare it at the top level",
    ),
    "no field for the scheme": (
        11,
        gateway("{path: /, service: web}", more=", forwarded: {request: {path: /me}, scheme: ''}"),
        "11: gateway.forwarded.scheme: is empty; give text that is not empty",
    ),
    "a description that is no path": (
        5,
        "    openapi: openapi.json",
        "5: services[0].openapi: 'openapi.json' is not a path; give a path that begins with / and has no blanks",
    ),
    "no routes": (11, gateway(""), "11: gateway.routes: is empty; give a list that is not empty"),
    "routes missing": (
        11,
        "gateway: {host: shop.test}",
        "11: gateway.routes: is missing; give a list that is not empty",
    ),
    "route without a service": (
        11,
        gateway("{path: /}"),
        f"11: gateway.routes[0].service: is missing; give {NAME}",
    ),
    "route of a bad path": (
        11,
        gateway("{path: items, service: web}"),
        "11: gateway.routes[0].path: 'items' is not a path; give a path that begins with / and has no blanks",
    ),
    "host missing": (
        11,
        "gateway: {routes: [{path: /, service: web}]}",
        "11: gateway.host: is missing; give a domain such as cluster.local",
    ),
    "bad host": (
        11,
        gateway("{path: /, service: web}", host="'https://shop.test'"),
        "11: gateway.host: 'https://shop.test' is not a domain; give a domain such as cluster.local",
    ),
    "bad Secret": (
        11,
        "gateway: {host: shop.test, tls_secret: Door_TLS, routes: [{path: /, service: web}]}",
        f"11: gateway.tls_secret: 'Door_TLS' is not a name; give {NAME}",
    ),
    "quota of nothing": (
        11,
        gateway("{path: /, service: web, quota: {per_second: 0, burst: 0}}"),
        "11: gateway.routes[0].quota.per_second: 0 is out of range; give an integer from 1 to 10000",
    ),
    "quota without end": (
        11,
        gateway("{path: /, service: web, quota: {per_second: 10001, burst: 0}}"),
        "11: gateway.routes[0].quota.per_second: 10001 is out of range; give an integer from 1 to 10000",
    ),
    "burst below nothing": (
        11,
        gateway("{path: /, service: web, quota: {per_second: 1, burst: -1}}"),
        "11: gateway.routes[0].quota.burst: -1 is out of range; give an integer from 0 to 10000",
    ),
    "burst without end": (
        11,
        gateway("{path: /, service: web, quota: {per_second: 1, burst: 10001}}"),
        "11: gateway.routes[0].quota.burst: 10001 is out of range; give an integer from 0 to 10000",
    ),
    "burst missing": (
        11,
        gateway("{path: /, service: web, quota: {per_second: 1}}"),
        "11: gateway.routes[0].quota.burst: is missing; give an integer from 0 to 10000",
    ),
    "affinity by two things": (
        11,
        gateway("{path: /, service: web, affinity: {cookie: a, header: b}}"),
        "11: gateway.routes[0].affinity: both cookie and header are given; keep one of them",
    ),
    "affinity by nothing": (
        11,
        gateway("{path: /, service: web, affinity: {}}"),
        "11: gateway.routes[0].affinity: is empty; give cookie or header",
    ),
    "affinity by an empty field": (
        11,
        gateway("{path: /, service: web, affinity: {cookie: }}"),
        "11: gateway.routes[0].affinity: is empty; give cookie or header",
    ),
    "affinity by something else": (
        11,
        gateway("{path: /, service: web, affinity: {cookies: a}}"),
        "11: gateway.routes[0].affinity.cookies: there is no such field; did you mean cookie?",
    ),
    "cookie that is no name": (
        11,
        gateway("{path: /, service: web, affinity: {cookie: a=b}}"),
        "11: gateway.routes[0].affinity.cookie: 'a=b' is not a cookie name; "
        "give a cookie name of letters, digits, dashes and underscores",
    ),
    "affinity with a balancing": (
        11,
        gateway("{path: /, service: web, affinity: {cookie: a}, balancing: round_robin}"),
        "11: gateway.routes[0].balancing: says nothing where customers stay with a replica (affinity); leave it out",
    ),
    "affinity with a split": (
        11,
        gateway("{path: /, service: web, affinity: {header: a}, split: {service: web-next, percent: 5}}"),
        "11: gateway.routes[0].split: says nothing where customers stay with a replica (affinity); leave it out",
    ),
    "split with oneself": (
        11,
        gateway("{path: /, service: web, split: {service: web, percent: 5}}"),
        "11: gateway.routes[0].split.service: 'web' is the Service of a declared service; "
        "give the name of the other version's Service",
    ),
    "split with another service": (
        11,
        gateway("{path: /, service: web, split: {service: stock, percent: 5}}"),
        "11: gateway.routes[0].split.service: 'stock' is the Service of a declared service; "
        "give the name of the other version's Service",
    ),
    "split of everything": (
        11,
        gateway("{path: /, service: web, split: {service: web-next, percent: 100}}"),
        "11: gateway.routes[0].split.percent: 100 is out of range; give an integer from 1 to 99",
    ),
    "split of nothing": (
        11,
        gateway("{path: /, service: web, split: {service: web-next, percent: 0}}"),
        "11: gateway.routes[0].split.percent: 0 is out of range; give an integer from 1 to 99",
    ),
    "split without a share": (
        11,
        gateway("{path: /, service: web, split: {service: web-next}}"),
        "11: gateway.routes[0].split.percent: is missing; give an integer from 1 to 99",
    ),
    "certificate of no hours": (
        11,
        "tolerances: {certificate_hours: 0}",
        "11: tolerances.certificate_hours: 0 is out of range; give a number of hours above 0 and at most 8760",
    ),
    "two steps of one name": (
        11,
        "journey:\n  - &look {name: look, service: web, request: {path: /}}\n  - *look",
        "12: journey[1].name: 'look' is already the name of journey[0]; give a step a name of its own",
    ),
    "one header for two things": (
        11,
        "identity: {header: x-called}",
        "11: identity: header and called_header are both 'x-called'; give two different headers",
    ),
    "hang noticed before unreadiness": (
        11,
        "tolerances: {withdrawal_seconds: 20}",
        "11: tolerances: a hang is noticed by the same probe: hang_withdrawal_seconds (10) is below "
        "withdrawal_seconds (20); give at least 20",
    ),
    "a confidence that none is": (
        11,
        "tolerances: {slowdown_confidence: 99}",
        "11: tolerances.slowdown_confidence: 99 is out of range; give a number at least 0.5 and below 1",
    ),
    "blocks too few to judge by": (
        11,
        "tolerances: {slowdown_blocks: 10}",
        "11: tolerances.slowdown_blocks: 10 is out of range; give an integer from 30 to 1000",
    ),
    "a direct name that is none": (
        5,
        "    direct: Web",
        f"5: services[0].direct: 'Web' is not a name; give {NAME}",
    ),
    "a word for yes": (
        11,
        "vantage_beside: enabled",
        "11: vantage_beside: 'enabled' is not true or false; give true or false",
    ),
    "alias of itself": (
        11,
        "tolerances: &t {alpha: *t}",
        "11: tolerances.alpha: is an alias of a part that contains it (line 11)",
    ),
}


@pytest.mark.parametrize(("number", "line", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_one_broken_line_is_told_in_one_line(number: int, line: str, problem: str):
    assert problems(with_line(number, line)) == [problem]
