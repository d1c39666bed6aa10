"""The practice with procrastinate: https://procrastinate.readthedocs.io.

A job queue in PostgreSQL. A job is made in the transaction of the change that causes it (``connection=``), with
``schedule_at`` where it is for later; workers look for due jobs every so often. Retries by a strategy, locks by name,
``queueing_lock`` against the same job twice in the queue, periodic tasks by cron.

It gives: everything in one database, one SQL statement to make a job, no workflow versions to mind.
It lacks: a journey. What a client waits for is spread over jobs and rows, and each job must look again whether it is
still wanted. A job of a killed worker stays ``doing`` until a task that one writes oneself (``retry_stalled``) finds
it, by the worker's silence: by default 30 s, and as often as one has it look. What is due is found by polling: by
default every 5 s, here every second; and the heartbeats are shortened like all other waits of the run.
"""
