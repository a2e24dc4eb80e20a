# SPDX-License-Identifier: Apache-2.0
"""From a trained checkpoint to running processes: export, prove, check, certify, sign, publish; and back again."""
