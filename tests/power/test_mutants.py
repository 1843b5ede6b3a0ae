"""The seeded faults: each says what must find it, and a broken ``expect.yaml`` is told in one line."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest
import yaml

from seatrial.capabilities import load_capabilities
from seatrial.errors import UsageError
from seatrial.paths import ROOT
from seatrial.power import mutants
from seatrial.power.mutants import FEATURES, FILE, FOLDER, Mutant, load_mutants
from seatrial.report.gherkin import read_feature

ALL = load_mutants()
CRITERIA = yaml.safe_load((FEATURES / "criteria.yaml").read_text())["criteria"]
FEATURE = """\
@AC02
Feature: Balancing

  Scenario: Traffic is even
    Given a system
"""
GOOD = "criterion: AC02\nfeature: balancing.feature\nscenario: Traffic is even\nreason: not even\n"

every_mutant = pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seeded faults of another project: 01-uneven, which is good, and 02-gone, which expects nothing yet."""
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "balancing.feature").write_text(FEATURE)
    monkeypatch.setattr(mutants, "FEATURES", tmp_path / "features")
    for name in ("01-uneven", "02-gone"):
        (tmp_path / "mutants" / name).mkdir(parents=True)
        (tmp_path / "mutants" / name / "kustomization.yaml").write_text("# One replica is gone.\nkind: Component\n")
    (tmp_path / "mutants" / "README.md").write_text("# Seeded faults\n")
    (tmp_path / "mutants" / "01-uneven" / FILE).write_text(GOOD)
    return tmp_path / "mutants"


def test_every_folder_of_a_seeded_fault_is_read():
    assert [mutant.folder for mutant in ALL] == sorted(path for path in FOLDER.iterdir() if path.is_dir())


@every_mutant
def test_the_scenario_that_must_fail_stands_for_the_criterion(mutant: Mutant):
    expectation = mutant.expectation
    assert expectation.criterion in CRITERIA
    (title,) = (
        title for title in read_feature(FEATURES / expectation.feature).titles if title.name == expectation.scenario
    )
    assert expectation.criterion in title.tags


@every_mutant
def test_the_reason_names_more_than_any_failure_has(mutant: Mutant):
    searched = mutant.expectation.reason.removeprefix("(?s)")
    assert len(searched) > 15
    assert not searched.startswith((".*", "^.*"))


def test_a_seeded_fault_is_told_in_the_sentence_of_its_first_line_and_found_by_its_test(folder: Path):
    (mutant,) = load_mutants(["01-uneven"], folder)
    assert (mutant.name, mutant.fault, mutant.folder) == (
        "01-uneven",
        "One replica is gone.",
        folder / "01-uneven",
    )
    assert mutant.test == f"{folder.parent}/features/balancing.feature::test_traffic_is_even"


def test_a_seeded_fault_is_laid_over_the_usual_overlay_or_over_that_which_it_names(folder: Path):
    (folder / "02-gone" / FILE).write_text(f"{GOOD}overlay: istio\n")
    assert [mutant.expectation.overlay for mutant in load_mutants(folder=folder)] == ["nginx", "istio"]


@every_mutant
def test_the_overlay_promises_what_the_scenario_needs(mutant: Mutant):
    """Where it does not, the scenario is skipped, and nobody sees the fault."""
    expectation = mutant.expectation
    promised = load_capabilities(ROOT / "manifests" / "overlays" / expectation.overlay)
    titles = read_feature(FEATURES / expectation.feature).titles
    (tags,) = (title.tags for title in titles if title.name == expectation.scenario)
    assert all(promised[tag] is True for tag in tags if tag in promised)


@pytest.mark.parametrize("name", ["01", "01-uneven"])
def test_a_seeded_fault_is_chosen_by_number_or_name_and_no_other_is_read(folder: Path, name: str):
    assert [mutant.name for mutant in load_mutants([name], folder)] == ["01-uneven"]


@pytest.mark.parametrize("name", ["1", "03", "uneven", "01-", "", "README.md"])
def test_a_name_that_nothing_has_is_told_with_those_there_are(folder: Path, name: str):
    with pytest.raises(UsageError) as caught:
        load_mutants(["01", name], folder)
    assert str(caught.value) == f"{name}: no such seeded fault; give 01-uneven, 02-gone or a number of these"


