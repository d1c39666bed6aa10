"""The practice with DBOS Transact: https://docs.dbos.dev.

Durable workflows in PostgreSQL. Each session is a workflow that sleeps until its reminders, waits for the therapist's
word (``recv``), sleeps until the charge is due, charges, and mails the receipt; each step's answer is kept, and after a
crash a workflow goes on after the last one. The web server starts workflows and sends them messages through
``DBOSClient``, in the transaction of its own rows; an archive cancels those that are left.

It gives: the journey as code that reads from top to bottom, in one database, with no server beside it; workflows begin
again as soon as their executor does.
It lacks: what of another executor is taken over by whom is its Conductor's to say (a service beside it); a workflow's
code may not change while it sleeps, but for patches; each waiting workflow is a coroutine in memory, whatever their
number; a mail that is sent in a step is sent again if the process dies before the step's answer is kept.
"""
