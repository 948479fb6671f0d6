"""Prefect 1 meets the engine: arguments become a request, an outcome becomes a state."""
