"""Plots of the intake page: bars stand on one another, and lines keep their order on a logarithmic scale."""

from api.pages.plots import BARS_WIDTH, HEIGHT, WIDTH, bars, plot


def test_the_parts_of_a_bar_stand_on_one_another_and_the_highest_fills_the_plot() -> None:
    first, second, third = bars([{"a": 1, "b": 3}, {"a": 2, "b": 0}]).parts

    assert (first.kind, first.y + first.height) == ("a", HEIGHT)
    assert (second.kind, second.y, second.y + second.height) == ("b", 0, first.y)
    assert (third.kind, third.height, third.y) == ("a", HEIGHT / 2, HEIGHT / 2)
    assert all(0 <= bar.x <= bar.x + bar.width <= BARS_WIDTH for bar in (first, second, third))
    assert bars([{"a": 0}]).parts == bars([]).parts == ()


def test_longer_times_stand_higher_between_lines_at_round_lengths_of_time() -> None:
    drawn = plot([(30, 45), (90, 7000), (0, 10)])
    assert drawn is not None

    assert [tick.seconds for tick in drawn.ticks] == [1, 10, 60, 600, 3600, 21600]
    assert (drawn.ticks[0].y, drawn.ticks[-1].y) == (HEIGHT, 0)
    first, second, third = drawn.columns
    assert HEIGHT == third.half > third.most > first.half > first.most > second.half > second.most > 0
    assert [round(column.x) for column in drawn.columns] == [round(WIDTH * n / 6) for n in (1, 3, 5)]
    assert drawn.line("half").split()[2] == f"{third.x:.1f},{third.half:.1f}"


def test_days_of_one_length_are_still_drawn_and_no_day_gives_no_plot() -> None:
    same = plot([(60, 60)])
    assert same is not None and [tick.seconds for tick in same.ticks] == [60, 600]
    assert plot([]) is None
