"""cheap"""


def cheapest(graph, order, needed, sizes):
    return needed
