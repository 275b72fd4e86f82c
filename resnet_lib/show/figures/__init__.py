"""The book's figures, a module for each chapter.

Each is a pure function from control values to a Plotly figure and the numbers beside it. They only price descriptions
(or carry recorded rows), so the same function draws with numbers in Python and with formulas in the page.
"""
