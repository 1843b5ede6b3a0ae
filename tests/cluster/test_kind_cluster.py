"""The kind configuration per host, the names, and what counts as ours."""

import json

import pytest
import yaml

from seatrial.cluster import kind
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import Recorded, recorded_clusters
from seatrial.cluster.identity import Identity
from seatrial.errors import EnvironmentFault, UsageError


def test_an_ordinary_host_gets_kinds_own_defaults() -> None:
    document = kind.configuration(2, withheld_capability=False, cgroup_v1=False)
    assert [node["role"] for node in document["nodes"]] == ["control-plane", "worker", "worker"]
    assert "featureGates" not in document
    (runtime,) = document["containerdConfigPatches"]
    assert runtime == '[plugins."io.containerd.cri.v1.runtime"]\n  stats_collect_period = "60s"\n'
    assert not any("failCgroupV1" in patch for patch in document["kubeadmConfigPatches"])
    assert document["networking"]["apiServerAddress"] == "127.0.0.1"


def test_a_host_that_withholds_the_capability_is_treated_as_rootless() -> None:
    document = kind.configuration(1, withheld_capability=True, cgroup_v1=True)
    assert document["featureGates"] == {"KubeletInUserNamespace": True}
    assert "restrict_oom_score_adj = true" in document["containerdConfigPatches"][1]
    patches = [yaml.safe_load(patch) for patch in document["kubeadmConfigPatches"]]
    (kubelet,) = [patch for patch in patches if patch["kind"] == "KubeletConfiguration"]
    assert kubelet["failCgroupV1"] is False


def test_a_node_is_held_for_lost_after_five_renewals_that_did_not_come() -> None:
    document = kind.configuration(1, withheld_capability=False, cgroup_v1=False)
    patches = [yaml.safe_load(patch) for patch in document["kubeadmConfigPatches"]]
    assert {"kind": "KubeletConfiguration", "nodeLeaseDurationSeconds": kind.LEASE_SECONDS} in patches
    (added,) = document["kubeadmConfigPatchesJSON6902"]
    (operation,) = yaml.safe_load(added["patch"])
    assert operation["path"].endswith("/-")  # beside those that kind gives
    assert operation["value"] == {"name": "node-monitor-grace-period", "value": f"{kind.GRACE_SECONDS}s"}
    assert kind.GRACE_SECONDS == 5 * kind.LEASE_SECONDS / 4


@pytest.mark.parametrize("name", ["", "Sea", "a b", "-a", "a/../b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not a cluster name; use lower-case letters, digits and dashes"):
        kind.KindCluster(name)


def test_a_foreign_cluster_of_the_same_name_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    calls: list[tuple[str, ...]] = []

    def docker(*arguments: str) -> str:
        calls.append(arguments)
        return "theirs-control-plane\n"

    monkeypatch.setattr(kind, "docker", docker)
    with pytest.raises(EnvironmentFault, match="exists that this project did not create; give another --name"):
        kind.delete(kind.KindCluster("theirs"))
    assert [call[0] for call in calls] == ["ps"]


OURS = Identity("11-22", "aa")


def test_an_unreadable_record_owns_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    for name, text in {"a": "{", "b": "[]", "c": '{"identity": null}'}.items():
        (tmp_path / "clusters" / name).mkdir(parents=True)
        (tmp_path / "clusters" / name / "cluster.json").write_text(text)
    assert recorded_clusters() == ()
    good = {"identity": OURS.as_dict()}
    (tmp_path / "clusters" / "a" / "cluster.json").write_text(json.dumps(good))
    assert recorded_clusters() == (Recorded(OURS, ""),)
    kubeconfig = {"clusters": [{"name": "c", "cluster": {"server": "https://10.1.2.3:6443"}}]}
    (tmp_path / "clusters" / "a" / "kubeconfig").write_text(json.dumps(kubeconfig))
    assert recorded_clusters() == (Recorded(OURS, "https://10.1.2.3:6443"),)


def test_the_context_in_use_is_the_kubeconfigs_current_one(tmp_path) -> None:
    file = tmp_path / "kubeconfig"
    context = {"name": "staging", "context": {"cluster": "c", "user": "u"}}
    users, clusters = [{"name": "u", "user": {}}], [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}]
    document = {"current-context": "staging", "contexts": [context], "users": users, "clusters": clusters}
    file.write_text(yaml.safe_dump(document))
    assert Cluster(file, file).context_name == "staging"
    assert Cluster(file, file, "other").context_name == "other"
    assert Cluster(tmp_path / "absent", file).context_name == ""


def test_every_node_puts_pods_first_and_forgets_what_nobody_answered(monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(kind, "docker", lambda *words: asked.append(words))
    kind._set_up(["sea-control-plane", "sea-worker"])
    assert [words[:4] for words in asked] == [
        ("exec", node, "sh", "-ec") for node in ("sea-control-plane", "sea-worker")
    ]
    assert asked[0][4].splitlines() == [
        "systemctl set-property kubelet.slice CPUWeight=1000",
        "echo net.netfilter.nf_conntrack_tcp_timeout_syn_sent=5 > /etc/sysctl.d/90-seatrial.conf",
        "systemctl restart systemd-sysctl",
    ]


def test_a_cluster_whose_nodes_were_set_up_otherwise_is_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    cluster, wanted = kind.KindCluster("sea"), {"nodes": []}
    cluster.record.parent.mkdir(parents=True, exist_ok=True)
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(kind, "docker", lambda *words: asked.append(words) or "one\n")
    for setup, looked in (([], 0), (list(kind.NODE_SETUP), 1)):
        record = {"image": "node:1", "configuration": wanted, "node_setup": setup, "identity": OURS.as_dict()}
        cluster.record.write_text(json.dumps(record))
        assert not kind.is_whole(cluster, "node:1", wanted)
        assert len(asked) == looked