def without(line: str) -> str:
    return "".join(each for each in GOOD.splitlines(keepends=True) if not each.startswith(line))


SEE = "; see manifests/mutants/README.md"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (without("criterion"), f"criterion: Field required{SEE}"),
        (without("reason"), f"reason: Field required{SEE}"),
        (GOOD + "hint: none\n", f"hint: Extra inputs are not permitted{SEE}"),
        (without("reason") + "reason: 5\n", f"reason: Input should be a valid string{SEE}"),
        (
            without("reason") + "reason: '('\n",
            "reason: not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        (GOOD + "overlay: isto\n", "overlay: there is no overlay 'isto'; give baseline, ingress, istio, nginx"),
        (GOOD + "overlay: ..\n", "overlay: there is no overlay '..'; give baseline, ingress, istio, nginx"),
        (GOOD + "overlay: [nginx]\n", f"overlay: Input should be a valid string{SEE}"),
        (
            without("scenario") + "scenario: Traffic is odd\n",
            "scenario: balancing.feature has no scenario 'Traffic is odd'",
        ),
        (
            "reason: [\n",
            "not YAML: while parsing a flow node expected the node content, but found '<stream end>' "
            f'in "<unicode string>", line 2, column 1: ^{SEE}',
        ),
    ],
    ids=[
        *("no criterion", "no reason", "more", "a number", "no expression"),
        *("no such overlay", "no name of an overlay", "several overlays", "no such scenario", "no YAML"),
    ],
)
def test_a_broken_expectation_is_told_with_its_field(folder: Path, text: str, told: str):
    file = folder / "02-gone" / FILE
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_mutants(folder=folder)
    assert str(caught.value) == f"{file}: {told}"


@pytest.mark.parametrize("text", ["", "- a\n", "text\n"])
def test_an_expectation_that_is_no_mapping_is_one_line(folder: Path, text: str):
    file = folder / "02-gone" / FILE
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_mutants(folder=folder)
    assert str(caught.value) == (
        f"{file}: the file: Input should be a valid dictionary or instance of Expectation{SEE}"
    )


def test_an_expectation_that_is_no_text_is_one_line(folder: Path):
    file = folder / "02-gone" / FILE
    file.write_bytes(b"reason: \xff\n")
    with pytest.raises(UsageError) as caught:
        load_mutants(folder=folder)
    assert str(caught.value) == f"{file}: is not UTF-8 text; save the file as UTF-8"


def test_a_seeded_fault_that_expects_nothing_is_told_what_to_write(folder: Path):
    with pytest.raises(UsageError) as caught:
        load_mutants(["02"], folder)
    assert str(caught.value) == (
        f"{folder / '02-gone' / FILE}: No such file or directory; say there which scenario must fail, and why"
    )


def test_a_feature_that_is_not_there_is_one_line(folder: Path):
    (folder / "02-gone" / FILE).write_text(without("feature") + "feature: nothing.feature\n")
    with pytest.raises(UsageError) as caught:
        load_mutants(["02"], folder)
    assert str(caught.value).startswith(f"{folder.parent}/features/nothing.feature: cannot be read: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["25", "26", "27", "29", "30", "66", "70"])
def test_a_fault_of_the_gateway_changes_one_place_of_one_file_of_its_configuration(number: str):
    (mutant,) = load_mutants([number])
    (part,) = mutant.folder.glob("*.part")
    original = (ROOT / "manifests" / "gateway" / "nginx" / part.name).read_text()
    (generator,) = yaml.safe_load((mutant.folder / "kustomization.yaml").read_text())["configMapGenerator"]
    assert generator == {"name": "gateway-config", "behavior": "merge", "files": [part.name]}
    assert len(differing_words(original, part.read_text())) == 1


def differing_words(original: str, changed: str) -> list[tuple[str, str]]:
    """Return (before, after) of each run of words that differs; both texts have the same lines otherwise."""
    before, after = original.splitlines(), changed.splitlines()
    assert len(before) == len(after)
    pairs = [(one.split(), other.split()) for one, other in zip(before, after, strict=True) if one != other]
    return [run for one, other in pairs for run in _runs(one, other)]


def _runs(one: list[str], other: list[str]) -> list[tuple[str, str]]:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return [(" ".join(one[a:b]), " ".join(other[c:d])) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]
