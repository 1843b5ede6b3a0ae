"""The lock of components agrees with the module graphs that the build supply compiles from."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from seatrial.cluster.components import TOOLS, GoProgram, components, content_key
from seatrial.cluster.golang import IMAGES, output_name
from seatrial.cluster.node_image import KIND

LOCK = components()
PROGRAMS: list[GoProgram] = [
    KIND,
    *(each for each in (*LOCK.binaries, *LOCK.images, *LOCK.tools) if each.package),
]
MODULES = sorted({each.module for each in PROGRAMS})
every_module = pytest.mark.parametrize("module", MODULES)


@cache
def graph(module: str) -> str:
    return (IMAGES / module / "go.mod").read_text()


def required(path: str, module: str = TOOLS) -> str:
    match = re.search(rf"^\s*(?:require )?{re.escape(path)} (v\S+)", graph(module), re.MULTILINE)
    assert match, f"{path} is not required by images/{module}/go.mod"
    return match.group(1)


def declared_tools(module: str) -> set[str]:
    """Return what ``go get -tool`` wrote: one in a line of its own, or several in a block."""
    (block,) = re.findall(r"^tool (\([^)]*\)|\S+)$", graph(module), re.MULTILINE)
    return set(block.strip("()").split())


def own(package: str) -> bool:
    """Tell whether a package lies in the module itself and not in one that it requires."""
    return package.startswith("seatrial.dev/")


def test_kubernetes_and_kind_are_the_locked_versions() -> None:
    assert required("k8s.io/kubernetes") == LOCK.kubernetes
    assert required("sigs.k8s.io/kind") == LOCK.kind


@pytest.mark.parametrize("name", ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"])
def test_control_plane_images_carry_the_kubernetes_version(name: str) -> None:
    assert LOCK.image(name).image.endswith(f":{LOCK.kubernetes}")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("coredns", "github.com/coredns/coredns"),
        ("metrics-server", "sigs.k8s.io/metrics-server"),
        ("prometheus-nginxlog-exporter", "github.com/martin-helmich/prometheus-nginxlog-exporter"),
    ],
)
def test_image_tags_equal_the_modules_that_they_are_built_from(name: str, path: str) -> None:
    image = LOCK.image(name)
    assert image.image.endswith(f":{required(path, image.module)}")


def test_the_mesh_is_one_release_and_its_module_stands_on_the_line_of_that_release() -> None:
    """Istio gives its own module no version, and a module graph names a commit; its API's pre-release has the line."""
    (tag,) = {each.image.rpartition(":")[2] for each in (*LOCK.images, *LOCK.tools) if each.addon == "istio"}
    assert re.fullmatch(r"v0\.0\.0-\d{14}-[0-9a-f]{12}", required("istio.io/istio", "istio"))
    for library in ("istio.io/api", "istio.io/client-go"):
        assert required(library, "istio").startswith(f"v{tag.rpartition('.')[0]}.")


@every_module
def test_a_module_is_compiled_by_the_locked_go(module: str) -> None:
    assert re.findall(r"^go (\S+)$", graph(module), re.MULTILINE) == [LOCK.go]
    assert graph(module).startswith(f"module seatrial.dev/images/{module}\n")
    assert (IMAGES / module / "go.sum").stat().st_size > 0


@every_module
def test_every_package_is_declared_as_a_tool_of_its_module_and_no_other_is(module: str) -> None:
    packages = {each.package for each in PROGRAMS if each.module == module and not own(each.package)}
    assert packages == declared_tools(module)


def test_every_module_folder_is_compiled_from() -> None:
    assert sorted(path.parent.name for path in IMAGES.glob("*/go.mod") if path.parent.name != "vantage") == MODULES


@every_module
def test_no_two_programs_of_a_module_have_one_file(module: str) -> None:
    mine = [each for each in PROGRAMS if each.module == module]
    for one, other in combinations(mine, 2):
        assert output_name(one.package) != output_name(other.package), (one.name, other.name)


def test_every_image_is_made_from_a_package_or_from_a_wheel_and_every_tool_from_a_package() -> None:
    assert [image.name for image in LOCK.images if not (image.package or image.wheel)] == []
    assert [tool.name for tool in LOCK.tools if not tool.package] == []


def test_a_file_of_a_module_comes_from_one_that_the_image_is_compiled_from() -> None:
    files = [(image, file) for image in LOCK.images for file in image.files]
    assert files
    for image, file in files:
        assert required(file.module, image.module)
        assert file.path.startswith("/")


