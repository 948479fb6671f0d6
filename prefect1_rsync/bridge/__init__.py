"""The way over: flow files that use Prefect's own sync tasks, rewritten for these.

Imports nothing when it is imported; `rewrite` needs libcst, and nothing here needs Prefect.
"""
