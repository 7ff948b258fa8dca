"""The helpline's queue side by side with Asterisk's app_queue and with a bare FastAGI script, on one Asterisk.

    .venv/bin/python -m bench.acd [--quick] [--rounds N] [--rows idle,rate,…] [--json FILE]

Three systems take the same calls in the same run, in turn: `aq` is app_queue at its best settings, `floor` a script
that answers and dials a known agent and remembers nothing, `ours` the real controller (`controller.py`). SIPp plays the
callers and the agents; times are those that SIPp wrote down, CPU is what the kernel counted for each process.
Only ratios between systems of one run mean something: the figures themselves are the machine's.
"""
