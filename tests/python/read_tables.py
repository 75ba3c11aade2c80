"""Reads one table with pandas, polars and DuckDB, or a matrix with scipy, and prints what each found as one JSON line.

Usage: python read_tables.py table.parquet | matrix.npz
"""

import json
import sys

path = sys.argv[1]
if path.endswith(".npz"):
    import hashlib

    import scipy.sparse

    matrix = scipy.sparse.load_npz(path)
    matrix.check_format(full_check=True)
    print(
        json.dumps(
            {
                "type": type(matrix).__name__,
                "shape": list(matrix.shape),
                "dtype": str(matrix.dtype),
                "index": str(matrix.indices.dtype),
                "sorted": bool(matrix.has_sorted_indices),
                "dense": hashlib.sha256(matrix.toarray().tobytes()).hexdigest(),
            }
        )
    )
    sys.exit()

import duckdb
import pandas as pd
import polars as pl


def plain(value):
    """JSON has no NaN and knows no numpy."""
    value = value.tolist() if hasattr(value, "tolist") else value
    is_finite = not isinstance(value, float) or abs(value) < float("inf")
    return value if is_finite and value is not pd.NA else None


frame = pd.read_parquet(path)
pandas_rows = [[plain(frame[name].iloc[i]) for name in frame.columns] for i in range(len(frame))]
polars_rows = [[plain(value) for value in row] for row in pl.read_parquet(path).rows()]
relation = duckdb.sql(f"select * from '{path}'")
duckdb_rows = [[plain(value) for value in row] for row in relation.fetchall()]
out = {
    "pandas": {"columns": list(frame.columns), "rows": pandas_rows},
    "polars": {"columns": pl.read_parquet(path).columns, "rows": polars_rows},
    "duckdb": {"columns": relation.columns, "rows": duckdb_rows},
    "types": [str(t) for t in relation.types],
}
print(json.dumps(out))
