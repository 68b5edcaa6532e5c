"""What raises the lints on figures that are read in words, or not at all, in the sound policy."""

from __future__ import annotations

from lint_cases import ALL_THREE, CADENCE, CAP, DUTY, LAST, TEXT, Case, clause

SIGNED = "the safeguards of level 2 are in place and two of three officers have signed"
QUORUM = "two of three officers have signed"
EVERY = "every 3 months, whichever comes first"
REACH = "Training goes on only as far as the buffer reaches past the last conclusive evaluation."
ALARM = "Unless the alarm is ruled out"
UNTIL = "moratorium\n    above: 1e12 FLOP\n    until: 2027-06-30"


def paused(text: str) -> dict[str, str]:
    """A moratorium until the end of June 2027, with this sentence."""
    return {LAST: clause(UNTIL, text)}


def often(words: str) -> dict[str, str]:
    return {EVERY: f"{words}, whichever comes first"}


def signing(words: str) -> dict[str, str]:
    return {QUORUM: words}


def capped(amount: str) -> dict[str, str]:
    return {CAP: CAP.replace("1e13 FLOP", amount)}


UNREAD = (
    *(
        Case("says-another", {CAP: said})
        for said in (
            "We stop at 1e12 FLOP. For comparison, a well-known model took 1e13 FLOP.",
            "Our ceiling is 1e12 FLOP; the law's is 1e13 FLOP.",
        )
    ),
    *(
        Case("says-another", often(words))
        for words in (
            "every 3 months, in an urgent case each month",
            "each month, although the law asks for every 3 months",
        )
    ),
    *(
        Case("figure-not-read", {CAP: said})
        for said in ("We stop at half of 1e13 FLOP.", "We end at 50% of 1e13 FLOP.")
    ),
    *(
        Case("figure-not-read", signing(f"two of three officers have signed {when}"))
        for when in ("within the last month", "in the past week")
    ),
    *(
        Case("other-figure", paused(f"No training above 1e12 FLOP {until}."))
        for until in (
            "until 31/12/2027",
            "until 12/31/2027",
            "until 30.6.2028",
            "up to 31/12/2026",
            "through Q4 2027",
            "until the end of the second quarter of 2028",
            "until mid-2028",
            "until the thirtieth of July 2027",
            "from 1 January 2026 to 30 July 2027",
            "from 1 August 2027",
            "from 1 December 2026 to 30 June 2027",
        )
    ),
    *(
        Case("other-figure", often(words))
        for words in (
            "within a hundred days",
            "within one hundred days",
            "every hundred days",
            "every fortnight",
            "every couple of weeks",
            "within half a year",
            "at the latest after a year",
            "three times a year",
        )
    ),
    Case("other-figure", {"every 4x of": "every 50% growth of"}),
    *(
        Case("other-figure", capped(amount))
        for amount in (
            "ten to the twenty-four FLOP",
            "ten to the power of twelve FLOP",
            "1 yottaFLOP",
            "1 trillion teraFLOP",
            "a trillion trillion FLOP",
        )
    ),
    *(
        Case("other-figure", signing(words))
        for words in (
            "an officer has signed",
            "one of the officers has signed",
            "2/4 officers have signed",
            "a third of the officers have signed",
            "both officers have signed, and all three officers have signed",
        )
    ),
    Case("other-figure", {SIGNED: f"the safeguards are attested within the last six months, and {QUORUM}"}),
    *(
        Case("figure-not-read", paused(f"No training above 1e12 FLOP {until}."))
        for until in (
            "until 1/2/2027",
            "until late 2027",
            "until Christmas 2027",
            "this year or next",
            "for a year",
            "until 30 June 2027, and not before the board has met twice",
        )
    ),
    Case("figure-not-read", {"every 4x of": "every half order of magnitude of"}),
    Case("figure-not-read", capped("ten million exaFLOP-days")),
    Case("figure-not-read", capped("a hundred times GPT-4")),
    Case("figure-not-read", {REACH: f"{REACH[:-1]}, and a dozen experts have tried."}),
    Case("figure-not-read", {LAST: clause(DUTY, "By 1 June 2027 a report goes to 40 readers.")}),
    Case("figure-not-read", {TEXT: f"{TEXT[:-1]}, as is looked at every 13.5 weeks."}),
    Case("figure-not-read", {"Others are ahead.": "Others are 90% there."}, sound=ALL_THREE),
    Case("figure-not-checked", {CADENCE: f"{CADENCE[:-1]}; a report follows within 30 days."}),
    Case("no-such-domain", {ALARM: "Unless the alarm of bio is ruled out"}),
    Case("no-such-domain", {ALARM: "Unless the alarms of arithmetic and bio are ruled out"}),
    *(
        Case("placeholder", {f"text: {TEXT}": f"text: '{it}'"})
        for it in ("(to be described)", "(describe)", "(describe the measure here)", "See above.", "to follow")
    ),
    *(
        Case("placeholder", {CAP: it})
        for it in ("Limits are set in section 5.", "The sentence is still to be agreed with legal.")
    ),
    Case("placeholder", {"name: Grace Officer": "name: N.N."}),
    *(
        Case("words-under-modality", {CAP: text})
        for text in (
            "Training of models, large or small, should stop at 1e13 FLOP.",
            "Training of models, large or small, should always pass 1e13 FLOP.",
            "Training, large or small, should no longer stop at 1e13 FLOP.",
            "Should training be no secret, it should end at 1e13 FLOP.",
            "The most careful of us may go past 1e13 FLOP.",
        )
    ),
    Case("exception-in-words", {CAP: "No run goes past 1e13 FLOP unless the board changes its mind."}),
    Case("figure-not-checked", {CAP: "No run goes past 1e13 FLOP, seven times what we took before."}),
    Case("figure-not-checked", {CADENCE: f"{CADENCE[:-1]}, that is after 4e9, 1.7e10 and 6.4e10 FLOP."}),
)
ALIKE_IN_WORDS = (
    *(
        paused(f"Training above 1e12 FLOP is not done {until}.")
        for until in (
            "until 30/06/2027",
            "until 30.6.2027",
            "through Q2 2027",
            "until the end of the second quarter of 2027",
            "until mid-2027",
            "until the thirtieth of June 2027",
            "from 1 January 2026 to 30 June 2027",
            "between 1 January 2026 and 30 June 2027",
        )
    ),
    *(
        often(words)
        for words in (
            "within ninety days",
            "at the latest after three months",
            "four times a year",
            "each quarter, in March, June and September",
        )
    ),
    {"every 4x of": "every 300% growth of"},
    {"every 4x of": "every two doublings of"},
    *(capped(amount) for amount in ("ten to the power of thirteen FLOP", "10 teraFLOP", "ten million million FLOP")),
    *(
        signing(words)
        for words in (
            "2/3 officers have signed",
            "a majority of the officers has signed",
            "two thirds of the officers have signed",
            "both officers have signed",
            "two of the officers (Ada, Grace) have signed",
        )
    ),
    *(
        {CAP: text}
        for text in (
            "No run goes past 1e13 FLOP, not even if all three officers agree.",
            "Nobody, not even two officers together, lets a run past 1e13 FLOP.",
            "No run goes past 1e13 FLOP unless this policy is amended.",
            "1e13 FLOP is the most that any of our runs may come to.",
            "The most that a run may spend is 1e13 FLOP.",
            "A run may go to 1e13 FLOP and no further.",
            "No run goes past 1e13 FLOP, should the evaluations say what they may.",
            "No run goes past 1e13 FLOP, five times the limit of the agreement.",
            "No run goes past 1e13 FLOP, as Article 51(2) of Regulation (EU) 2024/1689 and ISO 27001 have it.",
            "No run goes past 1e13 FLOP. This is the first of three limits, as 3.1 says; see the half-page note.",
            "No run goes past 1e13 FLOP, what Claude 3 took or Llama 3.1 405B, on our H100 clusters, in BF16 at 6ND.",
            "No run may march past 1e13 FLOP, on the one hand, nor for a second time, on the other.",
            "No run goes past 1e13 FLOP until the second evaluation is in, as the board decided in January 2026.",
            "No run, and no two or more runs together, go past 1e13 FLOP, by section 3.2 and Annex 4.",
            "No run goes past 1e13 FLOP, at once and for good, no one of us is to be the first, and GPT-4 was second.",
        )
    ),
    *(
        {CADENCE: text}
        for text in (
            "Should three months pass, or effective compute grow fourfold, without an evaluation, training stops.",
            "Domains may be evaluated more often, but never less often than at every 4x and every 3 months.",
            "Every domain is evaluated at every 4x, that is after 4e9, 1.6e10 and 6.4e10 FLOP, and every 3 months.",
            "Every domain is evaluated at every 4x and every 3 months, over the two years that a lineage lasts.",
            "No more than 90 days and no more than a factor of 4 lie between two evaluations.",
        )
    ),
    {ALARM: "Unless the alarm of arithmetic is ruled out"},
    {ALARM: "Unless a score at the alarm of a domain is ruled out in one of the twelve evaluations"},
    {TEXT: f"{TEXT[:-1]}, and by two named people, who keep logs for at least 30 days."},
)
"""What says the same in words, and what is in order."""
