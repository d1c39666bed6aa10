"""What each field and parameter of the API means, with its unit and an example: one word, one meaning, everywhere.

A key is a field's name; ``Model.field`` where the word means something else there; ``?name`` for what stands in a path
or a query and is no field. An example is left out where the values are listed, where it is yes or no, or where the
field has parts of its own.
"""
