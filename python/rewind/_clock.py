"""The recorded clock: the time goes on from the start of the recording, and what is drawn by lot is drawn again.

``REWIND_CLOCK`` holds the start in nanoseconds since 1970, and what the machine's monotonic clock said then.
Monotonic clocks and secrets are left alone: ``asyncio``, timeouts and keys are as ever.
"""

import os
import sys
import time

from ._auto import when_loaded

_monotonic_ns = time.monotonic_ns


def install():
    """Sets the clock where Rewind asks for it; the seed is for the first process alone."""
    said = os.environ.get("REWIND_CLOCK")
    if not said:
        return
    start, begun = (int(part) for part in said.split(":"))
    offset = start - begun
    _patch_time(lambda: _monotonic_ns() + offset)
    when_loaded("datetime", _patch_datetime)
    # Two processes that draw the same would be taken for one.
    seed = os.environ.pop("REWIND_SEED", None)
    if seed is not None:
        when_loaded("random", lambda module: module.seed(seed))
        when_loaded("uuid", lambda module: _patch_uuid(module, seed))


def _patch_time(now_ns):
    localtime, gmtime, ctime = time.localtime, time.gmtime, time.ctime
    asctime, strftime = time.asctime, time.strftime

    def seconds(given):
        return now_ns() / 1e9 if given is None else given

    time.time_ns = now_ns
    time.time = lambda: now_ns() / 1e9
    time.localtime = lambda secs=None: localtime(seconds(secs))
    time.gmtime = lambda secs=None: gmtime(seconds(secs))
    time.ctime = lambda secs=None: ctime(seconds(secs))
    time.asctime = lambda t=None: asctime(time.localtime() if t is None else t)
    time.strftime = lambda format, t=None: strftime(format, time.localtime() if t is None else t)


def _patch_datetime(module):
    """Puts classes in place that make the real ones, but ask our clock for the time of now."""
    real_datetime, real_date = module.datetime, module.date

    class Kind(type):
        def __instancecheck__(cls, value):
            return isinstance(value, cls._real) if cls.__dict__.get("_real") else type.__instancecheck__(cls, value)

        def __subclasscheck__(cls, other):
            return issubclass(other, cls._real) if cls.__dict__.get("_real") else type.__subclasscheck__(cls, other)

    class datetime(real_datetime, metaclass=Kind):
        _real = real_datetime

        def __new__(cls, *args, **kwargs):
            return real_datetime.__new__(real_datetime if cls is datetime else cls, *args, **kwargs)

        @classmethod
        def now(cls, tz=None):
            return (real_datetime if cls is datetime else cls).fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls):
            return cls.now(module.timezone.utc).replace(tzinfo=None)

        @classmethod
        def today(cls):
            return cls.now()

    class date(real_date, metaclass=Kind):
        _real = real_date

        def __new__(cls, *args, **kwargs):
            return real_date.__new__(real_date if cls is date else cls, *args, **kwargs)

        @classmethod
        def today(cls):
            return (real_date if cls is date else cls).fromtimestamp(time.time())

    for own, real in ((datetime, real_datetime), (date, real_date)):
        own.__module__, own.__qualname__, own.__doc__ = "datetime", real.__name__, real.__doc__
        # What is made by the real class's other constructors is of that class.
        for name in ("fromtimestamp", "fromisoformat", "fromordinal", "fromisocalendar", "strptime", "combine", "utcfromtimestamp"):
            if hasattr(real, name) and name not in own.__dict__:
                setattr(own, name, _constructor(own, real, name))
    module.datetime, module.date = datetime, date
    return True


def _constructor(own, real, name):
    def construct(cls, *args, **kwargs):
        return getattr(real if cls is own else super(own, cls), name)(*args, **kwargs)

    return classmethod(construct)


def _patch_uuid(module, seed):
    import random

    lot = random.Random(seed + "/uuid")
    node = lot.getrandbits(48) | (1 << 40)
    uuid1 = module.uuid1
    module.uuid4 = lambda: module.UUID(int=lot.getrandbits(128), version=4)

    def drawn(node_=None, clock_seq=None):
        given = node if node_ is None else node_
        return uuid1(given, lot.getrandbits(14) if clock_seq is None else clock_seq)

    module.uuid1 = drawn
    # What the C library makes knows no other clock.
    module._generate_time_safe = None
    return True
