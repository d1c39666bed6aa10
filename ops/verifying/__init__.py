"""What `ops.verify` goes through, beside the timelines."""
