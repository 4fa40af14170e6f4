"""The interactive page: a graph, what it says of itself, and its layout, in one HTML file that asks for nothing else.

Read `model.py` (what there is to show), `boxes.py` (what lies in what), `layout.py` (where), then `code.py`,
`history.py` and `layers.py` (what is told of each node); `write.py` puts them into `page.html`. The scripts in `js/`
know nothing of Python: all they read is the JSON of `data.py`.
"""
