"""Stand-ins for packages that are large, and of which docstrings need no more than that their names exist."""

import sys
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class Name(type):
    """A class without content. It has every attribute, may be called, derived from and written into."""

    def __getattr__(cls, name):
        """Another one, but for what Python itself looks for."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Name(name, (), {})

    def __call__(cls, *arguments, **options):
        """Itself, whatever it is called with."""
        return cls

    def __setitem__(cls, key, value):
        """Forget it."""


class Package(ModuleType):
    """A package that has every name."""

    __path__ = ()
    __version__ = "1000.0"

    def __getattr__(self, name):
        """A class without content, the same each time, but for what Python itself looks for."""
        if name.startswith("__"):
            raise AttributeError(name)
        vars(self)[name] = Name(name, (), {})
        return vars(self)[name]


class Finder(MetaPathFinder, Loader):
    """Imports packages, and whatever of them is asked for."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        """What Python asks all finders."""
        return ModuleSpec(name, self) if name.partition(".")[0] in self.names else None

    def create_module(self, spec):
        """An empty one."""
        return Package(spec.name)

    def exec_module(self, module):
        """Nothing is left to do."""


@contextmanager
def stand_ins(*names):
    """A block in which these packages are imported as stand-ins, whether or not they are installed."""
    finder = Finder(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in names]:
            del sys.modules[name]
