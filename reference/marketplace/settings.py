"""Settings of one process, from its environment."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

SERVICES = ("auth", "users", "leads", "buyers")
LONGEST_STARTUP_SECONDS = 3600.0
LONGEST_LINGER_SECONDS = 10.0
NAME = re.compile(r"[A-Za-z0-9._-]*")
URL = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?(/[^\s?#]*)?")


@dataclass(frozen=True, slots=True)
class Settings:
    service: str
    port: int = 8080
    direct_port: int = 0
    """Second port of the same service, which a mesh is told to leave alone; 0: there is none."""
    pod: str = "local"
    node: str = ""
    token_key: str = field(default="", repr=False)
    boot_seconds: float = 0.0
    """How long the process works before it listens: nothing answers meanwhile, probes neither."""
    startup_delay_seconds: float = 0.0
    linger_seconds: float = 0.0
    """How long the process goes on accepting after SIGTERM."""
    abrupt_end: bool = False
    """SIGTERM ends the process at once: nothing is finished, nobody is told."""
    faults_enabled: bool = False
    faults_port: int = 9901
    stuck_ready: bool = False
    urls: Mapping[str, str] = field(default_factory=dict)
    """Base URL of each service, by name."""
    origins: tuple[str, ...] = ()
    """Web origins whose scripts may call."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment; raises ValueError with the variable's name. An empty variable counts as left out."""
    service = environment.get("SERVICE", "")
    if service not in SERVICES:
        raise ValueError(f"SERVICE={service!r}: give one of {', '.join(SERVICES)}")
    if service == "auth" and not environment.get("TOKEN_KEY"):
        raise ValueError("TOKEN_KEY is empty: auth needs a key to sign tokens with")
    settings = Settings(
        service=service,
        port=_port(environment, "PORT", 8080),
        direct_port=_port(environment, "DIRECT_PORT", 0) if environment.get("DIRECT_PORT") else 0,
        pod=_name(environment, "POD_NAME") or socket.gethostname(),
        node=_name(environment, "NODE_NAME"),
        token_key=environment.get("TOKEN_KEY", ""),
        boot_seconds=_seconds(environment, "BOOT_SECONDS", LONGEST_STARTUP_SECONDS),
        startup_delay_seconds=_seconds(environment, "STARTUP_DELAY_SECONDS", LONGEST_STARTUP_SECONDS),
        linger_seconds=_seconds(environment, "LINGER_SECONDS", LONGEST_LINGER_SECONDS),
        abrupt_end=_switch(environment, "ABRUPT_END", "1"),
        faults_enabled=_switch(environment, "SEATRIAL_FAULTS", "enabled"),
        faults_port=_port(environment, "FAULTS_PORT", 9901),
        stuck_ready=_switch(environment, "STUCK_READY", "1"),
        urls={name: _url(environment, name) for name in SERVICES},
        origins=_origins(environment),
    )
    if settings.direct_port == settings.port:
        raise ValueError(f"DIRECT_PORT={settings.direct_port}: the service listens there; give another port")
    if settings.faults_enabled and settings.faults_port in (settings.port, settings.direct_port):
        raise ValueError(f"FAULTS_PORT={settings.faults_port}: the service listens there; give another port")
    return settings


def _port(environment: Mapping[str, str], variable: str, default: int) -> int:
    given = environment.get(variable) or str(default)
    if not re.fullmatch(r"[0-9]{1,5}", given) or not 1 <= int(given) <= 65535:
        raise ValueError(f"{variable}={given!r}: give a port from 1 to 65535")
    return int(given)


def _seconds(environment: Mapping[str, str], variable: str, longest: float) -> float:
    given = environment.get(variable) or "0"
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", given) or float(given) > longest:
        raise ValueError(f"{variable}={given!r}: give a number from 0 to {longest:g}")
    return float(given)


def _switch(environment: Mapping[str, str], variable: str, on: str) -> bool:
    given = environment.get(variable) or "off"
    if given not in (on, "off"):
        raise ValueError(f"{variable}={given!r}: give {on} or off")
    return given == on


def _name(environment: Mapping[str, str], variable: str) -> str:
    given = environment.get(variable, "")
    if not NAME.fullmatch(given):
        raise ValueError(f"{variable}={given!r}: give a name of letters, digits, dots and dashes")
    return given


def _origins(environment: Mapping[str, str]) -> tuple[str, ...]:
    given = tuple((environment.get("ALLOWED_ORIGINS") or "https://marketplace.test").split(","))
    wrong = next((each for each in given if not URL.fullmatch(each) or each.count("/") != 2), None)
    if wrong is not None:
        raise ValueError(
            f"ALLOWED_ORIGINS={wrong!r}: give origins such as https://marketplace.test, with commas between"
        )
    return given


def _url(environment: Mapping[str, str], service: str) -> str:
    variable = f"{service.upper()}_URL"
    given = environment.get(variable) or f"http://{service}"
    if not URL.fullmatch(given):
        raise ValueError(f"{variable}={given!r}: give an address such as http://{service}")
    return given.rstrip("/")
