"""What stands behind `exercise("02-collect")`: read an exercise file, run its check where nothing can hang, judge it.

An instructor needs none of this: `exercises.learner` is for learners, `exercises.kit` for the checks.
"""
