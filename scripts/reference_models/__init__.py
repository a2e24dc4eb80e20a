# SPDX-License-Identifier: Apache-2.0
"""The synthetic market and the two reference models that are trained on it."""
