"""`goldilocks score`: the label-free measures of any embeddings in a file."""
