"""The command line: ``graphad COMMAND TARGET``.

`load.py` finds what a target names, `values.py` reads values of inputs, `options.py` has what the commands share,
`group.py` gathers them and says what went wrong. A command only passes its options on to the function of the same name
in Python.
"""

from graphad.cli.group import main as main
