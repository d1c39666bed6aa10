"""The durable processes: one journey per client, one per appointment."""
