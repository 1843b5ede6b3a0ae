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
    for package in (*(binary.package for binary in components().binaries), *components().packages):
        assert package.startswith("seatrial.dev/") or f"\t{package}\n" in tools, package


def test_every_image_is_made_from_a_package_or_from_a_wheel() -> None:
    assert [image.name for image in components().images if bool(image.package) is bool(image.wheel)] == []


def test_a_wheel_is_pinned_to_one_file_of_the_version_that_the_image_has() -> None:
    wheels = {image.image: image.wheel for image in components().images if image.wheel}
    assert wheels
    for image, wheel in wheels.items():
        assert wheel.requirement.partition("==")[2] == image.rpartition(":")[2], image
        assert re.fullmatch(r"[0-9a-f]{64}", wheel.sha256), image


def test_the_gateway_ends_as_its_upstream_image_does_when_nothing_is_under_way_any_more() -> None:
    wheel = components().image("nginx").wheel
    assert wheel
    assert wheel.stop_signal == "SIGQUIT"


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
