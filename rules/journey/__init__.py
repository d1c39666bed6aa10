"""What runs inside workflows: a change here needs `workflow.patched`, and every recorded history must replay."""
