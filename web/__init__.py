"""The pages: the practice's own site, a program that knows the API and nothing else of the product.

``asking`` speaks to the API, ``edge`` is what every request meets, ``looks`` how values are told, ``clients`` and
``staff`` are the pages, one file a subject. Whatever a page shows or changes goes through the API, as the practice's
own site would go.
"""
