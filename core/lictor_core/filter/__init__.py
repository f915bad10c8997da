"""The filter language: `?filter=ServiceMeta.env == prod and "v2" in ServiceTags`. Pure.

What is in this room: `parse` makes a `tree` of a text by `grammar`, `compile_filter` a predicate of the tree for one
table of `fields`; `tables` has these tables, `applying` the filters of queries and what they leave of the answers. What
may enter: the language as Consul 1.8.7 has it (its document `api-docs/features/filtering`), and what can be filtered.
What may not: who asks, and where the records come from.

Only `applying` is imported by those who just pass filters on: the parser comes with the first filter that is judged.
"""

from lictor_core.filter.applying import Predicate, check_filter, filtered, filtering, predicate, unfiltered

__all__ = ["Predicate", "check_filter", "filtered", "filtering", "predicate", "unfiltered"]
