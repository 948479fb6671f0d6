"""Vendor-neutral and Prefect-free: start a run, watch it to its end, settle its stats."""
