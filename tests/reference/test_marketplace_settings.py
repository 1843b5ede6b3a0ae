"""Settings: what each is by default, what it takes, and the one line that a bad one is refused with."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Mapping

import pytest
from marketplace_process import ROOT, Launcher, interpreter_environment

AUTH = {"SERVICE": "auth", "TOKEN_KEY": "key"}
LEADS = {"SERVICE": "leads"}
PORTS = ("PORT", "FAULTS_PORT", "DIRECT_PORT")
REFUSALS: list[tuple[dict[str, str], str]] = [
    ({}, "SERVICE='': give one of auth, users, leads, buyers"),
    ({"SERVICE": "Leads"}, "SERVICE='Leads': give one of auth, users, leads, buyers"),
    ({"SERVICE": "auth"}, "TOKEN_KEY is empty: auth needs a key to sign tokens with"),
    (AUTH | {"TOKEN_KEY": ""}, "TOKEN_KEY is empty: auth needs a key to sign tokens with"),
    (LEADS | {"PORT": "http"}, "PORT='http': give a port from 1 to 65535"),
    (LEADS | {"PORT": "0"}, "PORT='0': give a port from 1 to 65535"),
    (LEADS | {"PORT": "65536"}, "PORT='65536': give a port from 1 to 65535"),
    (LEADS | {"PORT": " 80"}, "PORT=' 80': give a port from 1 to 65535"),
    (LEADS | {"DIRECT_PORT": "0"}, "DIRECT_PORT='0': give a port from 1 to 65535"),
    (LEADS | {"DIRECT_PORT": "8080"}, "DIRECT_PORT=8080: the service listens there; give another port"),
    (LEADS | {"FAULTS_PORT": "-1"}, "FAULTS_PORT='-1': give a port from 1 to 65535"),
    (LEADS | {"STARTUP_DELAY_SECONDS": "-1"}, "STARTUP_DELAY_SECONDS='-1': give a number from 0 to 3600"),
    (LEADS | {"STARTUP_DELAY_SECONDS": "nan"}, "STARTUP_DELAY_SECONDS='nan': give a number from 0 to 3600"),
    (LEADS | {"STARTUP_DELAY_SECONDS": "2s"}, "STARTUP_DELAY_SECONDS='2s': give a number from 0 to 3600"),
    (LEADS | {"STARTUP_DELAY_SECONDS": "3601"}, "STARTUP_DELAY_SECONDS='3601': give a number from 0 to 3600"),
    (LEADS | {"BOOT_SECONDS": "soon"}, "BOOT_SECONDS='soon': give a number from 0 to 3600"),
    (LEADS | {"SEATRIAL_FAULTS": "true"}, "SEATRIAL_FAULTS='true': give enabled or off"),
    (LEADS | {"ABRUPT_END": "true"}, "ABRUPT_END='true': give 1 or off"),
    (LEADS | {"STUCK_READY": "yes"}, "STUCK_READY='yes': give 1 or off"),
    (LEADS | {"POD_NAME": "a\r\nb"}, r"POD_NAME='a\r\nb': give a name of letters, digits, dots and dashes"),
    (LEADS | {"NODE_NAME": "a=b"}, "NODE_NAME='a=b': give a name of letters, digits, dots and dashes"),
    (LEADS | {"AUTH_URL": "auth"}, "AUTH_URL='auth': give an address such as http://auth"),
    (
        LEADS | {"ALLOWED_ORIGINS": "marketplace.test"},
        "ALLOWED_ORIGINS='marketplace.test': give origins such as https://marketplace.test, with commas between",
    ),
    (
        LEADS | {"ALLOWED_ORIGINS": "https://a.test,https://b.test/"},
        "ALLOWED_ORIGINS='https://b.test/': give origins such as https://marketplace.test, with commas between",
    ),
    (
        LEADS | {"ALLOWED_ORIGINS": "https://a.test, https://b.test"},
        "ALLOWED_ORIGINS=' https://b.test': give origins such as https://marketplace.test, with commas between",
    ),
    (
        LEADS | {"ALLOWED_ORIGINS": "*"},
        "ALLOWED_ORIGINS='*': give origins such as https://marketplace.test, with commas between",
    ),
    (
        LEADS | {"ALLOWED_ORIGINS": "https://a.test,"},
        "ALLOWED_ORIGINS='': give origins such as https://marketplace.test, with commas between",
    ),
    (LEADS | {"USERS_URL": "ftp://users"}, "USERS_URL='ftp://users': give an address such as http://users"),
    (LEADS | {"LEADS_URL": "http://"}, "LEADS_URL='http://': give an address such as http://leads"),
    (
        LEADS | {"SEATRIAL_FAULTS": "enabled", "FAULTS_PORT": "8080"},
        "FAULTS_PORT=8080: the service listens there; give another port",
    ),
    (
        LEADS | {"SEATRIAL_FAULTS": "enabled", "DIRECT_PORT": "9901"},
        "FAULTS_PORT=9901: the service listens there; give another port",
    ),
]


def settings_of(environment: Mapping[str, str]):
    from marketplace.settings import read_settings

    return read_settings(environment)


@pytest.mark.parametrize(("environment", "text"), REFUSALS)
def test_a_bad_setting_is_refused_with_its_name_and_what_it_takes(environment: dict[str, str], text: str):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        settings_of(environment)


def test_a_process_with_a_bad_setting_says_one_line_and_ends_with_exit_code_1():
    done = subprocess.run(
        [sys.executable, "-m", "marketplace"],
        env=interpreter_environment() | LEADS | {"PORT": "http"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "marketplace: PORT='http': give a port from 1 to 65535\n"


def test_a_port_that_is_taken_ends_the_process_with_an_error_that_names_it(launcher: Launcher):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        enabled = {"SEATRIAL_FAULTS": "enabled"}
        started = [launcher.launch("users", f"taken-{name}", **enabled, **{name: port}) for name in PORTS]
        ended = [running.process.wait(30) for running in started]
    assert 0 not in ended
    for running in started:
        errors = [line["message"] for line in running.lines() if line["level"] == "error"]
        assert errors[0].endswith(f"('0.0.0.0', {port}): address already in use")


def test_defaults_are_those_of_the_readme():
    settings = settings_of(LEADS)
    assert (settings.port, settings.faults_port, settings.startup_delay_seconds) == (8080, 9901, 0)
    assert (settings.direct_port, settings.boot_seconds) == (0, 0)
    assert (settings.faults_enabled, settings.stuck_ready, settings.abrupt_end) == (False, False, False)
    assert (settings.pod, settings.node) == (socket.gethostname(), "")
    assert settings.origins == ("https://marketplace.test",)
    assert settings.urls == {name: f"http://{name}" for name in ("auth", "users", "leads", "buyers")}


@pytest.mark.parametrize(
    "variable",
    [
        "PORT",
        "DIRECT_PORT",
        "FAULTS_PORT",
        "BOOT_SECONDS",
        "STARTUP_DELAY_SECONDS",
        "ABRUPT_END",
        "SEATRIAL_FAULTS",
        "STUCK_READY",
        "POD_NAME",
        "ALLOWED_ORIGINS",
    ],
)
def test_an_empty_variable_counts_as_left_out(variable: str):
    assert settings_of(LEADS | {variable: ""}) == settings_of(LEADS)


@pytest.mark.parametrize("variable", ["ABRUPT_END", "SEATRIAL_FAULTS", "STUCK_READY"])
def test_a_switch_can_be_said_to_be_off(variable: str):
    assert settings_of(LEADS | {variable: "off"}) == settings_of(LEADS)


@pytest.mark.parametrize(
    "given", ["http://auth.lead-platform.svc.cluster.local:8080", "https://10.0.0.1/auth", "http://[fd00::1]:80"]
)
def test_addresses_take_names_numbers_ports_and_paths(given: str):
    assert settings_of(LEADS | {"AUTH_URL": given + "/"}).urls["auth"] == given


def test_origins_are_given_with_commas_between_and_may_have_ports():
    given = "https://shop.test,http://localhost:5173"
    assert settings_of(LEADS | {"ALLOWED_ORIGINS": given}).origins == ("https://shop.test", "http://localhost:5173")


def test_the_token_key_is_never_printed():
    assert "s3cret" not in repr(settings_of(AUTH | {"TOKEN_KEY": "s3cret"}))


def test_every_variable_that_is_read_is_in_the_readme_and_the_other_way_round():
    code = (ROOT / "reference" / "marketplace" / "settings.py").read_text()
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+|PORT|SERVICE)"', code)) | {"AUTH_URL", "USERS_URL", "LEADS_URL"}
    table = (ROOT / "reference" / "README.md").read_text().partition("## Settings")[2].partition("## Fault")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])} == read
