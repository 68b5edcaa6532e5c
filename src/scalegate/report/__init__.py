"""From a ledger to one page that a person reads: `write_report`.

    replay -> gather (a frozen view of what is known) -> plot, html -> one file

Nothing is decided here. The page says what the ledger says, its limits first, and links to nothing outside
itself. Drawing needs the extra `report` (jinja2, matplotlib); importing this package does not.
"""

from scalegate.report.write import write_report

__all__ = ["write_report"]
