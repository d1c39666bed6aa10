"""Sources of busy time: one for each kind of calendar that therapists keep elsewhere."""
