"""Wraps the tools of known frameworks, so that no line of an agent changes.

Rewind puts a folder with this package and a ``sitecustomize`` on ``PYTHONPATH`` where ``--auto-tools`` asks for
it. Nothing is imported for that: a framework is patched when the agent imports it.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

_patches = {}


def install():
    """Waits for the frameworks where Rewind asks for their tools."""
    if not os.environ.get("REWIND_TOOLS") or not os.environ.get("REWIND_AUTO_TOOLS"):
        return
    from . import _frameworks

    for name, patch in _frameworks.PATCHES.items():
        when_loaded(name, patch)


def when_loaded(name, patch):
    """Patches a module when it is loaded, or now where it is."""
    if not _patches:
        sys.meta_path.insert(0, _Finder())
    _patches[name] = patch
    if name in sys.modules:
        _patched(patch, sys.modules[name])


def _patched(patch, module):
    """Patches a module; an unknown version of it is told and left alone."""
    try:
        is_known = patch(module) is not False
    except Exception as error:
        is_known = False
        reason = f": {type(error).__name__}: {error}"
    else:
        reason = ""
    if not is_known:
        what = f"the tools of this version of `{module.__name__}` are not recorded by --auto-tools"
        if module.__name__ in ("datetime", "random", "uuid"):
            what = f"`{module.__name__}` does not follow the recorded clock"
        said = f"rewind: {what}{reason}"
        print(said, file=sys.stderr)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing itself, but hears when a known module is looked for."""

    def find_spec(self, name, path, target=None):
        patch = _patches.get(name)
        if patch is None:
            return None
        for finder in sys.meta_path:
            found = finder.find_spec(name, path, target) if finder is not self else None
            if found is not None:
                break
        else:
            return None
        execute = getattr(found.loader, "exec_module", None)
        if execute is None:
            return found

        def exec_module(module):
            execute(module)
            _patched(patch, module)

        try:
            found.loader.exec_module = exec_module
        except AttributeError:
            pass
        return found


def next_sitecustomize(folder):
    """Runs the ``sitecustomize`` that this one stands before, as Python itself would."""
    others = [place for place in sys.path if os.path.abspath(place or ".") != folder]
    found = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if found is not None and found.loader is not None:
        module = importlib.util.module_from_spec(found)
        sys.modules["sitecustomize"] = module
        found.loader.exec_module(module)
