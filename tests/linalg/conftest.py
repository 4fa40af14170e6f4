import matrices
import pytest


@pytest.fixture(autouse=True)
def same_numbers_in_every_order():
    matrices.restart()
