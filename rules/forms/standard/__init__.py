"""The standard texts, with which every practice begins: complete, and the practice's to change.

They are no legal advice: before a practice goes live, whoever knows the law of the place reads them.
"""
