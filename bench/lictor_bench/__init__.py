"""Figures beside real peers, each as a ratio taken in one run.

What may enter: measurements of what users feel, bounded in count and time. What may not: code that the product needs.
"""

__all__: list[str] = []
