"""What people look at: the page of a run, and the list of runs."""

from lictor_jepsen.report.listing import write_index
from lictor_jepsen.report.page import page
from lictor_jepsen.report.repeat import clients
from lictor_jepsen.report.tally import outage_lines, runs_table

__all__ = ["clients", "outage_lines", "page", "runs_table", "write_index"]
