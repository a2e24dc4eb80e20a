# SPDX-License-Identifier: Apache-2.0
"""tickmlp from Python: the same kernels and the same bits as the C library, numpy arrays in and out.

    with tickmlp.Model("tactical-int8.blob") as model:
        outputs = model.infer(states)       # [n, inputs] -> [n, outputs]
        scores = model.replay(bars)         # [bars, columns] -> [bars - rows + 1, outputs]
"""
from .library import Error, Kernel, kernels, version
from .model import Model, Session, Window
from .values import Counters, Head, Info

__version__ = version()
__all__ = ["Counters", "Error", "Head", "Info", "Kernel", "Model", "Session", "Window", "kernels", "version"]
