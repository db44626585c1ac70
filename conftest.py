"""What all tests share, those in notebooks/ too."""

import os

# What somebody has done in the course is none of the tests' business, nor the other way round.
os.environ["THREADPOOL_PROGRESS"] = "off"
