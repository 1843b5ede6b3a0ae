"""What is wrong with an experiment's file, told in one line with its place, before anything is imported or touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seatrial.chaos import lint
from seatrial.chaos.experiment import resolved
from seatrial.chaos.experiment_file import experiments, find_experiment, read_experiment
from seatrial.chaos.lint import find_problems, main, refuse_unfit
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import ROOT

GOOD = """\
title: A replica is lost
description: "Why: w. Expected: e. Blast radius: b. To stop: s."
tags: [AC03, lost]
configuration:
  targets: {type: env, key: SEATRIAL_TARGETS}
extensions:
  - name: seatrial
    select: one-of-each
    blast_radius: {pods: 4, percent_ready: 34, minutes: 3}
    needs: [engine]
    permissions:
      - {apiGroups: [""], resources: [pods], verbs: [delete]}
controls:
  - {name: seatrial, provider: {type: python, module: seatrial.chaos.control}}
steady-state-hypothesis:
  title: whole
  probes:
    - {type: probe, name: whole, tolerance: true, provider: {type: python, module: seatrial.chaos.probes, func: system_is_whole}}
method:
  - {type: action, name: guard-cluster, provider: {type: python, module: seatrial.chaos.actions, func: guard_cluster}}
  - type: action
    name: crash
    provider: {type: python, module: seatrial.chaos.actions, func: crash_replicas, arguments: {targets: "${targets}"}}
  - type: probe
    name: effect-gone
    tolerance: true
    provider: {type: python, module: seatrial.chaos.probes.replicas, func: replicas_are_gone, arguments: {targets: "${targets}", within_seconds: 9}}
rollbacks:
  - {type: action, name: heal-system, provider: {type: python, module: seatrial.chaos.actions, func: heal_system}}
