"""The lock of components agrees with the module graph that the build supply compiles from."""

import re

import pytest

from seatrial.cluster.components import TOOLS, components, content_key
from seatrial.cluster.golang import output_name


def required(module: str) -> str:
    match = re.search(rf"^\s*{re.escape(module)} (v\S+)", (TOOLS / "go.mod").read_text(), re.MULTILINE)
    assert match, f"{module} is not required by images/tools/go.mod"
    return match.group(1)


def test_kubernetes_and_kind_are_the_locked_versions() -> None:
    assert required("k8s.io/kubernetes") == components().kubernetes
    assert required("sigs.k8s.io/kind") == components().kind


@pytest.mark.parametrize("name", ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"])
def test_control_plane_images_carry_the_kubernetes_version(name: str) -> None:
    assert components().image(name).image.endswith(f":{components().kubernetes}")


@pytest.mark.parametrize(
    ("name", "module"),
    [("coredns", "github.com/coredns/coredns"), ("metrics-server", "sigs.k8s.io/metrics-server")],
)
def test_image_tags_equal_the_modules_that_they_are_built_from(name: str, module: str) -> None:
    assert components().image(name).image.endswith(f":{required(module)}")


def test_every_package_is_declared_as_a_tool() -> None:
    tools = (TOOLS / "go.mod").read_text()
    for item in (*components().binaries, *components().images):
        assert item.package.startswith("seatrial.dev/") or f"\t{item.package}\n" in tools, item.package


def test_pinned_digests_are_whole() -> None:
    lock = components()
    for item in (lock.node, *lock.images, *lock.bases):
        assert item.digest is None or re.fullmatch(r"sha256:[0-9a-f]{64}", item.digest)


def test_a_binary_is_named_after_the_last_element_that_is_no_version() -> None:
    assert output_name("go.etcd.io/etcd/server/v3") == "server"
    assert output_name("k8s.io/kubernetes/cmd/kubeadm") == "kubeadm"


def test_content_key_follows_names_and_contents(tmp_path) -> None:
    (tmp_path / "a").write_text("1")
    first = content_key(tmp_path)
    assert content_key(tmp_path) == first
    (tmp_path / "a").write_text("2")
    second = content_key(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, content_key(tmp_path)}) == 3
