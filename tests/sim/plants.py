#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Would the simulation find a fault? Each plant of plant_list.py is put into copies of the files
that it changes, and then the finders that it names must fail: a case of the stories, the random
seeds, or both. A plant whose text isn't in its file, once, is an error: the source has moved on and
the plant has to follow. Last line: N passed, N failed.

  tests/sim/plants.py BUILD_DIR [NAME...]      compiler and number of jobs: CC, JOBS
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/sim"), str(ROOT / "tests/model")]
import plant_list  # noqa: E402

CC = os.environ.get("CC", "gcc")
FLAGS = (
    "-std=gnu11 -O2 -fno-builtin -fno-strict-aliasing -include tests/sim/spin.h "
    "-Itests/host -Itests/unit -Itests/sim -Itools/emulator/model -Ivmm -I."
).split()
SEEDS = 60
SECONDS = 120
PROGRAMS = {  # name -> the file whose "sources:" lines say what it is made of
    "wake": "tests/sim/wake_test.c",
    "change": "tests/sim/change_test.c",
    "seeds": "tests/sim/random.c",
}


def sources(main):
    """The files of a program, as the Makefile finds them."""
    words = " ".join(re.findall(r"^/\* sources: (.*) \*/", (ROOT / main).read_text(), re.M))
    files = {str(p.relative_to(ROOT)) for w in words.split() for p in ROOT.glob(w)}
    return sorted(files | {main, "tests/host/seam.c"})


def compile_one(source, out, *flags):
    subprocess.run([CC, *flags, *FLAGS, "-c", str(source), "-o", str(out)], cwd=ROOT, check=True)


def run(command):
    """(ended well, what it said)"""
    try:
        done = subprocess.run(
            command, cwd=ROOT, timeout=SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except subprocess.TimeoutExpired as e:
        return False, f"no end within {SECONDS} s\n" + (e.stdout or b"").decode(errors="replace")
    text = done.stdout.decode(errors="replace")
    return done.returncode == 0, text or f"exit status {done.returncode}\n"


class Builder:
    def __init__(self, folder):
        self.folder = folder
        self.sources = {name: sources(main) for name, main in PROGRAMS.items()}
        folder.mkdir(parents=True, exist_ok=True)

    def object(self, source):
        return self.folder / (source.replace("/", "_") + ".o")

    def compile_all(self, pool):
        every = sorted({f for files in self.sources.values() for f in files})
        list(pool.map(lambda f: compile_one(f, self.object(f)), every))

    def planted(self, plant):
        """source -> object with the fault in it"""
        texts = {}
        for edit in plant.edits:
            text = texts.get(edit.file) or (ROOT / edit.file).read_text()
            texts[edit.file] = edit.apply(text)
        objects = {}
        for file, text in texts.items():
            copy = self.folder / f"{plant.name}.{file.replace('/', '_')}"
            copy.write_text(text)
            if file.endswith(".h"):
                raise ValueError(f"{file}: a plant belongs into a .c file")
            objects[file] = copy.with_suffix(".o")
            compile_one(copy, objects[file], "-iquote", str(pathlib.Path(file).parent))
        return objects

    def program(self, plant, name, objects):
        out = self.folder / f"{plant.name}.{name}"
        linked = [str(objects.get(f, self.object(f))) for f in self.sources[name]]
        subprocess.run([CC, "-o", str(out), *linked], cwd=ROOT, check=True)
        return str(out)


def found_by(builder, plant, finder, objects):
    """One line of the report; "" when the finder finds nothing."""
    name, _, case = finder.partition(":")
    program = builder.program(plant, name, objects)
    seeds = [str(SEEDS), "1", *case.split()]
    well, said = run([program, *(seeds if name == "seeds" else [case])])
    (builder.folder / f"{plant.name}.{name}.log").write_text(said)
    if re.search(r"^0 passed, 0 failed", said, re.M):
        raise ValueError(f"there is no case {finder}")
    if well:
        return ""
    if name == "seeds":
        seed = re.search(r"^sim: (seed \d+) fails", said, re.M)
        return f"found by {seed[1] if seed else 'the seeds'}"
    lines = [x for x in said.splitlines() if not re.match(r"strict|.* runs$|FAILED|\d+ passed", x)]
    return f"found by {case} ({plant.what}): {lines[0] if lines else said.splitlines()[0]}"


def try_plant(builder, plant):
    """Lines of the report, how many finders failed."""
    try:
        objects = builder.planted(plant)
        lines = []
        for finder in plant.finders:
            said = found_by(builder, plant, finder, objects)
            lines.append((bool(said), said or f"NOT FOUND by {finder}: {plant.what}"))
    except (ValueError, subprocess.CalledProcessError) as e:
        lines = [(False, str(e))]
    return [(ok, f"  PLANT {plant.name}: {text}") for ok, text in lines]


def main():
    builder = Builder(pathlib.Path(sys.argv[1]).resolve() / "sim-plants")
    only = sys.argv[2:]
    plants = [p for p in plant_list.PLANTS if not only or p.name in only]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        builder.compile_all(pool)
        for lines in pool.map(lambda p: try_plant(builder, p), plants):
            for ok, text in lines:
                print(text, flush=True)
                passed += ok
                failed += not ok
    missing = list(plant_list.without_plant())
    for name in missing:
        print(f"  MUTANT {name}")
    print(f"{passed} passed, {failed + len(missing)} failed")
    return 1 if failed or missing or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
