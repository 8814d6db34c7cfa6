"""The teacher: looks at data, network and progress of a training, and says what is probably not as it was meant.

`fit` asks it unless told `warn=False`. Each of its questions is a plain function that returns what to say, with the
evidence in numbers, or nothing; it is asked where its evidence is cheap to have, and nothing is said twice. The wording
of each stands on docs/when-training-goes-wrong.md.
"""

from .teacher import Teacher

__all__ = ["Teacher"]
