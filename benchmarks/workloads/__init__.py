"""The workloads; each module enters its own in the table."""

from benchmarks.workloads import fields, lenet, networks, options, recurrent, regression, statistics, transformer

__all__ = ["fields", "lenet", "networks", "options", "recurrent", "regression", "statistics", "transformer"]
