"""What others take for one exact search for the nearest 10 of all vectors: runs in an environment of its own.

Loads nothing of Redthread. Asked by `tests.bench.search.run`.
"""

import os
import time
from importlib import import_module
from typing import Any

import numpy as np

NEAREST = 10
THREADS = os.cpu_count() or 1
_held: dict[str, Any] = {}


def answer(question: dict[str, Any]) -> Any:
    """`load` takes the files `vectors` and `queries` and gives the peers' versions.

    A peer's name gives the seconds of its search by the clock, and those of all processors together.
    """
    if question["do"] == "load":
        return _load(question["vectors"], question["queries"])
    search = {"faiss": _faiss, "usearch": _usearch, "numpy": _numpy}[question["do"]]
    queries = _held["queries"][: question["size"]]
    started, used = time.perf_counter(), time.process_time()
    search(queries)
    return time.perf_counter() - started, time.process_time() - used


def _load(vectors: str, queries: str) -> dict[str, str]:
    faiss, usearch = import_module("faiss"), import_module("usearch.index")
    stored = np.load(vectors)
    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatIP(stored.shape[1])
    index.add(stored)
    _held.update(queries=np.load(queries), stored=stored, faiss=index, usearch=usearch)
    return {"faiss": faiss.__version__, "usearch": import_module("usearch").__version__, "numpy": np.__version__}


def _faiss(queries: Any) -> None:
    _held["faiss"].search(queries, NEAREST)


def _usearch(queries: Any) -> None:
    usearch = _held["usearch"]
    usearch.search(_held["stored"], queries, NEAREST, usearch.MetricKind.IP, exact=True, threads=THREADS)


def _numpy(queries: Any) -> None:
    scores = queries @ _held["stored"].T
    np.argpartition(scores, -NEAREST, axis=1)
