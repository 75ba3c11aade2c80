#!/usr/bin/env python3
"""Runs a command and says on the last line of standard error what it used: processor seconds, and its peak memory in KiB.
Its output, and its exit status, pass through.

usage: usage.py COMMAND [ARG...]
"""
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode; used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "peakKiB": used.ru_maxrss}), file=sys.stderr); sys.exit(code)
