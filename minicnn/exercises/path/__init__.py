"""The exercises, one file each: the learner's part above, the checker's part below the line."""
