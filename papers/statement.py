"""A statement of a period as a PDF file."""

from papers.sheet import Column, Paper, Sheet
from rules.logo import Logo
from rules.money.currencies import in_full
from rules.money.receipts import Statement, StatementLine, StatementTotal
from rules.time_words import local_time, month_name

_COLUMNS = (
    Column(name="Appointment", width=78),
    Column(name="Service", width=65),
    *(Column(name=name, width=25, amount=True) for name in ("Fee", "From credit", "By card", "Given back")),
)
_NOTHING = "There are no fees in this time."


def statement_file(statement: Statement, *, logo: Logo | None = None) -> Paper:
    """Every fee of the period and how it stands, with sums by currency."""
    with Sheet(statement.practice, as_of=statement.as_of, test=statement.test, wide=True) as sheet:
        sheet.letterhead(statement.practice, logo)
        first, last = (f"{day.day} {month_name(day.month)} {day.year}" for day in (statement.first, statement.last))
        sheet.line_of(f"Statement, {first} to {last}", size=16, heavy=True)
        sheet.ln(3)
        sheet.pairs([("For", f"{statement.client_name} ({statement.client_ref})")])
        sheet.ln(3)
        if not statement.lines:
            sheet.line_of(_NOTHING)
            return sheet.paper()
        sheet.head_of(_COLUMNS)
        for line in statement.lines:
            named = (line.standing, line.number, line.therapist.title, line.therapist.licence)
            sheet.row_of(_cells(line, statement.time_zone), " \N{MIDDLE DOT} ".join(part for part in named if part))
        sheet.head_of(())
        for total in statement.totals:
            sheet.ln(4)
            sheet.amounts(_sums(total))
        return sheet.paper()


def _cells(line: StatementLine, zone: str) -> tuple[str, ...]:
    receipt, currency = line.receipt, line.fee.currency
    parts = (receipt.credit, receipt.by_card, receipt.returned) if receipt else (0, 0, 0)
    return (
        local_time(line.starts_at, zone),
        line.service,
        in_full(line.fee.amount, currency),
        *(in_full(part, currency) if part else "" for part in parts),
    )


def _sums(total: StatementTotal) -> list[tuple[str, str]]:
    """Of one currency; the last is what was paid in total."""
    told = (
        ("Not paid", total.not_paid),
        ("Paid from credit", total.credit),
        ("Paid by card", total.by_card),
        ("Given back", -total.returned),
    )
    rows = [(name, _signed(amount, total.currency)) for name, amount in told if amount]
    return [*rows, (f"Paid in total ({total.currency})", in_full(total.kept, total.currency))]


def _signed(amount: int, currency: str) -> str:
    return ("\N{MINUS SIGN}" if amount < 0 else "") + in_full(abs(amount), currency)
