# SPDX-License-Identifier: Apache-2.0
"""Offline exporter: a trained checkpoint in, a checked int8 or float32 blob out. Needs numpy alone."""

VERSION = "1.0.0"
EXPORTER = f"tickmlp weight_export {VERSION}"
