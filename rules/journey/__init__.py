"""What runs inside workflows: a change here needs `workflow.patched`, and every recorded history must replay.

The same holds for the few rules outside that these import, or a workflow itself; the import contracts of
`pyproject.toml` list them.
"""
