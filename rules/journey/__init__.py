"""What runs inside workflows: docs/changing-a-workflow.md says how it is changed.

The same holds for the few rules outside that these import, or a workflow itself: each says so, and a test reads the
imports.
"""
