"""Switches on what Rewind was asked for, then does what this file stands before."""

import os

from rewind import _auto, _clock

_folder = os.path.dirname(os.path.abspath(__file__))
_clock.install()
_auto.install()
_auto.next_sitecustomize(_folder)
