"""The intermediate representation: types, nodes, graphs. Knows no operator by name."""
