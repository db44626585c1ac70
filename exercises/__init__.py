"""The course's exercises, one file each, and what lessons use of them.

`exercise("02-collect")` is a task with its check, hints and solution; `exercises_done("02")` says what is done of one
lesson, `progress()` of the whole course, and `forget()` begins anew. Checks are written with `exercises.kit` and run by
`exercises.engine`; `exercises.authoring` and `exercises.grading` are for those who teach.
"""

from exercises.course import forget, progress
from exercises.learner import Exercise, ExerciseError, Verdict, exercise, exercises_done

__all__ = ["Exercise", "ExerciseError", "Verdict", "exercise", "exercises_done", "forget", "progress"]
