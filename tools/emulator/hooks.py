#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Puts the emulator's files and hooks into a tree of QEMU's source.

    hooks.py key SOURCE            print the key of (source, our files)
    hooks.py sync SOURCE TREE      make TREE = SOURCE + our files + hooks; print the key
    hooks.py check SOURCE          only look whether every hook finds its place

TREE is written to as little as possible, so that ninja rebuilds only what changed.

A hook file (qemu/hooks/*.hook) changes QEMU's own files in a few places:

    # comment, anywhere outside a hunk
    == target/i386/cpu.c           the file that the next hunks change
    -- within static void foo(     optional: only from that line to the next "}" in column 0
    -- after                       or: before, replace
    one or two whole lines of QEMU, white space does not matter
    -- text
    what to put there
    -- end

The anchor must occur exactly once in the pristine file (inside "within" if given).
All anchors are looked for in the pristine text, so hook files do not see each other.

EMULATOR_OMIT="iommu*.c iommu*.hook" leaves files out (someone is half-way through them).
"""
import fnmatch
import hashlib
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = "hw/i386/reveille"  # where model/ and qemu/ go in QEMU's tree
MANIFEST = ".reveille-manifest"
KEYFILE = "reveille-key"


class HookError(Exception):
    pass


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as f:
        return f.read()


def our_files():
    """{name below tools/emulator: text} of everything that decides what is built."""
    files, omit = {}, os.environ.get("EMULATOR_OMIT", "").split()
    for folder, ends in (("model", (".c", ".h")), ("qemu", (".c", ".h")), ("qemu/hooks", (".hook",))):
        path = os.path.join(HERE, folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            omitted = any(fnmatch.fnmatch(name, glob) for glob in omit)
            if name.endswith(ends) and not name.startswith(".") and not omitted:
                files[f"{folder}/{name}"] = read(os.path.join(path, name))
    for name in ("build.sh", "hooks.py"):
        files[name] = read(os.path.join(HERE, name))
    return files


def key_of(source, files):
    h = hashlib.sha256(os.path.basename(os.path.abspath(source)).encode())
    for name in sorted(files):
        h.update(f"\0{name}\0".encode())
        h.update(files[name].encode("utf-8", "surrogateescape"))
    return h.hexdigest()[:16]


def parse(name, text):
    """A hook file as a list of (where, target, within, verb, anchor, new text)."""
    hunks, target, within, verb, part = [], None, None, None, None
    anchor, new, start = [], [], 0
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        if part == "text":
            if line.rstrip() == "-- end":
                hunks.append((f"{name}:{start}", target, within, verb, anchor, "\n".join(new) + "\n"))
                within, verb, part, anchor, new = None, None, None, [], []
            else:
                new.append(line)
        elif line.startswith("-- text") and part == "anchor":
            part = "text"
        elif part == "anchor":
            anchor.append(line)
        elif line.startswith("== "):
            target = line[3:].strip()
        elif line.startswith("-- within "):
            within = line[10:].strip()
        elif line.rstrip() in ("-- after", "-- before", "-- replace") and target:
            verb, part, start = line.split()[1], "anchor", number
        elif line.strip() and not line.startswith("#"):
            raise HookError(f"{where}: not understood: {line!r}")
    if part or verb:
        raise HookError(f"{name}:{start}: hunk does not end")
    return hunks


def pattern(lines):
    words = " ".join(lines).split()
    if not words:
        raise HookError("empty anchor")
    return re.compile(r"^[ \t]*" + r"\s+".join(map(re.escape, words)) + r"[ \t]*\r?\n", re.M)


def find(text, hunk):
    """(start, end) of the anchor in the pristine text of its file."""
    where, target, within, _, anchor, _ = hunk
    lo, hi, scope = 0, len(text), target
    if within:
        # A definition, not a forward declaration: a brace comes before a semicolon.
        head = r"^" + r"\s+".join(map(re.escape, within.split())) + r"[^;{]*\{"
        heads = list(re.compile(head, re.M).finditer(text))
        if len(heads) != 1:
            raise HookError(f"{where}: 'within {within}' found {len(heads)} times in {target}")
        lo = heads[0].start()
        close = re.compile(r"^\}", re.M).search(text, lo)
        hi = close.end() if close else len(text)
        scope = f"{target}, {within}"
    hits = [m for m in pattern(anchor).finditer(text, lo) if m.end() <= hi]
    if len(hits) != 1:
        what = "\n".join(f"    {line}" for line in anchor)
        raise HookError(f"{where}: expected exactly once in {scope}, found {len(hits)} times:\n{what}")
    return hits[0].span()


def patch(source, files):
    """{file in QEMU's tree: patched text}; every error is collected and shown."""
    edits, errors, result = {}, [], {}
    for name in sorted(files):
        if not name.endswith(".hook"):
            continue
        try:
            hunks = parse(name, files[name])
        except HookError as e:
            errors.append(str(e))
            continue
        for hunk in hunks:
            edits.setdefault(hunk[1], []).append(hunk)
    for target in sorted(edits):
        path = os.path.join(source, target)
        if not os.path.isfile(path):
            errors.append(f"{edits[target][0][0]}: QEMU has no file {target}")
            continue
        text = read(path)
        spans = []
        for order, hunk in enumerate(edits[target]):
            try:
                lo, hi = find(text, hunk)
            except HookError as e:
                errors.append(str(e))
                continue
            verb = hunk[3]
            span = {"after": (hi, hi), "before": (lo, lo), "replace": (lo, hi)}[verb]
            spans.append((span[0], span[1], order, hunk))
        spans.sort(key=lambda s: s[:3])
        out, at = [], 0
        for lo, hi, _, hunk in spans:
            if lo < at:
                errors.append(f"{hunk[0]}: changes the same lines of {target} as another hook")
                continue
            out += [text[at:lo], hunk[5]]
            at = hi
        result[target] = "".join(out) + text[at:]
    if errors:
        raise HookError("\n".join(errors))
    return result


def build_list(files):
    sources = [f"  '{n}'," for n in sorted(files) if n.endswith(".c")]
    return "\n".join(["# Written by hooks.py", "i386_ss.add(files(", *sources, "))", ""])


def write(path, text):
    """Writes when different; never through a hard link into the pristine source."""
    if os.path.isfile(path) and read(path) == text:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    tmp = path + ".reveille-new"
    with open(tmp, "w", encoding="utf-8", errors="surrogateescape", newline="") as f:
        f.write(text)
    if os.path.isfile(path):
        shutil.copymode(path, tmp)
    os.replace(tmp, path)


def sync(source, tree, files):
    wanted = patch(source, files)
    for name, text in files.items():
        if name.endswith((".c", ".h")):
            wanted[f"{PLACE}/{name}"] = text
    wanted[f"{PLACE}/meson.build"] = build_list(files)
    wanted[KEYFILE] = key_of(source, files) + "\n"
    manifest = os.path.join(tree, MANIFEST)
    before = read(manifest).split("\n") if os.path.exists(manifest) else []
    write(manifest, "\n".join(sorted(set(before) | set(wanted))))
    for name in before:
        if not name or name in wanted:
            continue
        pristine = os.path.join(source, name)
        if os.path.isfile(pristine):
            write(os.path.join(tree, name), read(pristine))
        elif os.path.exists(os.path.join(tree, name)):
            os.unlink(os.path.join(tree, name))
    for name, text in wanted.items():
        write(os.path.join(tree, name), text)
    write(manifest, "\n".join(sorted(wanted)))


def main(args):
    files = our_files()
    if len(args) == 2 and args[0] == "key":
        pass
    elif len(args) == 2 and args[0] == "check":
        patch(args[1], files)
    elif len(args) == 3 and args[0] == "sync":
        sync(args[1], args[2], files)
    else:
        sys.exit(__doc__)
    print(key_of(args[1], files))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except HookError as e:
        sys.exit(f"emulator: hooks do not fit this QEMU:\n{e}")
