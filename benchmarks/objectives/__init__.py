"""The objectives of ADBench and GradBench, written afresh; gradbench and mixture enter theirs in the table."""

from benchmarks.objectives import adbench, gradbench, mixture

__all__ = ["adbench", "gradbench", "mixture"]
