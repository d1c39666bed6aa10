"""Steps about mails: what each says, whether it is still wanted, and sending it."""
