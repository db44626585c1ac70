"""Make .venv what the locks say, or do nothing where it is: `make` runs this before everything else.

    python3 tools/environment.py requirements.txt requirements-dev.txt [--partly]

Any Python must be able to read this, however old, to be told in one sentence that it is too old. Exit code 3: a package
has no wheel for this Python and can't be built here; with --partly all others are installed.
"""

import os
import re
import shutil
import subprocess
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(PROJECT, ".venv")
PYTHON, UV = os.path.join(VENV, "bin", "python"), os.path.join(VENV, "uv")
BASE = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
VERSION = "Python " + ".".join(str(part) for part in sys.version_info[:3])
ANOTHER = "or name another as in `make lab PYTHON=python3.12`."


def read(*path):
    try:
        with open(os.path.join(PROJECT, *path)) as file:
            return file.read()
    except (IOError, OSError):
        return None


def write(text, *path):
    with open(os.path.join(VENV, *path), "w") as file:
        file.write(text)


def run(command):
    """What `command` prints. Where it fails, show the end; of a package that did not build, the name and no log."""
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.communicate()[0].decode("utf-8", "replace")
    unbuilt = re.findall("Failed to [a-z ]*build `([^`]+)`", output)
    if process.returncode and unbuilt:
        raise LookupError(unbuilt[0])
    if process.returncode:
        print("\n".join(output.splitlines()[-15:]))
        sys.exit("This did not succeed, the lines above say why; the next call tries again.")
    return output


def create(made_for):
    if os.path.lexists(VENV):
        print("Removing .venv: it was made for another interpreter or place, or not to its end.")
        os.unlink(VENV) if os.path.islink(VENV) else shutil.rmtree(VENV)
    print("Creating .venv with {}.".format(VERSION))
    run([BASE, "-m", "venv", "--without-pip", VENV])
    # The course's own modules as they are here, not a copy of them.
    packages = run([PYTHON, "-c", "import site; print(site.getsitepackages()[0])"]).strip()
    write(PROJECT + "\n", packages, "course.pth")
    write(made_for, "made-for")


def get_uv():
    """Let pip bring uv, which is quick, for the time of the installation, and hand on the index that pip is set to."""
    pip = [BASE, "-m", "pip"]
    if subprocess.call([BASE, "-c", "import pip"], stderr=subprocess.DEVNULL) != 0:
        pip = [PYTHON, "-m", "pip"]
        run([PYTHON, "-m", "ensurepip"])
    for index in re.findall(r"(?m)^\S+\.index-url='(.+)'", run(pip + ["config", "list"])):
        os.environ.setdefault("UV_DEFAULT_INDEX", index)
    version = re.findall("(?m)^uv==.+", read("requirements-dev.txt"))[0]
    run(pip + ["install", "--target", UV, "--upgrade", "--no-deps", "--no-compile", "--only-binary=:all:", version])


def install(lock, partly):
    write("not to its end", lock)
    print("Installing the packages of {}.".format(lock))
    wanted = [line for line in read(lock).splitlines() if line[:1] not in ("", "#", "-")]
    command = [os.path.join(UV, "bin", "uv"), "pip", "install", "--python", PYTHON, "--no-deps", "-r"]
    while True:
        write("\n".join(wanted), "wanted.txt")
        try:
            run(command + [os.path.join(VENV, "wanted.txt")])
            return write(read(lock), lock)
        except LookupError as error:
            print("{} has no wheel for {} and can't be built here.".format(error, VERSION))
            if not partly:
                sys.exit(3)
            print("What imports it will not run. Install a C compiler or an older Python, then run `make clean`.")
            wanted = [line for line in wanted if not line.startswith(str(error))]


def main(locks, partly):
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 or newer is needed and {} is {}: install a newer one, {}".format(BASE, VERSION, ANOTHER))
    try:
        import ensurepip  # noqa: F401
    except ImportError as error:
        sys.exit(
            "{} can't make environments, it has no module {}: install it (Debian and Ubuntu: apt-get install "
            "python3-venv), {}".format(BASE, error.name, ANOTHER)
        )
    made_for = repr((BASE, sys.version, PROJECT, read(__file__)))
    if read(VENV, "made-for") != made_for:
        create(made_for)
    missing = [lock for lock in locks if read(VENV, lock) != read(lock)]
    if not missing:
        return
    get_uv()
    for lock in missing:
        install(lock, partly)
    shutil.rmtree(UV)  # 50 MB
    print("Ready.")


if __name__ == "__main__":
    try:
        main([arg for arg in sys.argv[1:] if arg != "--partly"], "--partly" in sys.argv)
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: the next call goes on from here.")
