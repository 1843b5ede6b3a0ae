"""A connection to one named cluster. Never the ambient one: the kubeconfig is always given."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import httpx
import yaml
from kubernetes import client, config

from seatrial.cluster.opt_in import OptIn
from seatrial.errors import EnvironmentFault
from seatrial.tls import client_context

KUBECTL_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Cluster:
    """Typed access to the API server, by the client library, by plain HTTP and by kubectl.

    The library's ``ApiClient`` is not safe to share between threads (``stream()`` swaps a method in place): a thread
    of its own calls :meth:`another`.
    """

    kubeconfig: Path
    kubectl_path: Path = field(repr=False)
    context: str | None = None
    opt_in: OptIn | None = field(default=None, repr=False, compare=False)
    """Under which conditions it may be harmed although it is not ours; None forbids that."""

    @cached_property
    def _configuration(self) -> client.Configuration:
        configuration = client.Configuration()
        try:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                str(self.kubeconfig), context=self.context, client_configuration=configuration
            )
        except (config.ConfigException, OSError, yaml.YAMLError) as error:
            raise EnvironmentFault(
                f"kubeconfig {self.kubeconfig} cannot be used: {' '.join(str(error).split())}",
                remedy="run 'seatrial up', or name another file",
            ) from error
        return configuration

    @property
    def context_name(self) -> str:
        """Name of the context in use: the one given, else the kubeconfig's current one; empty when there is none."""
        if self.context:
            return self.context
        try:
            _, current = config.list_kube_config_contexts(str(self.kubeconfig))  # type: ignore[no-untyped-call]
        except (config.ConfigException, OSError, yaml.YAMLError):
            return ""
        return str(current["name"]) if current else ""

    @property
    def server(self) -> str:
        """Address of the API server."""
        return str(self._configuration.host)

    @property
    def authority(self) -> str | None:
        """Path of the certificate authority's file, if the kubeconfig has one."""
        path = self._configuration.ssl_ca_cert
        return str(path) if path else None

    @cached_property
    def api(self) -> client.ApiClient:
        return client.ApiClient(self._configuration)

    @cached_property
    def core(self) -> client.CoreV1Api:
        return client.CoreV1Api(self.api)

    @cached_property
    def apps(self) -> client.AppsV1Api:
        return client.AppsV1Api(self.api)

    @cached_property
    def discovery(self) -> client.DiscoveryV1Api:
        return client.DiscoveryV1Api(self.api)

    @cached_property
    def authorization(self) -> client.AuthorizationV1Api:
        return client.AuthorizationV1Api(self.api)

    @cached_property
    def autoscaling(self) -> client.AutoscalingV2Api:
        return client.AutoscalingV2Api(self.api)

    def another(self) -> Cluster:
        """Return an equal connection with clients of its own, for another thread."""
        return replace(self)

    def http(self, *, timeout_seconds: float = 30.0) -> httpx.Client:
        """Return an HTTP client for the API server with the kubeconfig's credentials (for the proxy subresources)."""
        settings = self._configuration
        context = client_context(cafile=settings.ssl_ca_cert)
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        token = settings.get_api_key_with_prefix("BearerToken", alias="authorization")
        return httpx.Client(
            base_url=settings.host,
            verify=context,
            headers={"Authorization": token} if token else {},
            timeout=timeout_seconds,
            trust_env=False,
        )

    def kubectl(
        self, *arguments: str, stdin: str | None = None, timeout_seconds: float = KUBECTL_TIMEOUT_SECONDS
    ) -> str:
        """Run the project's kubectl against this cluster and return its standard output.

        Raises EnvironmentFault with kubectl's own words when it fails.
        """
        command = [str(self.kubectl_path), f"--kubeconfig={self.kubeconfig}"]
        if self.context:
            command.append(f"--context={self.context}")
        try:
            done = subprocess.run(
                [*command, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFault(f"kubectl {' '.join(arguments)}: no answer in {timeout_seconds:g} s") from error
        if done.returncode != 0:
            raise EnvironmentFault(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout
