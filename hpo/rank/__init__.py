"""`goldilocks rank`: checkpoints of anyone's, measured on the same images and ranked."""
