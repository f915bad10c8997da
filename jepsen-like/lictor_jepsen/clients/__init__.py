"""Who carries out what the generator says: a client for each API that is asked, over one base for all of them.

**May enter:** what makes requests of an invocation, and an outcome of their answers. **May not:** what chooses the
invocations (`generator`, `workload`), and what performs the run (`interpreter`).
"""

__all__: list[str] = []
