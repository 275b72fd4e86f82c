"""What only the book needs: explorers, questions, plots, and each chapter's figures and exercises.

Nothing outside imports it, except the command line and the lazy table of `resnet_lib`. `ask` needs the standard
library only; `explore` needs SymPy and, with a kernel, ipywidgets and plotly.
"""
