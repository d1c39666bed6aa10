"""Papers of the practice: receipts, statements and signed forms as PDF files. No I/O but the font's own file.

The same content is the same bytes, always: the date in a file is that of the last thing it tells of.
"""