"""  # noqa: E501


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    return tmp_path / "lost.yaml"


def told(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_experiment(file)
    return str(caught.value)


def test_an_experiment_is_read_with_what_it_may_do(file: Path) -> None:
    file.write_text(GOOD)
    experiment = read_experiment(file)
    assert (experiment.name, experiment.criteria) == ("lost", ("AC03",))
    assert (experiment.extension.select, experiment.extension.needs) == ("one-of-each", ("engine",))
    assert [each.call for each in experiment.document.method][1] == "seatrial.chaos.actions.crash_replicas"
    assert (experiment.document.uses("targets"), experiment.document.uses("node")) == (True, False)
    assert find_problems(file) == []


@pytest.mark.parametrize(
    ("good", "bad", "line"),
    [
        (
            "select: one-of-each",
            "select: everybody",
            "8: extensions[0].select: 'everybody': input should be 'one-of-each', ",
        ),
        (
            "name: seatrial\n    select",
            "name: other\n    select",
            "6: extensions: there is no 'seatrial'; write one, as ",
        ),
        (
            "    needs: [engine]\n",
            "    need: [engine]\n",
            "10: extensions[0].need: there is no such field; leave it out",
        ),
        ("needs: [engine]", "needs: [luck]", "10: extensions[0].needs[0]: 'luck': input should be 'engine', "),
        (", minutes: 3}", "}", "9: extensions[0].blast_radius.minutes: is missing"),
        (
            "minutes: 3",
            "minutes: 600",
            "9: extensions[0].blast_radius.minutes: 600: input should be less than or equal",
        ),
        (
            "pods: 4",
            "pods: 0",
            "6: extensions.blast_radius: select one-of-each harms replicas; allow some by pods and ",
        ),
        (
            "one-of-each",
            "all-of-one",
            "6: extensions.blast_radius: select all-of-one takes every replica; allow it by ",
        ),
        ("one-of-each", "one-node", "19: method: select one-node chooses a node; hand it to an action as ${node}"),
        (
            "[pods], verbs",
            "[secrets], verbs",
            "12: extensions[0].permissions[0]: no experiment is given 'secrets'; name ",
        ),
        ("[pods], verbs", "[pods/exec], verbs", "12: extensions[0].permissions[0]: no experiment is given 'pods/exec'"),
        (
            "verbs: [delete]",
            'verbs: ["*"]',
            "12: extensions[0].permissions[0]: no experiment is given '*'; name exactly",
        ),
        (
            "verbs: [delete]",
            "verbs: [delete], cluster: true, namespace: a",
            "12: extensions[0].permissions[0]: a rule for the whole cluster has no namespace",
        ),
        (
            "effect-gone",
            "look",
            "19: method: no probe tells whether the fault happened; add one whose name begins with ",
        ),
        (
            "effect-gone\n    tolerance: true",
            "effect-gone",
            "24: method[2]: 'effect-gone' proves nothing; give it a tol",
        ),
        (
            "func: heal_system",
            "func: stop_replicas",
            "28: rollbacks: nothing heals the system at the end; let the last ",
        ),
        (GOOD[GOOD.index("rollbacks") :], "", "1: rollbacks: is missing"),
        (
            "guard_cluster}",
            "heal_system}",
            "20: method[0]: 'guard-cluster' comes before the guard; let the first action ",
        ),
        (
            "module: seatrial.chaos.control",
            "module: other",
            "13: controls: nobody watches the run; add one control of ",
        ),
        ("[AC03, lost]", "[AC03, found]", "3: tags[1]: 'found' is not its name; let 'lost' be the last tag"),
        ("[AC03, lost]", "[lost]", "3: tags: ['lost']: "),
        (
            " To stop: s.",
            "",
            "2: description: a reader of a game day misses 'To stop: '; write a sentence that begins so",
        ),
        (
            "key: SEATRIAL_TARGETS",
            "key: TARGETS",
            "5: configuration.targets: TARGETS is set by nobody; give a default, ",
        ),
        (
            '"${targets}", within_seconds: 9}}\nroll',
            '"${target}", within_seconds: 9}}\nroll',
            "24: method[2]: ${target} is not kn",
        ),
        ("  title: whole", "  titel: whole", "15: steady-state-hypothesis.title: is missing"),
        (
            "type: python, module: seatrial.chaos.probes.replicas",
            "type: process, module: x",
            "27: method[2].provider.type: 'proc",
        ),
        ("title: A replica", "titles: A replica", "1: title: is missing"),
        ("tags: [AC03, lost]", "tags: [AC03", "4: is not YAML: "),
    ],
)
def test_each_flaw_is_one_line_with_its_place(file: Path, good: str, bad: str, line: str) -> None:
    assert good in GOOD
    lines = told(file, GOOD.replace(good, bad, 1)).splitlines()
    assert f"lost.yaml:{line}" in "\n".join(each[: len(line) + len("lost.yaml:")] for each in lines)


def test_a_file_that_is_no_experiment_is_told(file: Path, tmp_path: Path) -> None:
    assert told(file, "- a\n") == "lost.yaml:1: is no mapping; write it as experiments/README.md shows"
    file.unlink()
    with pytest.raises(UsageError, match=r"lost\.yaml: cannot be read: No such file or directory"):
        read_experiment(file)
    file.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(UsageError, match=r"lost\.yaml: is not YAML: "):
        read_experiment(file)


def test_an_unknown_experiment_is_told_with_what_there_is(tmp_path: Path) -> None:
    for name in ("pod-kill", "process-crash"):
        (tmp_path / f"{name}.yaml").write_text(GOOD)
    assert find_experiment("pod-kill", tmp_path) == tmp_path / "pod-kill.yaml"
    for name, remedy in (("pod-kil", "did you mean pod-kill?"), ("zzz", "there are pod-kill, process-crash")):
        with pytest.raises(UsageError) as caught:
            find_experiment(name, tmp_path)
        assert str(caught.value) == f"no experiment is called {name!r}; {remedy}"
    with pytest.raises(UsageError, match="holds no experiment"):
        experiments(tmp_path / "nowhere")


def test_arguments_are_told_as_they_will_be_given() -> None:
    given = {"name_pattern": "${targets}", "list": ["${node}", 3], "all": True}
    assert resolved(given, {"targets": "^a$", "node": "worker"}) == {
        "name_pattern": "^a$",
        "list": ["worker", 3],
        "all": True,
    }


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        (
            "func: crash_replicas",
            "func: crush_replicas",
            "does not expose a function called 'crush_replicas' in action",
        ),
        (
            "seatrial.chaos.probes.replicas",
            "seatrial.chaos.affects",
            "could not find Python module 'seatrial.chaos.affects' in",
        ),
        (
            'arguments: {targets: "${targets}"',
            'arguments: {pattern: "${targets}"',
            "required argument 'targets' is missing from activity",
        ),
        (
            '"${targets}"}}\n  - type: probe',
            '"${targets}", hard: 1}}\n  - type: probe',
            "argument 'hard' is not part of",
        ),
    ],
)
def test_what_only_chaos_toolkit_can_tell_is_one_line_too(file: Path, good: str, bad: str, told: str) -> None:
    file.write_text(GOOD.replace(good, bad, 1))
    (problem,) = find_problems(file)
    assert problem.startswith("lost.yaml: ")
    assert told in problem


def test_an_experiment_that_cannot_be_run_is_refused_without_chaos_toolkit_in_this_process(file: Path) -> None:
    file.write_text(GOOD)
    refuse_unfit(file)
    file.write_text(GOOD.replace("crash_replicas", "crush_replicas"))
    with pytest.raises(UsageError) as caught:
        refuse_unfit(file)
    assert "crush_replicas" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_lint_that_does_not_answer_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(GOOD)
    monkeypatch.setattr(lint.sys, "executable", "/bin/false")
    with pytest.raises(EnvironmentFault, match=r"lost\.yaml cannot be validated: exit code 1"):
        refuse_unfit(file)
    slow = file.with_name("slow")
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(lint, "VALIDATION_SECONDS", 0.1)
    monkeypatch.setattr(lint.sys, "executable", str(slow))
    with pytest.raises(EnvironmentFault, match=r"lost\.yaml was not validated in 0\.1 s"):
        refuse_unfit(file)


def test_the_lint_tells_all_problems_and_ends_with_their_code(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(GOOD)
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 experiments: no problem\n"
    (tmp_path / "other.yaml").write_text(GOOD.replace("one-of-each", "everybody"))
    assert main([str(tmp_path)]) == 1
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["other.yaml"]
    assert main([str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err == "seatrial.chaos.lint: nowhere: holds no experiment\n"


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_of_the_project_is_fit(path: Path) -> None:
    assert find_problems(path) == []
    assert yaml.safe_load(path.read_text())["controls"]
