"""A receipt as a PDF file."""

from papers.sheet import Paper, Sheet
from rules.logo import Logo
from rules.money.currencies import in_full
from rules.money.receipts import Receipt
from rules.time_words import local_date, local_time


def receipt_file(receipt: Receipt, *, logo: Logo | None = None) -> Paper:
    """One payment that was made, and what was given back of it since."""
    stated, therapist = receipt.stated, receipt.stated.therapist
    with Sheet(stated.practice, as_of=receipt.as_of, test=receipt.test) as sheet:
        sheet.letterhead(stated.practice, logo)
        sheet.line_of(f"Receipt {receipt.number}", size=16, heavy=True)
        sheet.ln(3)
        sheet.pairs(
            [
                ("For", f"{stated.client_name} ({stated.client_ref})"),
                ("Service", receipt.service),
                ("On", local_time(receipt.starts_at, stated.time_zone)),
                ("With", therapist.title),
                *([("", therapist.licence)] if therapist.licence else []),
                ("Paid on", local_time(receipt.paid_at, stated.time_zone)),
            ]
        )
        sheet.ln(4)
        sheet.amounts(amounts_of(receipt))
        return sheet.paper()


def amounts_of(receipt: Receipt) -> list[tuple[str, str]]:
    """Fee, parts, what was given back, and what is left as paid."""
    currency, zone = receipt.fee.currency, receipt.stated.time_zone
    rows = [("Fee", in_full(receipt.fee.amount, currency))]
    if receipt.credit:
        rows.append(("Paid from credit", in_full(receipt.credit, currency)))
    if receipt.by_card:
        rows.append(("Paid by card", in_full(receipt.by_card, currency)))
    given_back = (
        (f"{one.words}, {local_date(one.at, zone)}", f"\N{MINUS SIGN}{in_full(one.amount, currency)}")
        for one in receipt.given_back
    )
    return [*rows, *given_back, ("Paid in total", in_full(receipt.kept, currency))]
