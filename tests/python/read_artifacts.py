"""Reads torch files with weights_only and prints one JSON line each: dtype, shape, and a digest of the values.

Usage: python3 read_artifacts.py FILE...
"""

import hashlib
import json
import sys

import torch

for path in sys.argv[1:]:
    tensor = torch.load(path, weights_only=True)
    data = tensor.contiguous().numpy().tobytes()
    facts = {
        "dtype": str(tensor.dtype),
        "shape": list(tensor.shape),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    print(json.dumps(facts))
