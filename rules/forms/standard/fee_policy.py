"""The fee policy, as every practice begins with it: it asks nothing, and is signed with Billing Info."""

from rules.forms.wording import unwrapped

TITLE = "Fee policy"

BODY = unwrapped("""
This is what you agree to when you give us your card. It applies to every appointment that you book from the day on
which you sign it. For an appointment that is booked already, what you had signed before goes on to apply.

# What a session costs

The fee of a session is shown before you book it. It is fixed with the booking: if the fee changes later, an
appointment that is booked already keeps its own. An introductory call is free.

# When your card is charged

Your card is saved with our payment service, which follows the rules of the card companies; we ourselves never see its
number. You allow us to charge it for what this policy says is due, while you are not there.

- A session is charged after your therapist has noted that it took place, {charge_after} after its end at the
earliest.
- The payment is made within {charge_deadline} of the end of the session.
- If you have a credit with us, it is used first, and the card pays the rest.
- You get a receipt by e-mail for every payment.

If your card is declined, or your bank wants you to confirm the payment, you hear from us. We try a card
{charge_tries} at most. What could not be charged within {charge_deadline} of the end of the session is owed: you can
pay it by a link, or save another card.

# Cancelling and moving

You can cancel or move a session yourself, free of charge, until {notice_window} before it begins. Exactly
{notice_window} is still in time.

- If less than {notice_window} remain, please contact your therapist. If the session is then cancelled at your wish,
the full fee is due.
- If you do not come to a session, the full fee is due.
- If your therapist or the practice cancels or moves a session, you pay nothing for it.
- You can cancel or move an introductory call until it begins.

Your therapist can waive a fee, for example if you were suddenly ill. Please ask. Insurance does not usually pay for a
session that was cancelled late or missed.

# Money back, and questions

If you were charged too much, we give it back to your card, or as a credit if that is what you prefer. Please write to
the care team about anything on a bill that you do not understand, before you ask your bank: we can mostly put it
right on the same day.

# Changes

If we change this policy, we tell you and ask you to sign it again. Until you have signed, your appointments go on
under the policy that you signed last. You can take back the permission to charge your card at any time, for what you
book from then on; what was due before stays due.
""")
