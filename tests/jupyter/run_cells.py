"""Runs cells in Deno's Jupyter kernel over its own protocol, and prints one line of JSON for each: what it said, or the error.

Usage: python3 run_cells.py CELL.ts…, in the directory that the kernel starts in. Needs Debian's python3-jupyter-client.
"""

import json
import queue
import sys

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

manager = KernelManager()
manager._kernel_spec = KernelSpec(
    argv=["deno", "jupyter", "--kernel", "--conn", "{connection_file}"], display_name="Deno", language="typescript")
manager.start_kernel()
client = manager.client()
client.start_channels()
try:
    client.wait_for_ready(timeout=60)
    for path in sys.argv[1:]:
        said = {"text": "", "result": None, "error": None}

        def listen(message):
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                said["text"] += content["text"]
            elif kind in ("execute_result", "display_data"):
                said["result"] = content["data"].get("text/plain")
            elif kind == "error":
                said["error"] = f"{content['ename']}: {content['evalue']}"

        client.execute_interactive(open(path).read(), timeout=120, output_hook=listen)
        # Deno's kernel may send the result after it has said that it is idle.
        try:
            while said["result"] is None and said["error"] is None:
                listen(client.get_iopub_msg(timeout=2))
        except queue.Empty:
            pass
        print(json.dumps(said))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
