"""``python -m graphad``: the command line."""

from graphad.cli import main

if __name__ == "__main__":
    main(prog_name="graphad")
