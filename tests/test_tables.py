"""Tables as text."""

from bridge.tables import Table, columns, records, width

TABLE = Table(
    ("name", "名前", "n"), ("left", "center", "right"), (("a", "日本", "1"), ("bcd", "x", ""), ("", "🦞", "100"))
)


def test_columns_are_as_wide_as_the_widest_cell_on_the_screen():
    assert columns(TABLE, str).lines(range(3)).split("\n") == [
        "name  名前    n",
        "────  ────  ───",
        "a     日本    1",
        "bcd    x",
        "       🦞   100",
    ]


def test_the_columns_of_some_rows_are_those_of_the_whole_table():
    assert columns(TABLE, str).lines(range(1, 2)).split("\n") == ["name  名前    n", "────  ────  ───", "bcd    x"]


def test_a_record_names_every_value():
    assert records(TABLE, "<{}>".format, str.upper).lines(range(2)).split("\n") == [
        "<name>: A", "<名前>: 日本", "<n>: 1", "", "<name>: BCD", "<名前>: X", "<n>: –",
    ]  # fmt: skip


def test_a_column_without_a_name_has_its_value_alone():
    table = Table(("", "b"), ("", ""), (("1", "2"),))
    assert records(table, str, str).lines(range(1)) == "1\nb: 2"


def test_width_counts_cells():
    assert [width(text) for text in ("abc", "日本", "é", "\x07", "")] == [3, 4, 1, 1, 0]


def test_a_table_without_rows_still_says_what_its_columns_are():
    assert records(Table(("a", "", "b"), ("", "", ""), ()), "<{}>".format, str).lines(range(0)) == "<a>\n<b>"


def test_rows_are_weighed_by_what_stands_in_them():
    assert [TABLE.weight(range(*rows)) for rows in ((0, 0), (0, 1), (1, 3), (0, 3))] == [0, 5, 10, 15]
    assert [TABLE.reach(range(3), weight) for weight in (4, 5, 10, 14, 99)] == [0, 1, 2, 2, 3]
    assert TABLE.reach(range(1, 2), 99) == 1
