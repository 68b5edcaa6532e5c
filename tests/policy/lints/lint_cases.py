"""For each lint what raises it in the sound policy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from scalegate.examples import read_example
from scalegate.policy import parse_policy
from scalegate.policy.catalogue import CATALOGUE
from scalegate.policy.lints import RULES, Lint, check_policy
from scalegate.units import parse_instant
from witnessed_support import WITNESSES

TODAY = parse_instant("2026-11-26")
SOUND = read_example("arithmetic")
BY_CODE = {it.code: it for it in RULES}


class Case(NamedTuple):
    """What is changed in the sound policy, and what that raises."""

    code: str
    changes: Mapping[str, str]
    beside: tuple[str, ...] = ()
    """Other weaknesses that come with it."""
    sound: Mapping[str, str] = {}
    """What is changed in the sound policy first, so that only the one thing is left."""


def clause(kind: str, text: str, *, name: str = "new", modality: str = "will", section: str = '"9"') -> str:
    """A clause to be put before the last of the policy."""
    return (
        f"  - id: {name}\n    kind: {kind}\n    text: {text}\n    source: {{document: Policy, section: {section}}}\n"
        f"    actions: [train]\n    modality: {modality}\n\n  - id: publish\n"
    )


def parameter(*values: str) -> dict[str, str]:
    """A parameter, and a clause that names it."""
    lines = "".join(f"      - {{{value}}}\n" for value in values)
    described = f"\nparameters:\n  - id: growth\n    about: Growth.\n    kind: factor\n    values:\n{lines}"
    when = "condition\n    when: compute <= parameter.growth * arithmetic.evidence.compute"
    return {"\nclauses:\n": f"{described}\nclauses:\n", LAST: clause(when, "No further than that.")}


NOW = 'from: 2026-01-01, value: 3x, reference: {document: Board, section: "12"}, review_by: 2028-01-01'
PAST, SOON = (NOW.replace("2028-01-01", it) for it in ("2026-11-01", "2027-01-01"))
LATER = NOW.replace("2026-01-01", "2027-06-01").replace("3x", "3.5x")
LAST = "  - id: publish\n"
TEXT = "Checkpoints are readable by the training account only."
CADENCE = "Every domain is evaluated again at every 4x of effective compute and every 3 months, whichever comes first."
CAP = "No run and no sum of runs goes past 1e13 FLOP, whatever the evaluations say."
LINK = "None by itself. It is a stand-in, chosen because it emerges within minutes on two cores."
ACCEPTED = "assumptions:\n" + "".join(f"  - {{id: {name}, accepted_up_to: 2}}\n" for name in CATALOGUE)
ACCEPTING = {"\ndomains:\n": f"\n{ACCEPTED}\ndomains:\n"}
MEASURES = "    not_measured:\n"
FOURTH = "  - {id: alan, name: Alan Officer, roles: [officer], key: unset}\n"
DUTY = "obligation\n    kept_by: {role: officer, at_least: 2}\n    by: 2027-06-01\n    late: counts"


def witnessing(many: int, at_least: int, within: str = "1 day") -> dict[str, str]:
    """A clause that asks so many of so many witnesses."""
    listed = "".join(f"      - {key.verify_key.to_text()}\n" for key in WITNESSES[:many])
    kind = f"witnessed\n    witnesses:\n{listed}    at_least: {at_least}\n    within: {within}"
    return {LAST: clause(kind, "Witnesses outside have cosigned this ledger lately.")}


RISK = (
    "risks:\n  - {id: harm, about: A catastrophe., claimed_by: {role: officer, at_least: 2}, valid_for: 60 days,"
    " carries: 4x}\n"
)


SLOW = "{id: slow, about: A new scaffold., gain: 5x, takes: 2 years, source: {document: Survey of gains}}"
OUT_OF_REACH = f"margin: {{within: 1 year, budget: 2%, gains: [{SLOW}]}}"


def number(at_most: str) -> dict[str, str]:
    """A risk, and a clause that gives it a number."""
    kind = f"residual_risk\n    risk: harm\n    at_most: {at_most}\n    per: action"
    return {"\nclauses:\n": f"\n{RISK}\nclauses:\n", LAST: clause(kind, "The risk that remains is small.")}


def excepting(*names: str) -> dict[str, str]:
    """An exception to some of the clauses."""
    terms = f"id: ahead, text: Others are ahead., source: {{document: Policy}}, clauses: [{', '.join(names)}]"
    terms += ", actions: [train], granted_by: {role: officer, at_least: 2}, valid_for: 30 days, growth: 1.5x"
    return {"\nclauses:\n": f"\nexceptions:\n  - {{{terms}}}\n\nclauses:\n"}


ALL_THREE = excepting("capability.arithmetic", "cadence", "safeguards.level-2")
SAFEGUARD = (
    f"    safeguards:\n      - id: weights-locked\n        text: {TEXT}\n        kind: security\n"
    "        attested_by: security\n        valid_for: 3 months\n"
)
ONLY = "    kind: safeguards\n    level: 2\n"
STORED = clause("condition\n    when: compute <= 1e12 FLOP", "A limit.").replace("[train]", "[store]")
LIMIT = clause("compute_cap\n    at: 1e13 FLOP", "No run goes past 1e13 FLOP.")
WIDER = LIMIT.replace("[train]", "[train, store]")
BEHAVES = {
    "\nlevels:\n": "  - id: refusals\n    about: The model helps whoever asks for harm.\n    kind: propensity\n"
    '    score: held\n    threshold: "0.50"\n    alarm: "0.20"\n    level: 3\n    samples: 400\n    buffer: 6x\n'
    "    margin: 1.5x\n    link_to_harm: Close. Whoever asks for harm is helped with it, as in use.\n"
    "    not_measured: [Other languages.]\n\nlevels:\n",
    "\ntiers:\n": "  - number: 3\n    about: The model helps with harm.\n    safeguards:\n      - {id: watched,"
    " text: Its use is watched., kind: deployment, attested_by: security, valid_for: 3 months}\n\ntiers:\n",
    LAST: clause("safeguards\n    level: 3", "Its use is watched unless it refuses."),
}
"""A level that a domain of the kind propensity alone is of."""
CASES = (
    Case("witnessed-by-one", {"2\n    within: 1 day": "1\n    within: 1 day"}, sound=witnessing(3, 2)),
    Case("witnessed-by-halves", {"3\n    within: 1 day": "2\n    within: 1 day"}, sound=witnessing(4, 3)),
    Case("witnessed-seldom", {"within: 7 days": "within: 8 days"}, sound=witnessing(3, 2, "7 days")),
    Case("exception-bounds-nothing", {"valid_for: 30 days, growth": "valid_for: 900 years, growth"}, sound=ALL_THREE),
    Case("exception-bounds-nothing", {"growth: 1.5x": "growth: 1000000x"}, sound=ALL_THREE),
    Case(
        "exception-bounds-nothing",
        {
            "safeguards.level-2],": "safeguards.level-2, cap.absolute, last-gate, international.cap],",
            "actions: [train], granted_by": "actions: [train], undefined_tests: yes, granted_by",
        },
        beside=("exception-to-whatever",),
        sound=ALL_THREE,
    ),
    Case(
        "exception-leaves-out",
        {"cadence, safeguards.level-2]": "cadence]"},
        sound=ALL_THREE,
    ),
    Case(
        "safeguard-not-asked",
        {ONLY: f"{ONLY}    only: deployment\n"},
        beside=("no-resumption",),
    ),
    Case("no-capability-measured", BEHAVES),
    Case("signatures-alone", {SAFEGUARD: ""}),
    Case("gates-what-is-held", {LAST: STORED}),
    Case("no-elicitation", {"share: 1%, at_least: 2e10 FLOP": "share: 0%, at_least: 0 FLOP"}),
    Case("no-elicitation", {"share: 1%, at_least: 2e10 FLOP": "share: 0%, at_least: 1 FLOP"}),
    Case("no-elicitation", {"share: 1%, at_least: 2e10 FLOP": "share: 0%, at_least: 2e10 FLOP"}),
    Case("alarm-near-threshold", {'alarm: "0.20"': 'alarm: "0.49"'}),
    Case("much-error", {"alpha: 5%": "alpha: 99%"}),
    Case("alarm-near-all", {'alarm: "0.20"': 'alarm: "0.999"', 'threshold: "0.50"': 'threshold: "1"'}),
    Case("limit-out-of-reach", {"at: 1e13 FLOP": "at: 1e40 FLOP", "past 1e13 FLOP": "past 1e40 FLOP"}),
    Case("said-twice", {LAST: WIDER}),
    Case("number-says-little", number("10%")),
    Case("no-gain-counts", {"margin: 1.5x": OUT_OF_REACH}),
    Case("looks-seldom", {"buffer: 6x": "buffer: 1000000x"}),
    Case(
        "looks-seldom",
        {"\nclauses:\n": parameter(NOW.replace("3x", "200x"))["\nclauses:\n"], "every: 4x": "every: parameter.growth"}
        | {CADENCE: "Every domain is evaluated again every 3 months."},
        beside=("cadence-past-buffer",),
    ),
    Case("looks-seldom", {"    within: 3 months": "    within: 50 years", "every 3 months": "every 50 years"}),
    Case("looks-seldom", {"        valid_for: 3 months\n": "        valid_for: 100 years\n"}),
    Case("looks-seldom", {"at_least: 2, valid_for: 3 months": "at_least: 2, valid_for: 6 years"}),
    Case("breach-holds-nothing", {LAST: clause(DUTY, "A report is published.", modality="aim")}),
    Case("obligation-overdue", {LAST: clause(DUTY.replace("2027", "2026"), "A report is published.")}),
    Case(
        "obligation-overdue",
        {
            LAST: clause(
                DUTY.replace("by: 2027-06-01", "each: 6 months\n    from: 2025-06-01").replace("counts", "stands"),
                "A report is published every 6 months.",
            )
        },
    ),
    Case("kept-by-one", {LAST: clause(DUTY.replace("at_least: 2", "at_least: 1"), "A report is published.")}),
    Case(
        "clause-over",
        {LAST: clause("moratorium\n    above: 1e11 FLOP\n    until: 2026-01-01", "Nothing past 1e11 FLOP.")},
    ),
    Case(
        "clause-over",
        {'section: "5.1"}\n': 'section: "5.1"}\n    in_force: {until: 2026-06-01}\n'},
    ),
    Case(
        "clause-over",
        {
            LAST: clause("moratorium\n    above: 1e11 FLOP\n    until: 2027-06-01", "Nothing more.").replace(
                "    modality", "    in_force: {from: 2027-07-01}\n    modality"
            )
        },
    ),
    Case(
        "always-met",
        {LAST: clause("condition\n    when: not arithmetic.reached or now >= 2026-01-01", "No alarm, for now.")},
    ),
    *(
        Case("always-met", {LAST: clause(f"condition\n    when: {when}", "A limit.")})
        for when in (
            "compute <= 1e12 FLOP or meter.sound",
            "compute <= 1e12 FLOP or ledger.sound",
            "compute <= 1e12 FLOP or now <= 2027-06-01 or 2027-01-01 <= now",
            "at least 1 of (now <= 2027-06-01, 2027-01-01 <= now)",
            "lineage.declared and (compute <= 1e12 FLOP or not never)",
        )
    ),
    *(
        Case("part-always-met", {LAST: clause(f"condition\n    when: {when}", "A limit.")})
        for when in (
            "compute <= 1e12 FLOP or -1 FLOP <= arithmetic.evidence.compute",
            "compute <= 1e12 FLOP and (not arithmetic.reached or -1 FLOP <= arithmetic.evidence.compute)",
            "at least 1 of (compute <= 1e12 FLOP, 0 FLOP <= arithmetic.evidence.compute)",
            "compute <= 1e12 FLOP or 2020-01-01 <= lineage.opened",
            "compute <= 1e12 FLOP and (arithmetic.ruled_out or meter.sound)",
            "compute <= 1e12 FLOP and (arithmetic.ruled_out or now <= 2028-01-01 or 2027-01-01 <= now)",
            "compute <= 1e12 FLOP and not (arithmetic.reached and not always)",
        )
    ),
    *(
        Case("any-amount", {LAST: clause(f"condition\n    when: {when}", "A limit.")})
        for when in (
            "0 * compute <= arithmetic.evidence.compute",
            "0 FLOP <= arithmetic.evidence.compute and not arithmetic.reached",
            "at least 2 of (0 FLOP <= arithmetic.evidence.compute, not arithmetic.reached)",
            "now <= 2020-01-01 or (0 FLOP <= arithmetic.evidence.compute and not arithmetic.reached)",
        )
    ),
    *(
        Case("clause-ends", {LAST: clause(f"condition\n    when: {when}", "A limit.")})
        for when in (
            "compute <= 1e12 FLOP or 2027-01-01 <= now",
            "compute <= 1e12 FLOP or (2027-01-01 <= now and now <= 2028-01-01)",
            "not arithmetic.reached and (compute <= 1e12 FLOP or 2027-01-01 <= now)",
        )
    ),
    Case(
        "clause-later",
        {
            LAST: clause(
                "condition\n    when: not arithmetic.reached and (compute <= 1e12 FLOP or now <= 2028-01-01)",
                "A limit.",
            )
        },
    ),
    Case("clause-later", {LAST: clause("condition\n    when: compute <= 1e12 FLOP or now <= 2999-01-01", "A limit.")}),
    Case("clause-later", {'section: "5.1"}\n': 'section: "5.1"}\n    in_force: {from: 2999-01-01}\n'}),
    Case("clause-ends", {'section: "5.1"}\n': 'section: "5.1"}\n    in_force: {until: 2026-12-01}\n'}),
    Case("never-met", {LAST: clause("condition\n    when: now <= 2027-01-01 and 2027-06-01 <= now", "Never.")}),
    Case("never-met", {LAST: clause("condition\n    when: undefined test.understanding", "We understand it.")}),
    Case(
        "never-met",
        {
            LAST: clause(
                "condition\n    when: now <= 2026-01-01 and not arithmetic.reached", "Until a day that is past."
            )
        },
    ),
    Case("never-decides", {"at: 2e12 FLOP": "at: 2e13 FLOP", "goes past 2e12": "goes past 2e13"}),
    Case("never-decides", {"above: 3.6e12 FLOP": "above: 1e13 FLOP"}),
    Case(
        "never-decides",
        {
            LAST: clause(
                "condition\n    when: compute + developer.others <= 1e14 FLOP", "No sum of runs past 1e14 FLOP."
            )
        },
    ),
    Case(
        "no-resumption",
        {
            f"    safeguards:\n      - id: weights-locked\n        text: {TEXT}\n        kind: security\n"
            "        attested_by: security\n        valid_for: 3 months\n"
            "    approvals: {role: officer, at_least: 2, valid_for: 3 months}\n": "",
            "and two of three officers have signed": "and people have looked",
        },
    ),
    Case("stop", {LAST: clause("condition\n    when: not arithmetic.reached", "No run goes on after an alarm.")}),
    Case(
        "two-figures",
        {LAST: clause("compute_cap\n    at: 5e12 FLOP", "No run goes past 5e12 FLOP.")},
    ),
    Case(
        "two-figures",
        {LAST: clause("cadence\n    every: 2x\n    within: 6 months", "Again at every 2x and every 6 months.")},
    ),
    Case("said-twice", {LAST: clause("capability\n    domain: arithmetic", "Training waits for evidence.")}),
    Case(
        "cap-before-first-evaluation",
        {"at: 1e13": "at: 1e10", "past 1e13": "past 1e10"},
        beside=("never-decides", "never-decides"),
    ),
    Case("cadence-past-buffer", {"buffer: 6x": "buffer: 4x"}),
    Case("error-budget-before-cap", {"evaluations: 12": "evaluations: 3"}),
    Case("both-sides", {"roles: [evaluator]": "roles: [evaluator, officer]", FOURTH: ""}),
    Case("both-sides", {"[security, registrar]": "[security, registrar, officer]", FOURTH: ""}),
    Case("both-sides", {"roles: [gate]": "roles: [gate, security]"}),
    *(Case("both-sides", {"recorded_by: registrar": f"recorded_by: {it}"}) for it in ("evaluator", "gate")),
    Case(
        "tier-lifted-by-one",
        {
            "\nclauses:\n": "  - {id: other, about: Others., parties: [Example Lab, B], binds_at: 2,"
            " recorded_by: registrar}\n\nclauses:\n",
            LAST: clause("condition\n    when: not arithmetic.reached\n    tier: other", "No alarm."),
        },
    ),
    Case(
        "releases-and-amends",
        {"amendment: {role: board": "amendment: {role: officer"},
        sound={
            "amendment: {role: officer": "amendment: {role: board",
            FOURTH: f"{FOURTH}  - {{id: bo, name: Bo, roles: [board], key: unset}}\n"
            "  - {id: di, name: Di, roles: [board], key: unset}\n",
        },
    ),
    Case(
        "quorum-of-one-side",
        {
            f"{name.title()} Officer, roles: [officer]": f"{name.title()} Officer, roles: [officer, research]"
            for name in ("ada", "grace", "alan")
        },
    ),
    Case("quorum-of-one", {"amendment: {role: officer, at_least: 2}": "amendment: {role: officer, at_least: 1}"}),
    Case(
        "names-nothing",
        {FOURTH: f"{FOURTH}  - {{id: bo, name: Bo, roles: [ofice], key: unset}}\n"},
    ),
    Case(
        "names-nothing",
        {
            "\nclauses:\n": "\ndeterminations:\n  - id: honest\n    text: It is honest.\n    about: developer\n"
            "    decided_by: {role: officer, at_least: 2}\n    valid_for: 30 days\n\nclauses:\n"
        },
    ),
    Case("names-nothing", {"tiers:\n": "  - number: 3\n    about: More.\n\ntiers:\n"}),
    Case("names-nothing", {"    tier: international\n": ""}, beside=("never-decides", "nobody-signs", "two-figures")),
    Case("not-a-party", {"[Example Lab, ": "[Other Lab, "}),
    Case(
        "test-not-described",
        {LAST: clause("condition\n    when: undefined sandbagging or compute <= 1e12 FLOP", "A test past 1e12 FLOP.")},
    ),
    Case("other-figure", {"every: 4x": "every: 3x"}),
    Case("other-figure", {"binds_at: 2": "binds_at: 3"}),
    Case(
        "other-figure",
        {
            LAST: clause(
                "condition\n    when: 2 * compute <= 6 * arithmetic.evidence.compute", "At most 4x past the evidence."
            ).replace("4x", "5x")
        },
    ),
    Case(
        "other-figure",
        {
            LAST: clause(
                "condition\n    when: now <= arithmetic.evidence.time + 60 days", "Evidence of the last 30 days."
            )
        },
    ),
    Case(
        "other-figure",
        {LAST: clause(DUTY, "A report is published by 1 June 2027.").replace("by: 2027-06-01", "by: 2028-06-01")},
    ),
    Case("figure-not-checked", {CAP: f"{CAP[:-1]}, until the end of 2031."}),
    Case(
        "figure-not-checked",
        {TEXT: f"{TEXT[:-1]}, as is looked at every 2 months.", "        valid_for: 3 months\n": ""},
        beside=("signed-without-end",),
    ),
    Case("parameter-overdue", parameter(PAST), beside=("never-met",)),
    Case("parameter-due", parameter(SOON)),
    Case("parameter-loosens", parameter(NOW, LATER)),
    Case("parameter-unused", {"\nclauses:\n": parameter(NOW)["\nclauses:\n"]}),
    Case("no-section", parameter(NOW.replace(', section: "12"', ""))),
    Case("figure-not-checked", {CAP: f"{CAP[:-1]}, for 18 months."}),
    Case(
        "figure-not-checked",
        {LAST: clause("condition\n    when: not arithmetic.reached", "No alarm, by two of five reviewers.")},
    ),
    Case("no-section", {', section: "5.1"}': "}"}),
    Case("no-link-to-harm", {LINK: "Not argued yet."}),
    Case("nothing-unmeasured", {"      - Addition of longer numbers, and any other skill.\n": "      - None.\n"}),
    Case("placeholder", {LINK: f"{LINK} A share of TBD of it."}),
    Case("placeholder", {TEXT: "Red teams pass X% of attacks on the training account."}),
    Case("vague-word", {TEXT: "Appropriate people read checkpoints, and robust locks hold as needed."}),
    Case("vague-word", {CADENCE: CADENCE.replace("whichever comes first", "where feasible")}),
    Case("state-of-the-art", {TEXT: "Checkpoints are guarded by the best available means."}),
    Case("words-under-modality", {CAP: CAP.replace("goes past", "should go past")}),
    Case("words-under-modality", {CAP: "We aim to stay under 1e13 FLOP, whatever the evaluations say."}),
    Case("words-over-modality", {"We aim to publish": "We train at most once, and publish"}),
    Case("words-over-modality", {"We aim to publish": "We will publish"}),
    Case("no-assumptions", {ACCEPTED: ""}, sound=ACCEPTING),
    Case(
        "rests-on-unaccepted",
        {"{id: fair-sample, accepted_up_to: 2}": "{id: fair-sample, accepted_up_to: 1}"},
        sound=ACCEPTING,
    ),
    Case("rests-on-less", {MEASURES: f"    rests_on: [{', '.join([*CATALOGUE][1:])}]\n{MEASURES}"}),
    Case(
        "nothing-rests-on",
        {"assumptions:\n": "assumptions:\n  - {id: closed-set, text: Nobody has the test set., accepted_up_to: 2}\n"},
        sound={**ACCEPTING, MEASURES: f"    rests_on: [{', '.join(CATALOGUE)}]\n{MEASURES}"},
    ),
)


def changed(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@cache
def found(text: str) -> tuple[Lint, ...]:
    """Of many texts the one without what raises a lint is the same."""
    return tuple(check_policy(parse_policy(text), TODAY))
