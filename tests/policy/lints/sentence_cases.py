"""For each lint on what a sentence says and no field does, what raises it in the sound policy."""

from __future__ import annotations

from lint_cases import ALL_THREE, CADENCE, CAP, DUTY, LAST, TEXT, Case, clause, excepting

SIGNED = "the safeguards of level 2 are in place and two of three officers have signed"
REACH = "Training goes on only as far as the buffer reaches past the last conclusive evaluation."
EVERY = "every 3 months, whichever comes first"
BY = DUTY.replace("late: counts", "late: stands")
APPROVALS = "    approvals: {role: officer, at_least: 2, valid_for: 3 months}\n"
EITHER, BOTH = (f"compute <= 1e12 FLOP {it} not arithmetic.reached" for it in ("or", "and"))


def condition(when: str, text: str) -> str:
    return clause(f"condition\n    when: {when}", text)


CONDITION = condition("not arithmetic.reached", "Training ends with an alarm.")
FROM_JUNE, TO_JUNE = (f"compute <= 1e12 FLOP or {it}" for it in ("now < 2027-06-01", "2027-06-01 <= now"))
DEPLOYED = {"    actions: [train]\n": "    actions: [train, deploy_external]\n"}
SENTENCES = (
    *(
        Case("other-figure", {EVERY: f"{often}, whichever comes first"})
        for often in ("every month", "weekly", "every year", "every six weeks", "twice a year")
    ),
    *(
        Case("other-figure", {"every 4x of": f"{growth} of"})
        for growth in ("every doubling", "every twofold growth", "every tenfold")
    ),
    *(
        Case("other-figure", {SIGNED: SIGNED.replace("two of three officers", who)})
        for who in ("all three officers", "three officers", "three officer members", "all officers")
    ),
    Case("other-figure", {SIGNED: SIGNED.replace("level 2", "level 3")}),
    *(
        Case("other-figure", {CAP: CAP.replace("1e13 FLOP", amount)})
        for amount in ("a hundred billion FLOP", "12 trillion operations")
    ),
    Case("figure-not-checked", {LAST: clause(BY, "A report is published every six months.")}),
    Case("figure-not-checked", {LAST: clause(BY, "A report is published every 6 months.")}),
    Case("figure-not-checked", {LAST: clause(BY, "A report is published each quarter.")}),
    Case("figure-not-checked", {"    every: 4x\n": ""}),
    Case("nobody-signs", {APPROVALS: ""}),
    Case("nobody-signs", {APPROVALS: "", SIGNED: "people have signed"}),
    Case(
        "nobody-signs", {APPROVALS: "", SIGNED: "they are in place", "named people have looked": "people have signed"}
    ),
    Case("nobody-signs", {LAST: condition("compute <= 1e12 FLOP", "Past 1e12 FLOP the board must approve.")}),
    Case("nobody-signs", {CAP: "No run goes past 1e13 FLOP before it is approved by the board."}),
    Case("signed-without-end", {"        valid_for: 3 months\n": ""}),
    Case("signed-without-end", {"at_least: 2, valid_for: 3 months}": "at_least: 2}"}),
    Case(
        "notice-short",
        {"amendment: {role: officer, at_least: 2": "amendment: {role: officer, at_least: 2, notice: 1 hour"},
    ),
    Case("same-name", {"name: Grace Officer": "name: ada  officer"}),
    *(
        Case("placeholder", {"model adds is understood well enough to predict its failures.": it})
        for it in ("model adds is tbd.", "model adds is TBC.")
    ),
    Case("placeholder", {"title: Scaling policy of the arithmetic demo": "title: SET"}),
    Case("placeholder", {f"text: {TEXT}": "text: todo"}),
    Case("placeholder", {"{document: Draft agreement,": "{document: SET,"}),
    Case(
        "exception-to-whatever",
        {"clauses: [capability.arithmetic]": "clauses: [capability.arithmetic, cap.absolute]"},
        sound=excepting("capability.arithmetic"),
    ),
    *(
        Case("exception-in-words", {CAP: text})
        for text in (
            "Unless officers see a danger elsewhere, no run and no sum of runs goes past 1e13 FLOP.",
            "No run and no sum of runs goes past 1e13 FLOP, except in an emergency.",
            "No run and no sum of runs goes past 1e13 FLOP per year.",
            "No run and no sum of runs goes past 1e13 FLOP in any one year.",
        )
    ),
    Case("exception-in-words", {CADENCE: f"{CADENCE[:-1]}, unless nobody is there to do it."}),
    Case("exception-in-words", {LAST: condition("compute <= 1e12 FLOP", "No more than 1e12 FLOP, except for tests.")}),
    *(
        Case("other-action", {CAP: text})
        for text in ("We deploy no model that persuades better than others do.", "No weights are ever released.")
    ),
    Case("other-action", {LAST: CONDITION.replace("[train]", "[deploy_external]")}, sound=DEPLOYED),
    Case("joined-otherwise", {LAST: condition(EITHER, "Training stops at 1e12 FLOP and also when it adds.")}),
    Case(
        "joined-otherwise", {LAST: condition(BOTH, "Training takes either less than 1e12 FLOP or a model that fails.")}
    ),
    *(
        Case("not-in-condition", {LAST: condition("compute <= 1e12 FLOP", text)})
        for text in ("Training stops when an alarm is reached.", "Training waits until harm is ruled out.")
    ),
    *(
        Case("words-under-modality", {CAP: text})
        for text in (
            "Nothing was found and training may go on.",
            "If no alarm is raised training may go on.",
            "No matter what comes, training may go on.",
            '"No alarm was raised: training may go on."',
            "Training may be no secret.",
            "No run should go further.",
        )
    ),
    *(
        Case(
            "other-figure",
            {LAST: clause(f"moratorium\n    above: 1e12 FLOP\n    until: {until}", f"No training {text}.")},
        )
        for until, text in (
            ("2027-01-01", "until the end of 2027"),
            ("2027-06-30", "in 2027"),
            ("2027-01-01", "in 2027"),
            ("2027-03-01", "in the first half of 2027"),
            ("2027-05-01", "before the end of June 2027"),
        )
    ),
    *(
        Case("other-figure", {SIGNED: SIGNED.replace("two of three officers have signed", who)})
        for who in (
            "every officer has signed",
            "each of the officers has signed",
            "officers have signed unanimously",
            "it is approved by every officer",
        )
    ),
    *(
        Case("other-figure", {"two of three developers have agreed": who})
        for who in ("all the developers agree", "every developer has agreed", "all three developers have agreed")
    ),
    *(
        Case("placeholder", {f"text: {TEXT}": f"text: '{it}'"})
        for it in (
            "N/A",
            "?",
            "Weights are sealed within ____ of use.",
            "Weights are sealed in [number] vaults.",
            "<your safeguard>",
            "Lorem ipsum dolor sit amet.",
            "Write the safeguard here",
            "At X FLOP weights are sealed.",
        )
    ),
    Case("placeholder", {'section: "5.1"}': 'section: "x.y"}'}),
    *(
        Case("other-figure", {EVERY: f"{often}, whichever comes first"})
        for often in ("every half year", "within a week", "every two weeks")
    ),
    Case("other-figure", {"every 4x of": "every order of magnitude of"}),
    Case(
        "other-figure",
        {"Others are ahead.": "Others may be ahead for a week."},
        sound=ALL_THREE,
    ),
    Case("other-figure", {REACH: "Training goes on to at most six times the compute of the last evaluation."}),
    Case("later-as-said", {LAST: condition(FROM_JUNE, "From June 2027 no run goes past 1e12 FLOP.")}),
    Case("later-as-said", {LAST: condition(FROM_JUNE, "After the end of May 2027 no run goes past 1e12 FLOP.")}),
    Case("clause-later", {LAST: condition(FROM_JUNE, "Until June 2027 no run goes past 1e12 FLOP.")}),
    Case("ends-as-said", {LAST: condition(TO_JUNE, "Until 1 June 2027 no run goes past 1e12 FLOP.")}),
    Case("ends-as-said", {LAST: condition(TO_JUNE, "Until the end of May 2027 no run goes past 1e12 FLOP.")}),
    Case("clause-ends", {LAST: condition(TO_JUNE, "From June 2027 no run goes past 1e12 FLOP.")}),
    Case("other-figure", {"every 4x of": "4x, 16x and 32x of"}),
    Case("other-figure", {"every 4x of": "2x, 4x and 8x of"}),
    Case("reads-as", {LAST: condition(EITHER, "Past 1e12 FLOP no alarm was reached.")}),
)
QUIET_SENTENCES = (
    {CADENCE: CADENCE.replace("every 3 months", "every quarter")},
    {CADENCE: CADENCE.replace("every 4x", "4x, 16x and 64x")},
    {CADENCE: f"Since 2024 we look. {CADENCE}"},
    {SIGNED: f"{SIGNED} and every officer is told"},
    {SIGNED: f"{SIGNED}, and all the developers are trained"},
    {"two of three developers": "two developers"},
    {REACH: "Training goes on to at most four times the compute of the last evaluation."},
    {TEXT: "Accounts [1] of the <training> kind, and snake__case ones, can read checkpoints."},
    *(
        {CAP: text}
        for text in (
            "No run may go past 1e13 FLOP, nor may any sum of runs.",
            "No run and no sum of runs may exceed 1e13 FLOP.",
            "Neither a run nor a sum of runs may exceed 1e13 FLOP.",
            "Neither a run, nor a sum of runs, may exceed 1e13 FLOP.",
            '"Our limit is 1e13 FLOP: nothing may go past it."',
            "A run may go no further than 1e13 FLOP.",
            "A run may take no more than 1e13 FLOP.",
        )
    ),
    {CADENCE: "A domain may go no longer than 3 months, and no further than 4x, without an evaluation."},
    *(
        {LAST: clause(f"moratorium\n    above: 1e12 FLOP\n    until: {until}", f"No training {text}.")}
        for until, text in (
            ("2027-12-31", "until the end of 2027"),
            ("2028-01-01", "until the end of 2027"),
            ("2027-12-31", "in 2027"),
            ("2028-01-01", "in 2027"),
            ("2027-07-01", "in the first half of 2027"),
            ("2027-07-01", "until the end of June 2027"),
        )
    ),
    {CADENCE: CADENCE.replace("every 4x", "every fourfold growth")},
    {CAP: CAP.replace("1e13 FLOP", "ten trillion FLOP")},
    {SIGNED: SIGNED.replace("two of three officers", "two officers")},
    {CADENCE: f"{CADENCE[:-1]}, and so is every second evaluation by weekly reviewers."},
)
"""What says the same in words, and what is no figure."""
ALIKE = (
    {CAP: "No run and no sum of runs goes past 1e13 FLOP, whoever has signed and whatever the evaluations say."},
    {CAP: "Without exception no run goes past 1e13 FLOP."},
    {CADENCE: f"{CADENCE[:-1]}. Unless they were evaluated, nothing is trained."},
    {LAST: condition(EITHER, "Large and risky runs wait until there is no alarm.")},
    {LAST: condition("compute <= 1e12 FLOP", "No sum of runs and evaluations passes the threshold of 1e12 FLOP.")},
    {LAST: condition(EITHER, "Past 1e12 FLOP a report is out and no alarm was reached.")},
    {LAST: condition(BOTH, "Training stops if 1e12 FLOP or an alarm are reached.")},
    {LAST: condition(EITHER, "Training stops at 1e12 FLOP unless the alarm is not reached.")},
    {
        LAST: condition(
            "compute <= 1e12 FLOP or (not arithmetic.reached and arithmetic.ruled_out)", "Past it both are so."
        )
    },
    {LAST: condition("compute <= 1e12 FLOP", "No run goes past 1e12 FLOP, whatever evaluations say.")},
    {"amendment: {role: officer, at_least: 2": "amendment: {role: officer, at_least: 2, notice: 1 day"},
    {CAP: "No model past 1e13 FLOP is trained or deployed."},
    {"name: Grace Officer": "name: Grace Ada Officer"},
    {LAST: clause(DUTY, "A report on the three officers is published.")},
    {"and named people have looked.": "and every day named people look."},
    {TEXT: "The set of checkpoints is readable by a SET of accounts."},
)
"""What looks like what is told, and is in order."""
