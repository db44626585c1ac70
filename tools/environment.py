"""Make .venv what requirements.txt says, or do nothing where it is: `make` runs this before everything else.

Any Python must be able to read this file, however old, to be told in one sentence that it is too old.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(PROJECT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "complete")
INPUTS = [os.path.join(PROJECT, name) for name in ("requirements.txt", "pyproject.toml", "tools/environment.py")]
OLDEST = (3, 11)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def give_up(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(2)


def base_interpreter():
    """The interpreter itself, where this one is that of an environment (an activated .venv is not its own base)."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def check_interpreter():
    if sys.version_info < OLDEST:
        version = ".".join(str(part) for part in sys.version_info[:3])
        give_up(
            "Python 3.11 or newer is needed and {} is {}: install a newer one, or name one as in "
            "`make lab PYTHON=python3.12`.".format(sys.executable, version)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        give_up(
            "{} can't make environments, it has no module {}: install it (Debian and Ubuntu: apt-get install "
            "python3-venv) or name another as in `make lab PYTHON=python3.12`.".format(sys.executable, error.name)
        )


def fingerprint():
    """All that .venv depends on: another lock, interpreter or place for the project means another environment."""
    digest = hashlib.sha256(repr((base_interpreter(), sys.version, PROJECT)).encode())
    for path in INPUTS:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def stamp():
    try:
        with open(STAMP) as file:
            return file.read()
    except OSError:
        return None


def can_be_continued():
    """True for a .venv of this interpreter, in this place, that has a working pip, complete or not."""
    try:
        with open(os.path.join(VENV, "pyvenv.cfg")) as file:
            settings = dict(re.findall(r"^(\S+) *= *(.*)$", file.read(), re.MULTILINE))
        with open(os.path.join(VENV, "bin", "activate")) as file:
            here = VENV in file.read()
    except OSError:
        return False
    same = settings.get("executable") == base_interpreter()
    return here and same and subprocess.call([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


def create():
    if os.path.lexists(VENV):
        say("Removing .venv: it was made for another interpreter or place, or not to its end.")
        if os.path.islink(VENV):
            os.unlink(VENV)
        else:
            shutil.rmtree(VENV)
    say("Creating .venv with Python {}.{}.{}.".format(*sys.version_info))
    run([base_interpreter(), "-m", "venv", VENV])


def run(command, follow=None):
    """Run `command` and hand each line of its output to `follow`; where it fails, give up with its last lines."""
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0", PYTHONUNBUFFERED="1")
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.decode("utf-8", "replace").rstrip())
        if follow:
            follow(lines[-1])
    if process.wait() != 0:
        say("\n".join(lines[-15:]))
        give_up("This did not succeed, the lines above say why; the next call tries again.")


def install(arguments, follow=None):
    run([PYTHON, "-m", "pip", "install", "--no-input", "--progress-bar=off"] + arguments, follow)


class Progress:
    """Says how many of the lock's packages pip has got."""

    def __init__(self, total):
        self.total = total
        self.got = 0

    def __call__(self, line):
        self.total -= line.startswith("Ignoring ")
        if line.startswith(("Collecting ", "Processing ", "Requirement already satisfied: ")):
            self.got += 1
            if self.got % 20 == 0 and self.got < self.total:
                say("  {} of {}".format(self.got, self.total))
        if line.startswith("Installing collected packages"):
            say("  unpacking")


def prepare():
    check_interpreter()
    wanted = fingerprint()
    if stamp() == wanted and os.path.exists(PYTHON):
        return
    if not can_be_continued():
        create()
    elif os.path.exists(STAMP):
        os.unlink(STAMP)
    with open(INPUTS[0]) as file:
        total = sum(1 for line in file if line.strip())
    say("Installing the packages of requirements.txt (some minutes the first time).")
    install(["--requirement", INPUTS[0]], Progress(total))
    say("Installing the course's own package, helpers.")
    install(["--no-deps", "--no-build-isolation", "--editable", PROJECT])
    with open(STAMP + ".new", "w") as file:
        file.write(wanted)
    os.rename(STAMP + ".new", STAMP)
    say("Ready.")


if __name__ == "__main__":
    try:
        prepare()
    except KeyboardInterrupt:
        give_up("\nInterrupted: the next call goes on from here.")
