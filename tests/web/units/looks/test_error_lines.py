"""What the summary of errors reads from the page below it."""

from web.looks.error_lines import error_lines, slug

PAGE = """
<h1>Book</h1>
<form>
  <h2 id="setup_intent">Your card</h2>
  <fieldset id="mode" tabindex="-1"><legend>How <span class="quiet">(optional)</span></legend><p class="hint">x</p>
  </fieldset>
  <div><label for="details-email">E-mail <span class="quiet">(optional)<br> now</span></label>
    <input id="details-email"></div>
  <fieldset id="answers-contact"><legend>Whom we may call</legend>
    <label for="answers-contact-name">Name</label><input id="answers-contact-name"></fieldset>
  <fieldset><legend class="hidden-text">Only if</legend><label for="much">How much?</label><input id="much"></fieldset>
  <fieldset><legend>Monday</legend><label class="hidden-text" for="mon-0-to">until</label>
    <input id="mon-0-to"></fieldset>
  <p id="bare"></p>
</form>
"""


def told(*names: str) -> list[tuple[str, str]]:
    return [(line.target, line.text) for line in error_lines(PAGE, dict.fromkeys(names, "is required"))]


def test_fields_go_by_what_stands_at_them_in_the_order_of_the_page() -> None:
    assert told("answers.contact.name", "details.email", "mode", "setup_intent") == [
        ("setup_intent", "Your card: is required"),
        ("mode", "How: is required"),
        ("details-email", "E-mail: is required"),
        ("answers-contact-name", "Whom we may call: Name: is required"),
    ]
    assert told("answers.contact", "much", "mon.0.to") == [
        ("answers-contact", "Whom we may call: is required"),
        ("much", "How much?: is required"),
        ("mon-0-to", "Monday: until: is required"),
    ]


def test_what_is_not_on_the_page_is_named_without_a_link() -> None:
    assert told("starts_at", "bare") == [("bare", "Bare: is required"), ("", "Starts at: is required")]


def test_the_id_of_a_field() -> None:
    assert slug("answers.days[0].part") == "answers-days-0-part"
