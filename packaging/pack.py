"""Packs a built `rewind`; see scripts/package. The standard library alone, and the same bytes from the same program."""

import base64
import gzip
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/rewind-gate/rewind"

# What a machine is called: by Rust, in the tags of wheels, by npm. The last two are for builds of one's own: PyPI takes no such wheel.
TARGETS = {
    "x86_64-unknown-linux-musl": ("manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64", "linux", "x64"),
    "aarch64-unknown-linux-musl": ("manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64", "linux", "arm64"),
    "x86_64-apple-darwin": ("macosx_10_12_x86_64", "darwin", "x64"),
    "aarch64-apple-darwin": ("macosx_11_0_arm64", "darwin", "arm64"),
    "x86_64-unknown-linux-gnu": ("linux_x86_64", "linux", "x64"),
    "aarch64-unknown-linux-gnu": ("linux_aarch64", "linux", "arm64"),
}
# Nine is smallest, one is fastest.
LEVEL = int(os.environ.get("PACK_LEVEL", "9"))
LICENCES = ["LICENSE-APACHE", "LICENSE-MIT"]


def cargo(key):
    """Returns a text of [package] in Cargo.toml, which is where version, licence and description stand."""
    head = (ROOT / "Cargo.toml").read_text().split("\n[", 1)[0]
    return re.search(rf'^{key} = "(.*)"$', head, re.MULTILINE).group(1)


def readme():
    """Returns the README with links that lead to the repository from anywhere."""
    text = (ROOT / "README.md").read_text()
    return re.sub(r"\]\((?!https?:|#)", f"]({REPOSITORY}/blob/v{cargo('version')}/", text)


def tar(path, files):
    """Writes a compressed archive of (name, bytes, mode)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data, mode in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    path.write_bytes(gzip.compress(packed.getvalue(), compresslevel=LEVEL, mtime=0))


def licences(prefix=""):
    return [(prefix + name, (ROOT / name).read_bytes(), 0o644) for name in LICENCES]


def archive(program, target, out):
    """Writes what is downloaded: the program and its licences."""
    if target not in TARGETS:
        sys.exit(f"package: no such target: {target}; known are {', '.join(TARGETS)}")
    files = [("rewind", Path(program).read_bytes(), 0o755), *licences()]
    tar(out / f"rewind-{cargo('version')}-{target}.tar.gz", files)


def wheel(program, target, out):
    """Writes the wheel: the program as a script, and the module `rewind`, which wraps tools."""
    version, tags = cargo("version"), TARGETS[target][0]
    name = f"rewind_gate-{version}"
    info, scripts = f"{name}.dist-info", f"{name}.data/scripts"
    metadata = (
        f"Metadata-Version: 2.4\nName: rewind-gate\nVersion: {version}\nSummary: {cargo('description')}\n"
        f"License-Expression: {cargo('license')}\n"
        + "".join(f"License-File: {licence}\n" for licence in LICENCES)
        + f"Project-URL: Repository, {REPOSITORY}\nRequires-Python: >=3.9\nDescription-Content-Type: text/markdown\n\n{readme()}"
    )
    about = "Wheel-Version: 1.0\nGenerator: rewind\nRoot-Is-Purelib: false\n"
    about += "".join(f"Tag: py3-none-{tag}\n" for tag in tags.split("."))
    module = sorted(path for path in (ROOT / "python/rewind").iterdir() if path.suffix in (".py", ".typed"))
    files = [(f"rewind/{path.name}", path.read_bytes(), 0o644) for path in module]
    files += [
        (f"{scripts}/rewind", program, 0o755),
        (f"{info}/METADATA", metadata.encode(), 0o644),
        (f"{info}/WHEEL", about.encode(), 0o644),
        *licences(f"{info}/licenses/"),
    ]
    parts = out / f"rewind-{version}.cdx.json"
    if parts.exists():
        files.append((f"{info}/sboms/rewind-gate.cyclonedx.json", parts.read_bytes(), 0o644))
    record = ""
    for path, data, _mode in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    record += f"{info}/RECORD,,\n"
    files.append((f"{info}/RECORD", record.encode(), 0o644))
    with zipfile.ZipFile(out / f"{name}-py3-none-{tags}.whl", "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as packed:
        for path, data, mode in files:
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, data, compresslevel=LEVEL)


def npm_machine(program, target, out):
    """Writes the npm package of one machine, and returns its name."""
    _tags, system, cpu = TARGETS[target]
    name = f"@rewind-gate/{system}-{cpu}"
    about = {
        **npm_common(name),
        "description": f"The program of rewind-gate for {system} on {cpu}",
        "os": [system],
        "cpu": [cpu],
        "preferUnplugged": True,
    }
    npm(out / f"rewind-gate-{system}-{cpu}-{cargo('version')}.tgz", about, [("bin/rewind", program, 0o755)])
    return name


def npm_main(machines, out):
    """Writes the npm package that people name: it starts the program of the machine, and its module wraps tools."""
    about = {
        **npm_common("rewind-gate"),
        "description": cargo("description"),
        "type": "module",
        "bin": {"rewind": "bin/rewind.js"},
        "exports": {".": {"types": "./index.d.ts", "default": "./index.js"}},
        "engines": {"node": ">=18"},
        "optionalDependencies": {name: cargo("version") for name in sorted(machines)},
    }
    files = [
        ("bin/rewind.js", (ROOT / "packaging/npm/rewind.js").read_bytes(), 0o755),
        ("index.js", (ROOT / "js/index.js").read_bytes(), 0o644),
        ("index.d.ts", (ROOT / "js/index.d.ts").read_bytes(), 0o644),
        ("README.md", readme().encode(), 0o644),
    ]
    npm(out / f"rewind-gate-{cargo('version')}.tgz", about, files)


def npm_common(name):
    return {
        "name": name,
        "version": cargo("version"),
        "license": cargo("license"),
        "repository": {"type": "git", "url": f"git+{REPOSITORY}.git"},
    }


def npm(path, about, files):
    head = ("package.json", (json.dumps(about, indent=2) + "\n").encode(), 0o644)
    tar(path, [(f"package/{name}", data, mode) for name, data, mode in [head, *files, *licences()]])


def all_of(out):
    """Makes the wheels, the npm packages and the checksums of the archives in a folder."""
    version, machines, sums = cargo("version"), [], ""
    archives = sorted(out.glob(f"rewind-{version}-*.tar.gz"))
    if not archives:
        sys.exit(f"package: no archive of version {version} in {out}")
    for path in archives:
        target = path.name.removeprefix(f"rewind-{version}-").removesuffix(".tar.gz")
        with tarfile.open(path) as packed:
            program = packed.extractfile("rewind").read()
        wheel(program, target, out)
        machines.append(npm_machine(program, target, out))
        sums += f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
    npm_main(machines, out)
    (out / "checksums.txt").write_text(sums)


def main(arguments):
    match arguments:
        case ["archive", program, target, out]:
            Path(out).mkdir(parents=True, exist_ok=True)
            archive(program, target, Path(out))
        case ["all", out]:
            all_of(Path(out))
        case _:
            sys.exit("usage: scripts/package archive PROGRAM TARGET OUT | all OUT | check OUT")


main(sys.argv[1:])
