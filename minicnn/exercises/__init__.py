"""Exercises: the learner writes the backward passes, and is told what is wrong with them.

Where to read on:

    path/          one file an exercise: explanation, functions to write, solution, checks, hints, derivation
    exercise.py    what the checker's part of such a file is made of
    conditions.py  what many of them ask for besides being right
    course.py      the path in its order; the learner's file and the solution, both made from the exercise file
    learner.py     a learner's file: read, run, its errors told
    judge.py       whether it does what the exercise asks for; compare.py: value beside value;
                   stages.py: a backward pass stage by stage
    verdict.py     the answer
    yours.py       a learner's functions from earlier exercises
    notebook.py    `check`, for functions defined in a notebook
    grading.py     many learners' folders, one table

No line of these files is needed to do the exercises: `minicnn exercises start DIR`, or in a notebook

    from minicnn.exercises import check
    check(my_forward, my_backward, exercise="dense")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .notebook import check

__all__ = ["check"]


def __getattr__(name: str):
    """Load the checker when it is first used."""
    if name == "check":
        from .notebook import check

        return check
    raise AttributeError(f"minicnn.exercises has no {name!r}; it has check.")
