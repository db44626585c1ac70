"""The course's exercises, one file each, and what lessons use of them.

`exercise("02-collect")` is a task with its check, hints and solution; `exercises_done("02")` says what is done of one
lesson. Checks are written with `exercises.kit` and run by `exercises.engine`; `exercises.authoring` is for those who
write them.
"""

from exercises.learner import Exercise, ExerciseError, Verdict, exercise, exercises_done

__all__ = ["Exercise", "ExerciseError", "Verdict", "exercise", "exercises_done"]
