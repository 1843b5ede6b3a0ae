"""Settings of one process, from its environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

SERVICES = ("auth", "users", "leads", "buyers")


@dataclass(frozen=True, slots=True)
class Settings:
    service: str
    port: int = 8080
    pod: str = "local"
    node: str = ""
    token_key: str = field(default="", repr=False)
    startup_delay_seconds: float = 0.0
    faults_enabled: bool = False
    faults_port: int = 9901
    stuck_ready: bool = False
    urls: Mapping[str, str] = field(default_factory=dict)
    """Base URL of each service, by name."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment; raises ValueError with the variable's name."""
    service = environment.get("SERVICE", "")
    if service not in SERVICES:
        raise ValueError(f"SERVICE={service!r}: give one of {', '.join(SERVICES)}")
    if service == "auth" and not environment.get("TOKEN_KEY"):
        raise ValueError("TOKEN_KEY is empty: auth needs a key to sign tokens with")
    return Settings(
        service=service,
        port=int(environment.get("PORT", "8080")),
        pod=environment.get("POD_NAME") or socket.gethostname(),
        node=environment.get("NODE_NAME", ""),
        token_key=environment.get("TOKEN_KEY", ""),
        startup_delay_seconds=float(environment.get("STARTUP_DELAY_SECONDS", "0")),
        faults_enabled=environment.get("SEATRIAL_FAULTS") == "enabled",
        faults_port=int(environment.get("FAULTS_PORT", "9901")),
        stuck_ready=environment.get("STUCK_READY") == "1",
        urls={name: environment.get(f"{name.upper()}_URL", f"http://{name}") for name in SERVICES},
    )
