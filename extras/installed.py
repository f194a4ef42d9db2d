"""The command of an installed package: main.py, with the config.py of whoever runs it.

All modules of the program lie in one folder of site-packages, as their short names (main, config)
may be those of other packages, too. This command puts that folder first on the path of its process.
"""

import gc
import os
import sys
from importlib import import_module

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main() -> None:
    """Run the program; the process ends with its exit code."""
    gc.disable()  # as main.py does where it is the script
    vars(sys.modules["__main__"]).pop("__file__", None)  # or each worker would import the script
    sys.path.insert(0, HOME)
    import_module("extras.completion").answer_shell()
    import_module("main").run(own_config())


def own_config() -> str:
    """The path of the user's config.py, or of the values for those who have none."""
    from disk.user_folders import config_file

    own = config_file()
    return own if os.path.exists(own) else os.path.join(HOME, "extras", "installed_config.py")
