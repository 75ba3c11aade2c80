"""Reads torch files with weights_only and prints one JSON line each: {key: [dtype, shape, digest of the values]}.

A file that holds one tensor has the key "". Usage: python3 read_artifacts.py FILE...
"""

import hashlib
import json
import sys

import torch


def facts(tensor):
    data = tensor.contiguous().numpy().tobytes()
    return [str(tensor.dtype), list(tensor.shape), hashlib.sha256(data).hexdigest()]


for path in sys.argv[1:]:
    value = torch.load(path, weights_only=True)
    tensors = value if isinstance(value, dict) else {"": value}
    print(json.dumps({key: facts(tensor) for key, tensor in tensors.items()}))