def test_a_wheel_is_pinned_to_one_file_and_one_version() -> None:
    wheels = {image.image: image.wheel for image in LOCK.images if image.wheel}
    assert wheels
    for image, wheel in wheels.items():
        assert re.fullmatch(r"[a-z0-9-]+==\d+(\.\d+)+", wheel.requirement), image
        assert re.fullmatch(r"[0-9a-f]{64}", wheel.sha256), image


def test_a_wheel_that_is_the_whole_image_has_the_version_that_the_image_has() -> None:
    """Beside a package it is only a part: Istio's image of a proxy carries the release of the mesh, not of Envoy."""
    whole = {image.image: image.wheel for image in LOCK.images if image.wheel and not image.package}
    assert whole
    for image, wheel in whole.items():
        assert wheel.requirement.partition("==")[2] == image.rpartition(":")[2], image


def test_each_component_is_for_every_overlay_or_for_an_add_on() -> None:
    assert frozenset({"istio"}) == LOCK.addons
    assert {tool.addon for tool in LOCK.tools} <= LOCK.addons
    assert {binary.addon for binary in LOCK.binaries} == {""}, "the node itself is the same for all"
    assert not [image.name for image in LOCK.images if image.in_node and image.addon]


def test_images_beside_kubernetes_are_those_of_every_overlay_or_of_one_add_on() -> None:
    everywhere, mesh = ([image.name for image in LOCK.added(addon)] for addon in ("", "istio"))
    assert everywhere == ["metrics-server", "nginx", "prometheus-nginxlog-exporter"]
    assert mesh == ["pilot-discovery", "pilot-agent"]
    assert LOCK.added("other") == ()


def test_what_is_compiled_for_every_overlay_has_no_part_of_an_add_on_and_an_add_on_brings_its_tools() -> None:
    everywhere, mesh = ({each.name for each in LOCK.programs(addon)} for addon in ("", "istio"))
    assert mesh == {"pilot-discovery", "pilot-agent", "istioctl"}
    assert {"kubelet", "kubectl", "runc", "kube-apiserver", "pause", "prometheus-nginxlog-exporter"} <= everywhere
    assert "nginx" not in everywhere, "it is a wheel"
    assert everywhere | mesh | {"kind"} == {each.name for each in PROGRAMS}


def test_the_gateway_ends_as_its_upstream_image_does_when_nothing_is_under_way_any_more() -> None:
    wheel = LOCK.image("nginx").wheel
    assert wheel
    assert wheel.stop_signal == "SIGQUIT"


def test_pinned_digests_are_whole() -> None:
    for item in (LOCK.node, *LOCK.images, *LOCK.tools, *LOCK.bases):
        assert item.digest is None or re.fullmatch(r"sha256:[0-9a-f]{64}", item.digest)


def test_a_binary_is_named_after_the_last_element_that_is_no_version() -> None:
    assert output_name("go.etcd.io/etcd/server/v3") == "server"
    assert output_name("k8s.io/kubernetes/cmd/kubeadm") == "kubeadm"


def test_content_key_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = content_key(tmp_path)
    assert content_key(tmp_path) == first
    (tmp_path / "a").write_text("2")
    second = content_key(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, content_key(tmp_path)}) == 3


def test_content_key_tells_apart_what_only_joins_to_the_same(tmp_path: Path) -> None:
    for name, content in {"one": "x", "on": "ex", "a": "b"}.items():
        (tmp_path / name).write_text(content)
    folders = [tmp_path / "first" / "f", tmp_path / "second" / "f"]
    for folder in folders:
        folder.mkdir(parents=True)
    (folders[0] / "a").write_text("bf/cd")
    (folders[1] / "a").write_text("b")
    (folders[1] / "c").write_text("d")
    parts: list[tuple[str | Path, ...]] = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        ("a", "b", "c"),
        ("abc", ""),
        ("a", "b"),
        (tmp_path / "a",),
        (tmp_path / "one",),
        (tmp_path / "on",),
        *((folder,) for folder in folders),
        (tmp_path / "a", "x"),
        ("x", tmp_path / "a"),
    ]
    assert len({content_key(*each) for each in parts}) == len(parts)


def test_runc_can_filter_system_calls() -> None:
    (runc,) = (binary for binary in components().binaries if binary.name == "runc")
    assert (runc.cgo, runc.tags) == (True, "seccomp")
