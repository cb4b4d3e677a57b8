"""The gate: budgets are read or refused, and a change is judged beyond noise."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tonegap.errors import ParameterError
from tonegap.pull_request.gate import (
    Allowance,
    Judgement,
    Verdict,
    edited,
    gate_from_mapping,
    judge,
    metrics_of,
    read_gate,
)

numbers = st.floats(-10, 10, allow_nan=False)
sizes = st.floats(0, 5, allow_nan=False)


def gate(text: str):
    return gate_from_mapping(YAML(typ="safe", pure=True).load(text))


def judged(text: str, base: float | None, head: float | None, band: float | None = None) -> Verdict:
    (judgement,) = judge(gate(text), {"m": base}, {"m": head}, {} if band is None else {"m": band})
    return judgement.verdict


def test_budgets_are_read():
    """A number is in the metric's unit, per cent are of the base; comments alone are no gate."""
    read = gate("mse.gap: {may_rise: 0.004, may_fall: 10 %}\nmse.dark: {may_rise: 2.5%}")
    assert read["mse.gap"].may_rise == Allowance(0.004, relative=False)
    assert read["mse.gap"].may_fall == Allowance(10.0, relative=True)
    assert read["mse.dark"].may_rise == Allowance(2.5, relative=True)
    assert read["mse.dark"].may_fall is None
    assert gate("# nothing") == {}


def test_a_share_is_of_the_size_of_the_base():
    """A share of a negative base is a positive budget: a gap may lie below zero."""
    assert Allowance(10.0, relative=True).beside(-0.5) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mse.gap]", "gate.yaml: expected budgets such as `mse.gap: {may_rise: 0.004}`"),
        ("m: 0.004", "gate.yaml: m is 0.004; write {may_rise: 0.004}"),
        ("m: {may_raise: 1}", "gate.yaml: m: unknown key 'may_raise'; did you mean 'may_rise'"),
        ("m: {}", "gate.yaml: m names no limit; write may_rise, may_fall or both"),
        ("m: {may_rise: -1}", "gate.yaml: m.may_rise is -1: a budget is 0 or more"),
        ("m: {may_rise: .inf}", "gate.yaml: m.may_rise is inf: a budget is 0 or more, and finite"),
        ("m: {may_rise: .nan}", "gate.yaml: m.may_rise is nan: a budget is 0 or more"),
        ("m: {may_rise: yes}", "gate.yaml: m.may_rise is 'yes': write a number, such as 0.004"),
        ("m: {may_rise: true}", "gate.yaml: m.may_rise is True: write a number"),
        ("m: {may_fall: -5 %}", "gate.yaml: m.may_fall is '-5 %': write a number"),
        ("m: {may_fall: }", "gate.yaml: m.may_fall is None: write a number"),
    ],
)
def test_what_is_no_budget_is_refused(text, words):
    """The message names the metric, the value and what to write."""
    with pytest.raises(ParameterError, match=re.escape(words)):
        gate(text)


def test_a_metric_that_does_not_exist_is_named_with_the_nearest():
    """A slip in a name must not switch a limit off."""
    with pytest.raises(ParameterError, match=r"'mse\.gpa' is no metric .* 'mse\.gap'"):
        judge(gate("mse.gpa: {may_rise: 1}"), {}, {"mse.gap": 0.1, "sigma.gap": 0.2}, {})


@pytest.mark.parametrize(
    ("head", "band", "verdict"),
    [
        (0.9, 0.5, "passes"),
        (1.0, None, "passes"),
        (1.25, None, "passes"),
        (1.26, None, "fails"),
        (1.26, 0.5, "within noise"),
        (1.75, 0.5, "within noise"),
        (1.76, 0.5, "fails"),
        (None, 0.5, "fails"),
    ],
)
@pytest.mark.parametrize("budget", ["0.25", "25 %"])
def test_the_rule(head, band, verdict, budget):
    """A rise fails if budget and band together are smaller; without a band the budget counts."""
    assert judged(f"m: {{may_rise: {budget}}}", 1.0, head, band) == verdict


