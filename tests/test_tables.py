"""Tables as text."""

from bridge.tables import Table, width

TABLE = Table(
    ("name", "名前", "n"), ("left", "center", "right"), (("a", "日本", "1"), ("bcd", "x", ""), ("", "🦞", "100"))
)


def test_columns_are_as_wide_as_the_widest_cell_on_the_screen():
    assert TABLE.lines(range(3), str) == [
        "name  名前    n",
        "────  ────  ───",
        "a     日本    1",
        "bcd    x",
        "       🦞   100",
    ]


def test_the_columns_of_some_rows_are_those_of_the_whole_table():
    assert TABLE.lines(range(1, 2), str) == ["name  名前    n", "────  ────  ───", "bcd    x"]


def test_a_record_names_every_value():
    assert TABLE.records(range(2), "<{}>".format, str.upper) == [
        "<name>: A", "<名前>: 日本", "<n>: 1", "", "<name>: BCD", "<名前>: X", "<n>: –",
    ]  # fmt: skip


def test_a_column_without_a_name_has_its_value_alone():
    assert Table(("", "b"), ("", ""), (("1", "2"),)).records(range(1), str, str) == ["1", "b: 2"]


def test_width_counts_cells():
    assert [width(text) for text in ("abc", "日本", "é", "\x07", "")] == [3, 4, 1, 1, 0]
