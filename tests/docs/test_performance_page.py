"""The arithmetic of the page on performance, against the figures that the benchmarks have written down."""

from bench.growth.sizing import BEGIN, END, PAGE, CountedFigures, table


def test_the_table_is_of_the_figures_that_were_counted() -> None:
    told = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert told == table(CountedFigures.read()), "run: python -m bench sizing"
