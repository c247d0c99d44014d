# Generated from spec/ by codegen. Do not edit.
"""The raw layer: numbers of the port, error kinds, and the manifest as data. Nothing here does anything."""
