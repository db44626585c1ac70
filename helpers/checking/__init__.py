"""What stands behind `exercise("02-collect")`: read an exercise file, run its check where nothing can hang, judge it.

An instructor needs none of this: `helpers.exercises` is for learners, `helpers.exercise_kit` for the checks.
"""
