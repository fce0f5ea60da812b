"""Binding of data to declared symbols: what is taken, and what each refusal says."""

from types import SimpleNamespace

import numpy as np
import pytest

from symml.errors import DataError, DomainError
from symml.fitting.binding import bind
from symml.language.declarations import read_declarations


class Frame:
    """The little of a data frame that binding relies on; no data-frame library is needed."""

    def __init__(self, columns, values):
        self.columns, self.values = columns, np.asarray(values)
        self.ndim, self.shape = self.values.ndim, self.values.shape
        self.dtypes = [SimpleNamespace(kind="f")] * len(columns)

    def __array__(self, dtype=None, copy=None):
        return self.values

    def to_numpy(self):
        return self.values

    def __getitem__(self, name):
        return self.values[:, self.columns.index(name)]


def table(where):
    return read_declarations(where)


X = np.arange(12.0).reshape(4, 3)


def test_values_sizes_and_columns_are_kept():
    frame = Frame(["one", "age", "dose"], X)
    found = bind(table("X: n x d, y: n, lam > 0"), {"X": frame, "y": [[1], [2], [3], [4]], "λ": 2})
    assert found.values["y"].shape == (4,)
    assert found.values["lam"] == 2.0
    assert found.sizes == {"n": 4, "d": 3}
    assert found.columns == {"d": ("one", "age", "dose")}


def test_a_frame_gives_symbols_by_column_and_ignores_the_others():
    frame = Frame(["x", "y", "note to self!"], X)
    assert np.array_equal(bind(table("x: n, y: n"), frame).values["y"], X[:, 1])


@pytest.mark.parametrize(
    ("where", "data", "said"),
    [
        ("X: n x d, y: n", {"X": np.eye(23), "y": np.ones(22)}, "y has 22 rows, X has 23 rows: n must be one number"),
        ("X: n x d, w: d", {"X": X, "w": np.ones(2)}, "w has 2 entries, X has 3 columns: d must be one number"),
        ("X: n x 3", {"X": np.ones((5, 2))}, "X has 2 columns; it is declared n×3, so that number must be 3"),
        ("y: n", {"y": np.ones((5, 2))}, "y is declared a vector (n), its value has shape (5, 2)"),
        ("X: n x d", {"X": np.ones(5)}, "reshape(-1, 1) for one column"),
        ("X: n x d, y: n", {"X": np.ones((5, 2))}, "no value for y. Given: X"),
        ("y: n", {"y": []}, "there are no data"),
        ("y: n", {"y": [1, "two", 3]}, "not made of real numbers"),
        ("y: n", {"y": np.array([1, "two", None], dtype=object)}, "y[2] is 'two', not a real number"),
        ("y: n", {"y": np.array([1 + 2j, 3])}, "not made of real numbers"),
        ("lam", {"lam": 1, "λ": 2}, "two values are given for λ"),
        ("n dimension, y: n", {"n": 2.5, "y": [1, 2]}, "a positive whole number, found 2.5"),
        ("n dimension, y: n", {"n": 3, "y": [1, 2]}, "y has 2 rows, n is given as 3: n must be one number"),
    ],
)
def test_a_wrong_shape_or_type_is_said_in_words(where, data, said):
    with pytest.raises(DataError) as error:
        bind(table(where), data)
    assert said in str(error.value)


def test_missing_values_are_located():
    holed = np.ones((100, 3))
    holed[[3, 16, 89], 1] = np.nan
    with pytest.raises(DataError) as error:
        bind(table("X: n x d"), {"X": holed})
    assert str(error.value) == "3 missing values: column 2 of X, rows 4, 17, 90. Drop or fill them first."
    with pytest.raises(DataError, match=r'3 missing values: column "age" of X, rows 4, 17, 90\.'):
        bind(table("X: n x d"), {"X": Frame(["one", "age", "dose"], holed)})
    with pytest.raises(DataError, match=r"1 infinite value: y, row 2\."):
        bind(table("y: n"), {"y": [1, np.inf]})
    with pytest.raises(DataError, match=r"1 missing value: y, row 2\."):
        bind(table("y: n"), {"y": [1, None, 3]})
    with pytest.raises(DataError, match=r"1 missing value: y, row 1\."):
        bind(table("y: n"), {"y": np.ma.masked_array([1.0, 2.0], [True, False])})


@pytest.mark.parametrize(
    ("where", "good", "bad", "said"),
    [
        ("y: n in {0,1}", [0, 1], [0, 2, 3], r"y[2] = 2 is outside the declared range in {0,1} (and 1 more)"),
        ("p: n in (0,1)", [0.5], [0.5, 1.0], "p[2] = 1 is outside"),
        ("lam > 0", 1.0, 0.0, "λ is declared positive: the value is 0"),
        ("k: n integer nonnegative", [0, 3], [0.5], "k is declared integer: entry [1] is 0.5"),
        ("S: d x d symmetric", np.eye(2), [[1, 2], [3, 1]], "it differs from its transpose by up to 1"),
        ("S: d x d spd", np.eye(2), [[1, 2], [2, 1]], "its smallest eigenvalue is -1"),
        ("D: d x d diagonal", np.eye(2), [[1, 0], [2, 1]], "D is declared"),
        ("Q: d x d orthogonal", np.eye(2), 2 * np.eye(2), "Q is declared"),
        ("A: d x d invertible", np.eye(2), np.ones((2, 2)), "its rank is 1 of 2"),
        ("X: n x d full column rank", np.eye(3)[:, :2], np.ones((3, 2)), "its rank is 1, not 2"),
        ("Y: n x k one-hot rows", np.eye(2), [[1, 1], [0, 1]], "Y is declared"),
        ("p: k simplex", [0.25, 0.75], [0.5, 0.6], "its sum differs from 1 by up to 0.1"),
        ("u: k unit norm", [0.6, 0.8], [1.0, 1.0], "its norm differs from 1"),
        ("X: n x d contains intercept", [[1, 2], [1, 3]], [[1, 2], [2, 3]], "no column is constant"),
        ("X: n x d centred", [[1, -2], [-1, 2]], [[1, 2], [2, 3]], "column means differ from 0"),
        ("L: d x d lower triangular", [[1, 0], [2, 1]], [[1, 2], [0, 1]], "entries above the diagonal"),
    ],
)
def test_declared_ranges_and_properties_are_checked(where, good, bad, said):
    declared = table(where)
    name = next(iter(declared))
    bind(declared, {name: good})
    with pytest.raises(DomainError) as error:
        bind(declared, {name: bad})
    assert said in str(error.value)
