"""What graphad costs, beside other systems: `make bench`. Read run.py first, then problem.py."""
