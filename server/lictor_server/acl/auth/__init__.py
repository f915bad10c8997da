"""Auth methods: who else vouches for those that log in, a module for each type.

What may enter: the settings of a method and what somebody shows. What may not: tokens of the cluster, and who gets
them.
"""
