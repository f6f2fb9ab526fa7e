"""Opens onnxruntime sessions, always with the same options."""

import os
from pathlib import Path
from typing import Any

# onnxruntime reads this at its first import: no telemetry.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

_ort: Any = onnxruntime

_ERRORS_ONLY = 3


def open_session(model: Path | bytes, threads: int) -> Any:
    """A CPU session of a model file, or of its content.

    Its threads sleep instead of spinning while they wait: the cores are shared with other processes.
    """
    options = _ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return _ort.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
    )
