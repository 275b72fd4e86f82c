"""A folder for each chapter, named like its notebook: its `figures` and its `exercises`.

A figure is a pure function from control values to a Plotly figure and the numbers beside it. Figures only price
descriptions (or carry recorded rows), so the same function draws with numbers in Python and with formulas in the page.
An exercise knows the typical wrong answers and says what was forgotten, without giving the answer away.
"""
