"""The six-session journey, built with this product and with what people would use instead: ``python -m bench peers``.

| with | what it is |
|---|---|
| this product | Temporal beside PostgreSQL; the journey as it is in production |
| ``procrastinate`` | a job queue in PostgreSQL, polled: ``bench/peers/procrastinate`` says what it gives and lacks |
| ``dbos`` | durable workflows in PostgreSQL: ``bench/peers/dbos`` likewise |

The same driver plays the client, the therapist and the care team over HTTP: matching, a weekly series of six sessions,
activation by the mailed link, three forms and a card, two reminders before each session, the outcome, the charge when
it is due, the receipt, Stripe's webhook; every fifth client is archived before their first session. All three have one
PostgreSQL (durable, as in production), the same stand-ins for Stripe and SendGrid, one web process and one worker, and
run one after the other. The end is looked at in their rows and at the stand-ins (``ending``).

A week is seconds here, the same for all. The peers are told the times when they book. This product books six real
weeks by its own rules; then its rows are given the near times and the sessions' workflows are told, as a reschedule
does. What that costs is counted as its own.

Three rounds: many journeys whose payments fall due at one moment (how many a second, statements, processor time); few,
spread out (how late); and some during which the worker is killed and started again (what is lost, what is doubled).

What the figures do not say: the peers' practice has no roles, encryption, history of changes, ledger, chat, reports or
rules of money; it does the least that ends in the same rows and mails. And this product's engine keeps its histories in
a database of its own, whose statements are not among those counted.

What a killed worker leaves: a mail that was on its way then is in doubt. The peers send it again, whatever it is. This
product sends a receipt again, which is then doubled, and no reminder, of which its rows say that nobody knows. A
delivery is begun again here after 45 s without a sign of life and a call of Stripe after 30 s, as in production;
procrastinate's waits are shortened, and DBOS waits for nothing.

It takes half an hour, and makes an environment for each peer (``.data/peers``): ``make bench`` leaves it out. What was
seen last is in ``bench/results/peers.txt``.
"""
