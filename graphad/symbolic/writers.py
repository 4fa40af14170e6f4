"""Importing this module fills the tables of writers: what each op looks like as an array and as an element."""

from graphad.symbolic import index_arrange as index_arrange
from graphad.symbolic import index_places as index_places
from graphad.symbolic import index_sums as index_sums
from graphad.symbolic import index_windows as index_windows
from graphad.symbolic import loops as loops
from graphad.symbolic import matrix_arrange as matrix_arrange
from graphad.symbolic import matrix_products as matrix_products