def test_a_metric_without_base_is_new():
    """What the base does not have cannot have risen."""
    assert judged("m: {may_rise: 1}", None, 5.0) == "new"
    assert judge(gate("m: {may_rise: 1}"), {}, {"m": 5.0}, {})[0].verdict == "new"


@given(numbers, numbers, sizes, st.none() | sizes)
def test_a_fall_is_a_rise_upside_down(base, head, budget, band):
    """The two directions are one rule."""
    assert judged(f"m: {{may_rise: {budget!r}}}", base, head, band) == judged(
        f"m: {{may_fall: {budget!r}}}", -base, -head, band
    )


@given(numbers, numbers, sizes, sizes, sizes)
def test_more_room_never_fails_what_passed(base, head, budget, band, more):
    """A larger budget or a wider band never turns a verdict against the change."""
    order = [Verdict.PASSES, Verdict.WITHIN_NOISE, Verdict.FAILS]

    def rank(budget: float, band: float) -> int:
        return order.index(judged(f"m: {{may_rise: {budget!r}}}", base, head, band))

    assert rank(budget + more, band) <= rank(budget, band)
    assert rank(budget, band + more) <= rank(budget, band)


@given(numbers, numbers, sizes, st.none() | sizes)
def test_the_share_used_agrees_with_the_verdict(base, head, budget, band):
    """A change that takes more than all of budget and band fails, and no other."""
    judgement = Judgement("m", "may_rise", Allowance(budget, relative=False), base, head, band)
    if not math.isclose(judgement.used, 1.0, rel_tol=1e-9):
        assert (judgement.used > 1) == (judgement.verdict is Verdict.FAILS)


def test_both_directions_are_judged():
    """A metric may have two limits; each has its row, in the order of the file."""
    rows = judge(
        gate("b: {may_fall: 1, may_rise: 1}\na: {may_rise: 1}"), {}, {"a": 0.0, "b": 0.0}, {}
    )
    assert [(row.metric, row.direction) for row in rows] == [
        ("b", "may_rise"),
        ("b", "may_fall"),
        ("a", "may_rise"),
    ]


def test_metrics_are_named_by_their_nesting():
    """Numbers and nulls have names; settings, words and truth values are no metrics."""
    document = {
        "mse": {"gap": 0.1, "dark": None, "light": math.nan},
        "settings": {"share": 0.5},
        "words": {"a": "b", "c": True},
        "n": 3,
    }
    assert metrics_of(document) == {"mse.gap": 0.1, "mse.dark": None, "mse.light": None, "n": 3.0}


def test_edits_of_the_gate_are_said():
    """A raised, a removed and a new limit each have a phrase; an unchanged one has none."""
    before = gate("a: {may_rise: 1}\nb: {may_rise: 5 %, may_fall: 1}\nc: {may_rise: 1}")
    after = gate("a: {may_rise: 2}\nb: {may_rise: 5 %}\nc: {may_rise: 1}\nd: {may_fall: 3}")
    assert edited(before, after) == [
        "`a may_rise`: 1 → 2",
        "`b may_fall`: 1 → no limit",
        "`d may_fall`: no limit → 3",
    ]
    assert edited(before, before) == []


def test_a_gate_is_read_from_its_file(tmp_path):
    """Without the file nothing is limited; a file that is no YAML is refused."""
    path = tmp_path / "gate.yaml"
    assert read_gate(path) == {}
    path.write_text("m: {may_rise: 1}")
    assert read_gate(path) == gate("m: {may_rise: 1}")
    path.write_text("m: {may_rise: 1")
    with pytest.raises(ParameterError, match=r"gate\.yaml is not valid YAML"):
        read_gate(path)


def test_the_committed_gate_names_metrics_of_the_committed_results(repository):
    """The budgets of this repository limit something."""
    metrics = metrics_of(json.loads((repository / "metrics/evaluate.json").read_text()))
    budgets = read_gate(repository / "gate.yaml")
    assert "mse.gap" in budgets
    assert judge(budgets, metrics, metrics, {})
