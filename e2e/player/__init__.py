"""Plays conformance fixtures against an application in any language. See ../README.md."""
