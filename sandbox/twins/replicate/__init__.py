"""The twin of Replicate: takes predictions as the HTTP API does, and really restores, on this machine.

models       what can be run, and under which input names
inputs       what is wrong with an input
predictions  a prediction's life, from starting to one of its ends, and its webhooks
studio       where the work is done: the threads, and what time brings by itself
pictures     from an input URL to the bytes of an output
files        uploaded inputs
api          the doorway /v1, and /pbxt, where outputs are delivered
pages        lists, a page at a time
gate         who is let in, and how often
errors       what Replicate says when it says no
"""
