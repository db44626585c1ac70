"""What all tests share, those in notebooks/ too."""

import os
import sys

# What somebody has done in the course is none of the tests' business, nor the other way round.
os.environ["THREADPOOL_PROGRESS"] = "off"
# Tests start hundreds of processes. Each would compile the same packages where the shell forbids to keep the result.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
