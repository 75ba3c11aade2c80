#!/usr/bin/env python3
"""Runs another yardstick and prints, after it, the processor time between its last two looks at the clock: its start and its end.

usage: with_processor_time.py SCRIPT ARGUMENTS …
"""
import json, runpy, sys, time

marks, clock = [], time.perf_counter
def perf_counter():
    marks.append(time.process_time())
    return clock()

time.perf_counter = perf_counter
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
print(json.dumps({"processor_seconds": round(marks[-1] - marks[-2], 3)}))
