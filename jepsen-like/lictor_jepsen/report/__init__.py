"""What people look at: the page of a run, and the list of runs."""

from lictor_jepsen.report.listing import write_index
from lictor_jepsen.report.page import page
from lictor_jepsen.report.repeat import clients

__all__ = ["clients", "page", "write_index"]
